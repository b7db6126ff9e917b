// Ledgers as transparency logs: a verifier of its own (tlog.mjs) takes checkpoints, tiles and entries, while events come
// in, over restarts, kills, changes of keys and old copies of the data folder.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server, makeFolder, removeFolder, sleep, startServer, stele } from './server.mjs';
import { Log, leafHash, openCheckpoint, parseVkey, rootOf, tilePath } from './tlog.mjs';

const PREFIX = '/log/default/main';
const batch = (n, from = 0) =>
  Array.from({ length: n }, (_, i) =>
    JSON.stringify({ action: `a${i % 7}`, actor: { id: `u-${i % 31}` }, description: `event ${from + i}` }),
  ).join('\n');
const logOf = (server, prefix = PREFIX) => new Log((path) => server.get(path), prefix).trust();

// The checkpoint once it covers `size` records.
async function signedAt(log, size) {
  for (let i = 0; i < 100; i++) {
    const checkpoint = await log.checkpoint();
    if (checkpoint.size >= size) return checkpoint;
    await sleep(50);
  }
  throw new Error(`no checkpoint of ${size} records`);
}

test('an empty ledger has a checkpoint of nothing', async () => {
  const server = await startServer();
  const log = await logOf(server);
  const checkpoint = await log.checkpoint();
  assert.equal(checkpoint.origin, 'localhost/log/default/main');
  assert.equal(checkpoint.size, 0);
  assert.deepEqual(checkpoint.root, rootOf([]));
  const self = await logOf(server, '/log/default/self');
  assert.equal((await self.checkpoint()).origin, 'localhost/log/default/self');
  for (const path of ['tile/0/000', 'tile/0/000.p/1', 'tile/entries/000.p/1'])
    assert.equal((await server.get(`${PREFIX}/${path}`)).status, 404);
  await server.close();
});

test('events are in a signed checkpoint within a second', async () => {
  const server = await startServer();
  const log = await logOf(server);
  for (let i = 1; i <= 5; i++) {
    await server.append(batch(10));
    const start = Date.now();
    await signedAt(log, 10 * i);
    assert.ok(Date.now() - start < 1000 + 500, `${Date.now() - start} ms`); // and room for a slow machine
    await sleep(170 * i); // at another phase of the signer
  }
  await server.close();
});

test('tiles and entries give the signed root, while events come in', async () => {
  const server = await startServer();
  const log = await logOf(server);
  const seen = [];
  let sent = 0;
  let isDone = false;
  const feed = (async () => {
    while (sent < 20000 || seen.length < 3) {
      const answer = await server.append(batch(500, sent));
      assert.equal(answer.status, 201);
      sent += 500;
      await sleep(15);
    }
    isDone = true;
  })();
  do {
    const checkpoint = await log.checkpoint();
    if (checkpoint.size === (seen.at(-1)?.size ?? -1)) {
      await sleep(50);
      continue;
    }
    assert.ok(checkpoint.size > (seen.at(-1)?.size ?? -1));
    assert.deepEqual(await log.root(checkpoint.size), checkpoint.root);
    seen.push(checkpoint);
  } while (!isDone);
  await feed;
  const last = await signedAt(log, sent);
  const records = await log.entries(last.size);
  const leaves = records.map(leafHash);
  assert.deepEqual(rootOf(leaves), last.root);
  for (const { size, root } of seen) assert.deepEqual(rootOf(leaves.slice(0, size)), root); // one history
  const events = await server.all();
  assert.deepEqual(
    records.map((r) => JSON.parse(r.toString())),
    events,
  );
  // The tiles of every size that was published are served after it, too.
  for (const { size } of seen) {
    if (size % 256 === 0) continue;
    const n = Math.floor(size / 256);
    const partial = await server.get(`${PREFIX}/${tilePath(0, n, size % 256)}`);
    assert.deepEqual(partial.bytes, Buffer.concat(leaves.slice(256 * n, size)));
  }
  assert.equal((await server.request('POST', '/v1/seal')).status, 200);
  const sealed = new Log((path) => server.get(path), PREFIX);
  sealed.vkeys = log.vkeys;
  assert.deepEqual(await sealed.root(last.size), last.root);
  await server.close();
});

