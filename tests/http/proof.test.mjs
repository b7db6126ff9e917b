// Proofs of events, of appends and of growth, checked by a verifier of the tests' own, and stele verify of one event.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkProof, isConsistent, leafHash, openCheckpoint, rootOf } from './merkle.mjs';
import { makeFolder, removeFolder, startServer, stele } from './server.mjs';

let s;
let folder;
let vkey;
before(async () => {
  s = await startServer();
  folder = makeFolder();
  assert.equal((await s.append(events(0, 3000), '?ids=false')).status, 201);
  vkey = (await s.get('/log/default/main/vkey')).text;
});
after(async () => {
  removeFolder(folder);
  await s.close();
});

const events = (from, to) => Array.from({ length: to - from }, (_, i) => JSON.stringify({ action: 'update', attributes: { n: from + i } })).join('\n');
const assertError = (res, status, code) => {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.code, code, res.text);
};
const file = (name, data) => {
  writeFileSync(join(folder, name), data);
  return join(folder, name);
};
const record = async (id, ledger = 'main') => (await s.get(`/v1/events/${id}?ledger=${ledger}`)).text;
const proof = (id, query = '?wait=true') => s.get(`/v1/events/${id}/proof${query}`);

test('every event has a proof under the newest checkpoint', async () => {
  const all = await s.all();
  for (const i of [0, 1, 255, 256, 257, 1500, all.length - 1]) {
    const res = await proof(all[i].id);
    assert.equal(res.status, 200, res.text);
    assert.equal(res.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(res.headers['content-disposition'], `attachment; filename="${all[i].id}.tlog-proof"`);
    const facts = checkProof(res.text, await record(all[i].id), vkey);
    assert.equal(facts.index, i);
    assert.equal(facts.origin, 'localhost/log/default/main');
    const another = await record(all[(i + 1) % all.length].id);
    assert.throws(() => checkProof(res.text, another, vkey), /is not in the log/);
  }
});

test('an event that was just appended is proved within two seconds, or 503 says to come again', async () => {
  for (let round = 0; round < 3; round++) {
    const { ids } = (await s.append({ action: 'create' })).json;
    const at_once = await proof(ids[0], '');
    if (at_once.status !== 200) {
      assertError(at_once, 503, 'unavailable');
      assert.equal(at_once.headers['retry-after'], '1');
      assert.match(at_once.json.error.message, /one is signed every second/);
    }
    const start = Date.now();
    const waited = await proof(ids[0]);
    assert.equal(waited.status, 200, waited.text);
    assert.ok(Date.now() - start < 2000);
    checkProof(waited.text, await record(ids[0]), vkey);
  }
});

test('an append that waits for proofs has one for each event', async () => {
  const many = await s.append(events(5000, 5300), '?wait=proof');
  assert.equal(many.status, 201, many.text);
  assert.equal(many.json.proofs.length, 300);
  for (const i of [0, 1, 128, 299]) {
    const facts = checkProof(many.json.proofs[i], await record(many.json.ids[i]), vkey);
    assert.equal(facts.index, many.json.first_index + i);
  }
  const one = await s.append({ action: 'create' }, '?wait=proof&ids=false');
  assert.equal(one.json.ids, undefined);
  assert.equal(one.json.proofs.length, 1);
  assert.equal((await s.append({ action: 'create' })).json.proofs, undefined);
  const headers = { 'Idempotency-Key': 'again' };
  const first = await s.append({ action: 'once' }, '?wait=proof', { headers });
  const again = await s.append({ action: 'once' }, '?wait=proof', { headers });
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(checkProof(again.json.proofs[0], await record(first.json.ids[0]), vkey).index, first.json.first_index);
});

test('a hundred appends that wait hold no thread', async () => {
  const start = Date.now();
  const waiting = Array.from({ length: 100 }, () => s.append({ action: 'create' }, '?wait=proof'));
  const search = await s.search({ limit: 1 });
  assert.equal(search.status, 200);
  for (const res of await Promise.all(waiting)) assert.equal(res.json.proofs.length, 1);
  assert.ok(Date.now() - start < 10000);
});

test('more proofs at once than fit an answer are refused before anything is stored', async () => {
  const size = (await s.all()).length;
  const res = await s.append(events(0, 1001), '?wait=proof');
  assertError(res, 413, 'too_large');
  assert.match(res.json.error.message, /at most 1000 events, and there are 1001/);
  assertError(await s.append({ action: 'a' }, '?wait=forever'), 400, 'invalid');
  assert.equal((await s.all()).length, size);
  assert.equal((await s.append(events(0, 1000), '?wait=proof')).json.proofs.length, 1000);
});

test('consistency between any two sizes', async () => {
  const ids = (await s.all()).map((e) => e.id);
  const leaves = [];
  for (const e of (await s.get('/v1/export?format=ndjson')).text.trimEnd().split('\n')) leaves.push(leafHash(e));
  assert.equal(leaves.length, ids.length);
  const n = leaves.length;
  for (const [from, to] of [[0, n], [1, n], [2, 3], [255, 256], [256, 1000], [999, 4000], [n, n], [n - 1, n], [0, 0]]) {
    const res = await s.get(`/v1/log/consistency?from=${from}&to=${to}`);
    assert.equal(res.status, 200, res.text);
    assert.deepEqual([res.json.from, res.json.to], [from, to]);
    const path = res.json.hashes.map((h) => Buffer.from(h, 'base64'));
    assert.ok(isConsistent(from, to, path, rootOf(leaves.slice(0, from)), rootOf(leaves.slice(0, to))), `${from} to ${to}`);
  }
  const checkpoint = openCheckpoint((await s.get('/log/default/main/checkpoint')).text, vkey);
  const now = await s.get('/v1/log/consistency?from=7');
  assert.ok(now.json.to >= checkpoint.size);
  assertError(await s.get('/v1/log/consistency'), 400, 'invalid');
  assertError(await s.get('/v1/log/consistency?from=x'), 400, 'invalid');
  assertError(await s.get('/v1/log/consistency?from=-1'), 400, 'invalid');
  assertError(await s.get('/v1/log/consistency?from=2&to=1'), 400, 'invalid');
  assertError(await s.get(`/v1/log/consistency?from=1&to=${n + 1}`), 400, 'invalid');
  assertError(await s.get('/v1/log/consistency?from=1&to=9999999999999999999'), 400, 'invalid');
});

test('what is not there has no proof', async () => {
  assertError(await proof('0'.repeat(32)), 404, 'not_found');
  assertError(await proof('nothing'), 404, 'not_found');
  const [event] = await s.all({ limit: 1 });
  assertError(await proof(event.id, '?ledger=self'), 404, 'not_found');
  assertError(await proof(event.id, '?wait=maybe'), 400, 'invalid');
  assertError(await proof(event.id, '?limit=1'), 400, 'invalid');
  assertError(await s.get(`/v1/events/${event.id}/proof`, { key: null }), 401, 'unauthorized');
});

test('proofs stay good over a restart and sealing', async () => {
  const { ids } = (await s.append({ action: 'keep' }, '?wait=proof')).json;
  const old = (await proof(ids[0])).text;
  assert.equal((await s.request('POST', '/v1/seal')).status, 200);
  await s.stop();
  await s.start();
  checkProof(old, await record(ids[0]), vkey);
  const fresh = await proof(ids[0]);
  assert.equal(fresh.status, 200, fresh.text);
  checkProof(fresh.text, await record(ids[0]), vkey);
  assert.equal((await s.get('/log/default/main/vkey')).text, vkey);
});

test('stele verify takes an event with its proof and the key, and nothing less', async () => {
  const { ids } = (await s.append({ action: 'prove', description: 'Zeile\nzwei' }, '?wait=proof')).json;
  const text = await record(ids[0]);
  const event = file('event.json', text);
  const good = file('good.tlog-proof', (await proof(ids[0])).text);
  const key = file('vkey.txt', `# the log's key\n${vkey}`);
  const run = (...args) => stele(['verify', ...args]);
  const ok = await run(event, '--proof', good, '--vkey', key);
  assert.equal(ok.code, 0, ok.stdout + ok.stderr);
  assert.match(ok.stdout, /^ok: record \d+ of localhost\/log\/default\/main, \d+ records signed\n$/);
  assert.equal((await run(event, '--proof', good, '--vkey', vkey.trim())).code, 0);
  assert.equal((await run(file('line.json', `${text}\n`), '--proof', good, '--vkey', key)).code, 0);
  const pretty = Object.fromEntries(Object.entries(JSON.parse(text)).reverse());
  assert.equal((await run(file('pretty.json', JSON.stringify(pretty, null, 2)), '--proof', good, '--vkey', key)).code, 0);
  assert.equal((await run(file('renamed.bin', text), '--proof', file('any-name', (await proof(ids[0])).text), '--vkey', key)).code, 0);
  const json = await run(event, '--proof', good, '--vkey', key, '--json');
  assert.equal(JSON.parse(json.stdout).ok, true);

  const bad = async (code, pattern, ...args) => {
    const res = await run(...args);
    assert.equal(res.code, code, res.stdout + res.stderr);
    assert.match(res.stdout + res.stderr, pattern);
    assert.doesNotMatch(res.stdout, /^ok/m);
  };
  await bad(1, /was changed/, file('changed.json', text.replace('prove', 'drove')), '--proof', good, '--vkey', key);
  await bad(1, /something behind the record/, file('two.json', `${text}\n${text}\n`), '--proof', good, '--vkey', key);
  await bad(1, /NOT VERIFIED/, file('none.json', 'no JSON'), '--proof', good, '--vkey', key);
  await bad(1, /NOT VERIFIED/, event, '--proof', file('empty', ''), '--vkey', key);
  await bad(1, /NOT VERIFIED/, event, '--proof', event, '--vkey', key);
  const other = (await proof((await s.all())[3].id)).text;
  await bad(1, /another record's/, event, '--proof', file('other', other), '--vkey', key);
  const lines = (await proof(ids[0])).text.split('\n');
  await bad(1, /NOT VERIFIED/, event, '--proof', file('fewer', lines.toSpliced(2, 1).join('\n')), '--vkey', key);
  await bad(1, /NOT VERIFIED/, event, '--proof', file('more', lines.toSpliced(2, 0, lines[2]).join('\n')), '--vkey', key);
  await bad(1, /NOT VERIFIED/, event, '--proof', file('unsigned', `${lines.slice(0, -2).join('\n')}\n`), '--vkey', key);
  const forged = lines.map((l) => (/^\d+$/.test(l) ? String(Number(l) + 1) : l)).join('\n');
  await bad(1, /NOT VERIFIED/, event, '--proof', file('forged', forged), '--vkey', key);
  const self = (await s.get('/log/default/self/vkey')).text;
  await bad(1, /NOT VERIFIED/, event, '--proof', good, '--vkey', self.trim());
  await bad(2, /--vkey is missing/, event, '--proof', good);
  await bad(2, /--proof is missing/, event, '--vkey', key);
  await bad(3, /neither a verifier key nor a file/, event, '--proof', good, '--vkey', join(folder, 'none'));
  await bad(3, /./, event, '--proof', join(folder, 'none'), '--vkey', key);
  await bad(3, /./, join(folder, 'none'), '--proof', good, '--vkey', key);
  await bad(3, /./, event, '--proof', good, '--vkey', file('empty-key', ''));
});
