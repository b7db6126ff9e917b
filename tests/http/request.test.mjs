// What every request gets: keys, paths, methods, headers, liveness, readiness, figures.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

test('the first start leaves bootstrap.json for its owner alone', () => {
  assert.equal(statSync(join(s.folder, 'bootstrap.json')).mode & 0o777, 0o600);
  assert.equal(statSync(join(s.folder, 'control.db')).mode & 0o777, 0o600);
  assert.deepEqual(Object.keys(s.bootstrap), ['url', 'org_key', 'client_id', 'client_secret', 'api_key']);
  assert.equal(s.bootstrap.url, s.url);
  assert.ok(s.bootstrap.api_key.includes(s.bootstrap.client_secret));
  assert.ok(!s.log.includes(s.bootstrap.client_secret));
});

test('no key, a wrong key and another scheme are 401 with WWW-Authenticate', async () => {
  const wrong = s.key.slice(0, -1) + (s.key.endsWith('0') ? '1' : '0');
  const unknown = s.key.replace(s.bootstrap.client_id, '0'.repeat(16));
  for (const key of [wrong, s.key + '0']) { // few: guessing is slowed down
    const res = await s.get('/v1/events', { key });
    assert.equal(res.status, 401, res.text);
    assert.match(res.headers['www-authenticate'], /^Bearer/);
  }
  const tries = [
    { key: null },
    { key: unknown },
    { key: '' },
    { key: null, headers: { Authorization: 'Basic dTpw' } },
    { key: null, headers: { Authorization: s.key } },
  ];
  for (const options of tries) {
    for (const [method, path] of [['GET', '/v1/events'], ['POST', '/v1/events'], ['POST', '/v1/seal'], ['GET', '/v1/events/00']]) {
      const res = await s.request(method, path, { ...options, ...(method === 'POST' ? { body: '{"action":"a"}' } : {}) });
      assert.equal(res.status, 401, res.text);
      assert.equal(res.json.error.code, 'unauthorized');
      assert.match(res.headers['www-authenticate'], /^Bearer/);
    }
  }
  assert.equal((await s.get('/v1/events', { key: null, headers: { Authorization: `bearer ${s.key}` } })).status, 200);
});

test('a refused body is read, so that the connection goes on', async () => {
  const big = 'x'.repeat(5 << 20);
  for (let i = 0; i < 3; i++) assert.equal((await s.append(big, '', { key: null })).status, 401);
  assert.equal((await s.append({ action: 'a' })).status, 201);
});

test('unknown paths are 404, wrong methods 405 with Allow', async () => {
  for (const path of ['/', '/v1', '/v1/event', '/v1/events/', '/v1/events/a/b', '/..%2f..%2fetc/passwd']) {
    const res = await s.get(path);
    assert.equal(res.status, 404, path);
    assert.equal(res.json.error.code, 'not_found');
  }
  const table = [
    ['DELETE', '/v1/events', /GET/],
    ['PUT', '/v1/events', /POST/],
    ['PATCH', `/v1/events/${'0'.repeat(32)}`, /^GET, HEAD$/],
    ['DELETE', `/v1/events/${'0'.repeat(32)}`, /^GET, HEAD$/],
    ['GET', '/v1/seal', /^POST$/],
    ['POST', '/healthz', /^GET, HEAD$/],
    ['OPTIONS', '/v1/events', /GET/],
  ];
  for (const [method, path, allow] of table) {
    const res = await s.request(method, path, method === 'GET' ? {} : { body: '' });
    assert.equal(res.status, 405, `${method} ${path}: ${res.text}`);
    assert.match(res.headers.allow, allow);
    assert.equal(res.json.error.code, 'method_not_allowed');
  }
});

test('every answer says that it is data', async () => {
  for (const path of ['/healthz', '/nope', '/v1/events']) {
    const res = await s.get(path);
    assert.equal(res.headers['x-content-type-options'], 'nosniff');
    assert.equal(res.headers['cache-control'], 'no-store');
    assert.match(res.headers['content-security-policy'], /default-src 'none'/);
  }
});

test('liveness and readiness need no key', async () => {
  const health = await s.get('/healthz', { key: null });
  assert.equal(health.status, 200);
  assert.equal(health.json.status, 'ok');
  const ready = await s.get('/readyz', { key: null });
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.json, { ready: true, reasons: [] });
});

test('figures are Prometheus text and move', async () => {
  const value = async (line) => {
    const res = await s.get('/metrics', { key: null });
    assert.match(res.headers['content-type'], /^text\/plain; version=0\.0\.4/);
    for (const row of res.text.trim().split('\n')) assert.match(row, /^(# (HELP|TYPE) .+|[a-z_]+(\{.*\})? \S+)$/);
    const found = res.text.split('\n').find((row) => row.startsWith(line + ' '));
    return found ? Number(found.split(' ').at(-1)) : 0;
  };
  const accepted = 'stele_http_requests_total{route="/v1/events",method="POST",status="201"}';
  const [records, answers] = [await value('stele_records_appended_total'), await value(accepted)];
  await s.append([{ action: 'a' }, { action: 'b' }]);
  assert.equal(await value('stele_records_appended_total'), records + 2);
  assert.equal(await value(accepted), answers + 1);
  assert.ok((await value('process_resident_memory_bytes')) > 1 << 20);
  assert.equal(await value('stele_writable'), 1);
  assert.equal(await value('stele_http_memory_bytes'), 0);
});

test('seal moves every record into segments', async () => {
  await s.append([{ action: 'sealed' }]);
  const res = await s.request('POST', '/v1/seal', { body: '' });
  assert.equal(res.status, 200, res.text);
  assert.equal(res.json.head_records, 0);
  assert.ok(res.json.segments >= 1);
  assert.equal((await s.search({ query: 'action:sealed', total: 'exact' })).json.total.value, 1);
});

test('a clean stop answers what is under way and leaves everything', async () => {
  const pending = Array.from({ length: 50 }, (_, i) => s.append({ action: 'last', attributes: { i } }).catch(() => null));
  await Promise.all(pending.slice(0, 25));
  const end = await s.stop();
  assert.deepEqual(end, { code: 0, signal: null });
  const answered = (await Promise.all(pending)).filter((r) => r?.status === 201).length;
  await s.start();
  assert.ok((await s.search({ query: 'action:last', total: 'exact' })).json.total.value >= answered);
});