test('answers have the types and caching of C2SP, and end where the checkpoint does', async () => {
  const server = await startServer();
  const log = await logOf(server);
  await server.append(batch(300));
  await signedAt(log, 300);
  const checkpoint = await server.get(`${PREFIX}/checkpoint`);
  assert.equal(checkpoint.headers['content-type'], 'text/plain; charset=utf-8');
  assert.match(checkpoint.headers['cache-control'], /max-age=1$/);
  for (const path of ['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/000', 'tile/entries/001.p/44']) {
    const tile = await server.get(`${PREFIX}/${path}`);
    assert.equal(tile.status, 200, path);
    assert.equal(tile.headers['content-type'], 'application/octet-stream');
    assert.match(tile.headers['cache-control'], /immutable/);
  }
  const head = await server.request('HEAD', `${PREFIX}/tile/0/000`);
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], '8192');
  for (const path of [
    'tile/0/001',
    'tile/0/001.p/45',
    'tile/0/002.p/1',
    'tile/1/000.p/2',
    'tile/1/000',
    'tile/2/000.p/1',
    'tile/8/000.p/1',
    'tile/63/000.p/1',
    'tile/64/000.p/1',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/0',
    'tile/0/x000/000',
    'tile/entries/001',
    'tile/entries/001.p/45',
    'tile/entries/',
    'tile/0/x018/x446/x744/x073/x709/x551/615',
    'tile/-1/000',
    'tile/0/../entries/000',
    'tile/0/%2e%2e/entries/000',
  ]) {
    const res = await server.get(`${PREFIX}/${path}`);
    assert.equal(res.status, 404, path);
    assert.equal(res.headers['cache-control'], 'no-store');
  }
  for (const path of ['/log/other/main/checkpoint', '/log/default/third/checkpoint', '/log/default/main/nothing'])
    assert.equal((await server.get(path)).status, 404, path);
  assert.equal((await server.get(`${PREFIX}/checkpoint`, { key: null })).status, 401);
  assert.equal((await server.request('POST', `${PREFIX}/checkpoint`)).status, 405);
  await server.close();
});

test('the log goes on after a stop and after a kill', async () => {
  const server = await startServer();
  let log = await logOf(server);
  const { vkeys } = log;
  const seen = [];
  for (let i = 0; i < 4; i++) {
    await server.append(batch(700));
    seen.push(await signedAt(log, i % 2 ? 1 : 700 * (i + 1)));
    await (i % 2 ? server.kill() : server.stop());
    await server.start();
    log = new Log((path) => server.get(path), PREFIX);
    log.vkeys = vkeys;
    const checkpoint = await log.checkpoint();
    assert.ok(checkpoint.size >= seen.at(-1).size);
  }
  const last = await signedAt(log, 2800);
  const leaves = (await log.entries(last.size)).map(leafHash);
  assert.deepEqual(rootOf(leaves), last.root);
  for (const { size, root } of seen) assert.deepEqual(rootOf(leaves.slice(0, size)), root);
  await server.close();
});

// Kills at random moments while events come in: what was published before is part of what is there after.
test('no kill makes a fork', async () => {
  const server = await startServer();
  const first = await logOf(server);
  const seen = [];
  for (let round = 0; round < 6; round++) {
    const log = new Log((path) => server.get(path), PREFIX);
    log.vkeys = first.vkeys;
    let isOver = false;
    const feed = (async () => {
      while (!isOver) await server.append(batch(40)).catch(() => (isOver = true));
    })();
    const end = Date.now() + 300 + Math.random() * 900;
    while (Date.now() < end) seen.push(await log.checkpoint());
    isOver = true;
    await server.kill();
    await feed;
    await server.start();
  }
  const log = new Log((path) => server.get(path), PREFIX);
  log.vkeys = first.vkeys;
  const last = await signedAt(log, seen.at(-1).size);
  const leaves = (await log.entries(last.size)).map(leafHash);
  assert.deepEqual(rootOf(leaves), last.root);
  const sizes = new Map(seen.map(({ size, root }) => [size, root]));
  for (const [size, root] of sizes) assert.deepEqual(rootOf(leaves.slice(0, size)), root);
  await server.close();
});

test('a key is changed, and both sign the change', async () => {
  const server = await startServer();
  const log = await logOf(server);
  await server.append(batch(20));
  await signedAt(log, 20);
  const before = (await server.get(`${PREFIX}/keys`)).json.keys;
  assert.equal(before.length, 1);
  const rotated = await server.request('POST', '/v1/log/rotate');
  assert.equal(rotated.status, 200);
  const { keys } = rotated.json;
  assert.equal(keys.length, 2);
  assert.equal(keys[0].vkey, before[0].vkey);
  assert.ok(keys[0].retired >= keys[0].created && !keys[1].retired);
  const vkeys = keys.map((k) => parseVkey(k.vkey));
  assert.equal((await server.get(`${PREFIX}/vkey`)).text, `${keys[1].vkey}\n`);
  const both = openCheckpoint(keys[1].handover, vkeys);
  assert.equal(both.signers.length, 2);
  assert.equal(both.size, 20);
  assert.equal((await server.get(`${PREFIX}/checkpoint`)).text, keys[1].handover);
  await log.checkpoint(); // the old key opens it as well
  await server.append(batch(5));
  await server.kill();
  await server.start();
  const after = new Log((path) => server.get(path), PREFIX);
  after.vkeys = [vkeys[1]];
  const last = await signedAt(after, 25);
  assert.deepEqual(await after.root(25), last.root);
  assert.throws(() => openCheckpoint('x\n', [vkeys[0]]));
  const self = await server.request('POST', '/v1/log/rotate?ledger=self');
  assert.equal(self.json.keys.at(-1).vkey.startsWith('localhost/log/default/self+'), true);
  await server.close();
});

