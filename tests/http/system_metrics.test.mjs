// The server's own performance, as events of the org `_system`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, startServer } from './server.mjs';

// A key that reads `_system`.
async function systemKey(s) {
  const made = await s.request('POST', '/v1/orgs/_system/keys', { body: { name: 'reader', role: 'auditor' } });
  assert.equal(made.status, 201, made.text);
  return made.json.api_key;
}

async function metrics(s, key, least) {
  for (let i = 0; i < 100; i++) {
    const { events } = (await s.search({ query: 'action:system.metrics', order: 'oldest' }, { key })).json;
    if (events.length >= least) return events;
    await sleep(100);
  }
  throw new Error(`fewer than ${least} events`);
}

test('requests, times, processor, memory, disk and queues, once in so many seconds', async () => {
  const s = await startServer(['--system-metrics', '1']);
  const key = await systemKey(s);
  await metrics(s, key, 1);
  for (let i = 0; i < 20; i++) await s.append(Array.from({ length: 10 }, () => ({ action: 'x' })), '?ids=false');
  await s.search({}, { key: null });
  await s.get('/v1/events?query=(');
  const seen = (await metrics(s, key, 1)).length;
  const events = await metrics(s, key, seen + 3);
  const sum = (f) => events.reduce((n, e) => n + f(e.attributes), 0);
  const routes = events.flatMap((e) => e.attributes.routes);
  const appends = routes.filter((r) => r.route === 'POST /v1/events');
  assert.equal(appends.reduce((n, r) => n + r.count, 0), 20);
  for (const r of routes) {
    assert.ok(r.count > 0 && r.failed === 0, JSON.stringify(r));
    assert.ok(r.p50_ms >= 0 && r.p50_ms <= r.p95_ms && r.p95_ms <= r.p99_ms && r.p99_ms <= 5000, JSON.stringify(r));
  }
  assert.ok(sum((a) => a.ingest.records) >= 200);
  assert.equal(sum((a) => a.requests.count), routes.reduce((n, r) => n + r.count, 0));
  const last = events.at(-1);
  assert.deepEqual(last.actor, { id: 'stele', type: 'system' });
  assert.equal(last.severity, 'info');
  const { attributes: a } = last;
  assert.deepEqual(Object.keys(a).sort(), ['clients', 'cpu', 'disk', 'faults', 'ingest', 'memory', 'queues', 'requests', 'routes', 'seconds']);
  assert.ok(a.seconds >= 0.9 && a.cpu.seconds >= 0 && a.memory.resident_bytes > 1e6);
  assert.ok(a.disk.free_bytes > 0 && a.disk.journal_bytes > 0);
  assert.ok(a.clients.connections >= 1);
  assert.deepEqual(a.faults, { verification: 0, damaged_segments: 0, retention_orgs: 0, writable: true });
  assert.ok(!JSON.stringify(events).includes('default')); // no org, key or content
  assert.equal((await s.search({ query: 'action:system.metrics' })).json.events.length, 0); // not for other orgs
  await s.close();
});

test('none when nobody wants them', async () => {
  const s = await startServer(['--system-metrics', '0']);
  const key = await systemKey(s);
  await sleep(1500);
  assert.deepEqual((await s.search({}, { key })).json.events, []);
  await s.close();
});
