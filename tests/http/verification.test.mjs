// Verification in the background: what is damaged while the server runs is found and told, and nothing stops.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

let s;
before(async () => (s = await startServer(['--verify-every', '1', '--verify-rate', '1000'])));
after(() => s.close());

const status = async () => (await s.get('/v1/verification')).json;
const self = (query) => s.all({ ledger: 'self', query });

async function until(what, ms = 30000) {
  for (const end = Date.now() + ms; ;) {
    const found = await what();
    if (found) return found;
    assert.ok(Date.now() < end, `in time: ${what}`);
    await sleep(200);
  }
}

async function appendAndSeal(n) {
  await s.append(Array.from({ length: n }, (_, i) => ({ action: 'a', attributes: { i } })), '?ids=false');
  assert.equal((await s.request('POST', '/v1/seal', { body: '' })).status, 200);
}

// The files of the main ledger.
const segments = () => readdirSync(join(s.folder, 'segments', '1')).filter((n) => n.endsWith('.seg')).sort((a, b) => parseInt(a) - parseInt(b)).map((n) => join(s.folder, 'segments', '1', n));

function flip(path) {
  const bytes = readFileSync(path);
  const was = Buffer.from(bytes);
  bytes[Math.floor(bytes.length / 3)] ^= 0x10;
  writeFileSync(path, bytes);
  return () => writeFileSync(path, was);
}

test('passes go over everything and are told', async () => {
  await appendAndSeal(3000);
  await s.append({ action: 'in the head' });
  const began = (await status()).passes;
  const now = await until(async () => { const v = await status(); return v.passes >= began + 2 && v; });
  assert.equal(now.sound, true);
  assert.deepEqual(now.faults, []);
  assert.ok(now.last_pass.records >= 3001, JSON.stringify(now));
  assert.ok(now.last_pass.bytes > 0);
  const [event] = await self('action:verification.completed');
  assert.equal(event.actor.id, 'stele');
  assert.equal(event.attributes.faults, 0);
  const metrics = (await s.get('/metrics')).text;
  assert.match(metrics, /^stele_verification_faults 0$/m);
  assert.match(metrics, /^stele_verification_last_pass_timestamp_seconds 1\d{9}/m);
});

test('damage is found while the server runs, told once, and forgotten when it is repaired', async () => {
  await appendAndSeal(3000);
  const path = segments()[1];
  const restore = flip(path);
  const bad = await until(async () => { const v = await status(); return v.faults.length > 0 && v; });
  assert.equal(bad.sound, false);
  const [fault] = bad.faults;
  assert.ok(path.endsWith(fault.file), JSON.stringify(fault));
  assert.ok(fault.offset > 0);
  assert.match((await s.get('/metrics')).text, /^stele_verification_faults 1$/m);
  const ready = await s.get('/readyz', { key: null });
  assert.equal(ready.status, 200, 'reads and writes go on');
  assert.equal(ready.json.ready, true);
  assert.equal(ready.json.reasons[0].code, 'corrupt');
  assert.doesNotMatch(ready.text, /seg|stele-http/, 'names nothing to those without a key');
  assert.equal((await s.append({ action: 'goes on' })).status, 201);
  const before = (await status()).passes;
  await until(async () => (await status()).passes >= before + 2);
  await s.stop();
  await s.start();
  const again = (await status()).passes;
  await until(async () => (await status()).passes >= again + 2);
  const events = await self('action:verification.failed');
  assert.equal(events.length, 1, 'once for a fault');
  assert.equal(events[0].entity.id, fault.file);
  assert.equal(events[0].severity, 'critical');

  restore();
  await until(async () => (await status()).sound);
  assert.deepEqual((await status()).faults, []);
  assert.deepEqual((await s.get('/readyz')).json, { ready: true, reasons: [] });
});

test('seals and merges go on meanwhile, and nothing sound is called damaged', async () => {
  for (let i = 0; i < 20; i++) await appendAndSeal(500 + i * 37);
  const before = (await status()).passes;
  await until(async () => (await status()).passes >= before + 2);
  const v = await status();
  assert.equal(v.sound, true, JSON.stringify(v.faults));
  assert.ok(segments().length < 20, 'they were merged');
});

test('searches find the block cache as they left it', async () => {
  const held = async () => Number(/^stele_block_cache_misses_total (\d+)$/m.exec((await s.get('/metrics')).text)[1]);
  const before = await held();
  const passes = (await status()).passes;
  await until(async () => (await status()).passes >= passes + 2);
  assert.equal(await held(), before);
});