// The one event of the self ledger with this action that is not in `known`.
async function newEvent(server, action, known) {
  const events = await server.all({ ledger: 'self', query: `action:"${action}"` });
  const found = events.filter((e) => !known.has(e.id));
  assert.equal(found.length, 1, JSON.stringify(events));
  known.add(found[0].id);
  return found[0];
}

test('a change of keys is an event of the self ledger', async () => {
  const server = await startServer();
  const known = new Set();
  for (const ledger of ['main', 'self', 'main']) {
    const prefix = `/log/default/${ledger}`;
    const before = (await server.get(`${prefix}/vkey`)).text.trim();
    assert.equal((await server.request('POST', `/v1/log/rotate?ledger=${ledger}`)).status, 200);
    const after = (await server.get(`${prefix}/vkey`)).text.trim();
    const event = await newEvent(server, 'log.key_rotated', known);
    assert.notEqual(before, after);
    assert.deepEqual(event.before, { vkey: before });
    assert.deepEqual(event.after, { vkey: after });
    assert.deepEqual(event.entity, { id: ledger, type: 'ledger' });
    assert.equal(event.actor.type, 'api_key');
    assert.ok(server.key.includes(event.actor.id));
  }
  assert.deepEqual(await server.all({ ledger: 'self', query: 'action:"log.key_rotation_failed"' }), []);
  await server.stop();
  assert.equal((await stele(['key', 'rotate', '--data', server.folder])).code, 0);
  await server.start();
  const event = await newEvent(server, 'key.rotated', known);
  assert.deepEqual(event.entity, { id: 'master', type: 'key' });
  assert.deepEqual(event.actor, { id: 'stele', type: 'system' });
  await server.close();
});

test('an old copy of the data folder signs nothing and takes nothing', async () => {
  const state = mkdtempSync(join(tmpdir(), 'stele-state-'));
  const server = await startServer(['--state', state, '--log-host', 'audit.example']);
  const log = await logOf(server);
  await server.append(batch(100));
  assert.equal((await signedAt(log, 100)).origin, 'audit.example/log/default/main');
  await server.stop();
  const copy = makeFolder();
  cpSync(server.folder, copy, { recursive: true });
  await server.start();
  await server.append(batch(50));
  const seen = await signedAt(log, 150);
  const told = await server.search({ ledger: 'self', total: 'exact', limit: 1 });
  await signedAt(await logOf(server, '/log/default/self'), told.json.total.value + 1);
  await server.stop();

  const old = new Server(copy, server.args);
  await old.start();
  const ready = await old.get('/readyz', { key: null });
  assert.equal(ready.status, 503);
  assert.match(ready.text, /old copy/);
  assert.equal((await old.append(batch(1))).status, 503);
  assert.equal((await old.get(`${PREFIX}/checkpoint`)).status, 503);
  assert.equal((await old.get(`${PREFIX}/tile/0/000.p/10`)).status, 503);
  assert.equal((await old.request('POST', '/v1/log/rotate')).status, 503);
  // The other one is self, if anything was told of since: then nothing can be read, since that could not be told of.
  const [, refused] = /^stele_logs_refused ([12])$/m.exec((await old.get('/metrics', { key: null })).text);
  assert.equal((await old.search({})).status, refused === '2' ? 503 : 200);
  await old.close();

  await server.start(); // the present one goes on
  assert.equal((await server.append(batch(1))).status, 201);
  const last = await signedAt(log, 151);
  const leaves = (await log.entries(151)).map(leafHash);
  assert.deepEqual(rootOf(leaves), last.root);
  assert.deepEqual(rootOf(leaves.slice(0, 150)), seen.root);
  await server.stop();

  const heads = readFileSync(join(state, 'heads'), 'utf8');
  writeFileSync(join(state, 'heads'), heads.slice(0, 40));
  await assert.rejects(server.start(), /heads/);
  writeFileSync(join(state, 'heads'), heads);
  const other = new Server(makeFolder(), server.args);
  await assert.rejects(other.start(), /state folder belongs to one data folder/);
  removeFolder(other.folder);
  await server.start();
  await server.close();
  rmSync(state, { recursive: true });
});

test('figures tell what is signed, and name nobody', async () => {
  const server = await startServer();
  const log = await logOf(server);
  await server.append(batch(3));
  await signedAt(log, 3);
  const { text } = await server.get('/metrics', { key: null });
  assert.match(text, /^stele_log_checkpoints_total [1-9]/m);
  assert.match(text, /^stele_logs [1-9]/m);
  assert.match(text, /^stele_logs_unsigned 0$/m);
  assert.match(text, /^stele_log_unsigned_seconds 0$/m);
  assert.match(text, /^stele_logs_refused 0$/m);
  assert.doesNotMatch(text, /default/);
  await server.close();
});
