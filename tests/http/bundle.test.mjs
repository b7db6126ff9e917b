// The ZIP export as evidence: against a verifier of the tests' own, against stele verify, and tampered with.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { checkBundle } from './merkle.mjs';
import { makeFolder, removeFolder, startServer, stele } from './server.mjs';
import { readZip } from './zip.mjs';

const TOTAL = 20000;
let s;
let folder;
let vkey;
let vkeyFile;
let expected;

const event = (i) => ({
  time: new Date(Date.UTC(2026, 0, 1) + (i % 100 === 99 ? i - 5000 : i) * 1000).toISOString(), // some arrive late
  action: i % 5 === 0 ? 'delete' : 'update',
  actor: { id: `u-${i % 97}` },
  attributes: { n: i },
});

before(async () => {
  s = await startServer();
  folder = makeFolder();
  for (let at = 0; at < TOTAL; at += 5000) {
    const body = Array.from({ length: 5000 }, (_, k) => JSON.stringify(event(at + k))).join('\n');
    assert.equal((await s.append(body, '?ids=false')).status, 201);
  }
  expected = await s.all({ total: 'none' });
  vkey = (await s.get('/log/default/main/vkey')).text;
  vkeyFile = join(folder, 'vkey.txt');
  writeFileSync(vkeyFile, vkey);
});
after(async () => {
  removeFolder(folder);
  await s.close();
});

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
const crc32 = (data) => {
  let c = 0xffffffff;
  for (const b of data) c = CRC_TABLE[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
};

// Packs files again, as any program may.
function writeZip(files) {
  const parts = [];
  const directory = [];
  let off = 0;
  for (const [name, data] of Object.entries(files)) {
    const packed = deflateRawSync(data);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(8, 4);
    head.writeUInt32LE(crc32(data), 10);
    head.writeUInt32LE(packed.length, 14);
    head.writeUInt32LE(data.length, 18);
    head.writeUInt16LE(name.length, 22);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, Buffer.alloc(10), Buffer.from([off & 255, (off >> 8) & 255, (off >> 16) & 255, off >>> 24]), Buffer.from(name));
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), head, Buffer.from(name), packed);
    off += 30 + name.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(off, 16);
  return Buffer.concat([...parts, list, end]);
}

function download(params, server = s) {
  const path = `/v1/export?${new URLSearchParams({ format: 'zip', ...params })}`;
  return new Promise((done, fail) => {
    const req = http.get({ host: '127.0.0.1', port: server.port, path, agent: false, headers: { Authorization: `Bearer ${server.key}` } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('error', fail);
      res.on('end', () => done(Buffer.concat(parts)));
    });
    req.on('error', fail);
  });
}

const verify = (file, ...args) => stele(['verify', file, '--vkey', vkeyFile, ...args]);

// Both verifiers find the same.
async function check(name, bytes) {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  const facts = checkBundle(readZip(bytes), vkey);
  const res = await verify(file, '--json');
  assert.equal(res.code, 0, res.stdout + res.stderr);
  const said = JSON.parse(res.stdout);
  assert.deepEqual([said.ok, said.first, said.next, said.shown, said.withheld, said.size], [true, facts.first, facts.next, facts.shown, facts.withheld, facts.size]);
  return facts;
}

test('a bundle of everything proves that it is everything', async () => {
  const bytes = await download({});
  const files = readZip(bytes);
  assert.deepEqual(Object.keys(files), ['events.ndjson', 'leaves.bin', 'proof', 'checkpoint', 'vkey', 'manifest.json']);
  assert.equal(files['leaves.bin'].length, 16);
  assert.equal(files.vkey.toString(), vkey);
  const facts = await check('all.zip', bytes);
  assert.deepEqual([facts.first, facts.next, facts.shown, facts.withheld], [0, TOTAL, TOTAL, 0]);
  assert.equal(facts.origin, 'localhost/log/default/main');
  const manifest = JSON.parse(files['manifest.json']);
  assert.deepEqual(manifest.range, { first: 0, next: TOTAL, withheld: 0 });
  assert.deepEqual(manifest.log, { origin: facts.origin, size: facts.size });
  assert.equal(manifest.unproved, undefined);
});

test('what a query leaves out is there as hashes', async () => {
  for (const query of ['action:delete', 'actor.id:u-3', 'attributes.n:17', 'action:nobody', '-attributes.n:17']) {
    const facts = await check('some.zip', await download({ query }));
    const shown = (await s.search({ query, limit: 1, total: 'exact' })).json.total.value;
    assert.deepEqual([facts.first, facts.next, facts.shown, facts.withheld], [0, TOTAL, shown, TOTAL - shown], query);
  }
});

test('the range is what the period takes up in the ledger', async () => {
  for (const [from, to] of [
    ['2026-01-01T01:00:00Z', '2026-01-01T02:00:00Z'],
    ['2026-01-01T03:00:00Z', undefined],
    [undefined, '2026-01-01T00:00:10Z'],
    ['2026-01-01T01:00:00Z', '2026-01-01T01:00:01Z'],
  ]) {
    const inside = (e) => (!from || e.time >= from.replace('Z', '.000000Z')) && (!to || e.time < to.replace('Z', '.000000Z'));
    const indexes = expected.flatMap((e, i) => (inside(e) ? [i] : []));
    for (const query of ['', 'action:delete']) {
      const params = Object.fromEntries(Object.entries({ from, to, query }).filter(([, v]) => v));
      const bytes = await download(params);
      const facts = await check('period.zip', bytes);
      assert.equal(facts.first, from ? indexes[0] : 0);
      assert.equal(facts.next, to ? indexes.at(-1) + 1 : TOTAL);
      assert.equal(facts.shown, expected.filter((e) => inside(e) && (!query || e.action === 'delete')).length);
      assert.equal(JSON.parse(readZip(bytes)['manifest.json']).range.withheld, facts.withheld);
    }
  }
  const none = await check('none.zip', await download({ from: '2030-01-01' }));
  assert.deepEqual([none.first, none.next, none.shown, none.withheld], [0, 0, 0, 0]);
});

test('newest first is refused: the proof is about order of arrival', async () => {
  const res = await s.get('/v1/export?format=zip&order=newest');
  assert.equal(res.status, 400);
  assert.equal(res.json.error.details.field, 'order');
  assert.match(res.json.error.message, /order of arrival/);
});

test('an empty ledger, and events that came a moment ago', async () => {
  const other = await startServer();
  try {
    vkeyFile = join(folder, 'other-vkey.txt');
    const mine = vkey;
    vkey = (await other.get('/log/default/main/vkey')).text;
    writeFileSync(vkeyFile, vkey);
    const empty = await check('empty.zip', await download({}, other));
    assert.deepEqual([empty.size, empty.first, empty.next], [0, 0, 0]);
    for (let i = 1; i <= 3; i++) {
      await other.append({ action: 'now' });
      const facts = await check('now.zip', await download({}, other));
      assert.deepEqual([facts.first, facts.next, facts.shown], [0, i, i]);
    }
    vkey = mine;
    vkeyFile = join(folder, 'vkey.txt');
  } finally {
    await other.close();
  }
});

test('name, place and packing do not matter', async () => {
  const bytes = await download({ query: 'action:delete' });
  writeFileSync(join(folder, 'a.zip'), bytes);
  mkdirSync(join(folder, 'elsewhere'));
  copyFileSync(join(folder, 'a.zip'), join(folder, 'elsewhere', 'evidence of 2026'));
  assert.equal((await verify(join(folder, 'elsewhere', 'evidence of 2026'))).code, 0);
  await check('repacked.zip', writeZip(readZip(bytes)));
  const text = await verify(join(folder, 'a.zip'));
  assert.match(text.stdout, /^ok: localhost\/log\/default\/main, \d+ records signed; of records 0 to 19999, 4000 are shown as they were logged and 16000 withheld\n$/);
});

test('whatever is changed, left out or put in is found', async () => {
  const good = readZip(await download({ query: 'action:delete' }));
  const lines = good['events.ndjson'].toString().trimEnd().split('\n');
  const other = readZip(await download({ query: 'action:update' }));
  const self = (await s.get('/log/default/self/vkey')).text;
  const text = (l) => Buffer.from(`${l.join('\n')}\n`);
  const run = (shown, withheld, hashes = Buffer.alloc(0)) => {
    const head = Buffer.alloc(16);
    head.writeBigUInt64LE(BigInt(shown), 0);
    head.writeBigUInt64LE(BigInt(withheld), 8);
    return Buffer.concat([head, hashes]);
  };
  const flip = (b, at) => {
    const copy = Buffer.from(b);
    copy[at] ^= 1;
    return copy;
  };
  const note = good.checkpoint.toString();
  const cases = {
    'a record changed': { 'events.ndjson': text(lines.with(100, lines[100].replace('delete', 'Delete'))) },
    'a record dropped': { 'events.ndjson': text(lines.toSpliced(100, 1)) },
    'the last record dropped': { 'events.ndjson': text(lines.slice(0, -1)) },
    'all records dropped': { 'events.ndjson': Buffer.alloc(0) },
    'a record added': { 'events.ndjson': text([...lines, lines[0]]) },
    'two records swapped': { 'events.ndjson': text(lines.with(3, lines[4]).with(4, lines[3])) },
    'the tail cut': { 'events.ndjson': good['events.ndjson'].subarray(0, -10) },
    'another record shown in place': { 'events.ndjson': text(lines.with(0, other['events.ndjson'].toString().split('\n')[0])) },
    'a hash changed': { 'leaves.bin': flip(good['leaves.bin'], 40) },
    'a hash dropped': { 'leaves.bin': good['leaves.bin'].subarray(0, -32) },
    'the hashes dropped': { 'leaves.bin': run(lines.length, 0) },
    'runs dropped': { 'leaves.bin': Buffer.alloc(0) },
    'the range narrowed': { proof: Buffer.from(good.proof.toString().replace('range 0 20000', `range 0 ${lines.length}`)), 'leaves.bin': run(lines.length, 0) },
    'a proof hash changed': { proof: flip(good.proof, good.proof.length - 10) },
    'the size changed': { checkpoint: Buffer.from(note.replace(/^\d+$/m, (n) => String(Number(n) - 1))) },
    'the origin changed': { checkpoint: Buffer.from(note.replaceAll('default', 'another')) },
    'a signature changed': { checkpoint: flip(good.checkpoint, good.checkpoint.length - 10) },
    'no signature': { checkpoint: Buffer.from(note.slice(0, note.indexOf('\n\n') + 2)) },
    'no checkpoint': { checkpoint: undefined },
    'no proof': { proof: undefined },
    'no leaves': { 'leaves.bin': undefined },
    'no records': { 'events.ndjson': undefined },
    'a file more': { 'more.ndjson': text(lines) },
  };
  for (const [what, changes] of Object.entries(cases)) {
    const files = Object.fromEntries(Object.entries({ ...good, ...changes }).filter(([, v]) => v !== undefined));
    const file = join(folder, 'bad.zip');
    writeFileSync(file, writeZip(files));
    const res = await verify(file);
    assert.equal(res.code, 1, `${what}: ${res.stdout}${res.stderr}`);
    assert.match(res.stdout, /^NOT VERIFIED: .*bad\.zip: ./, what);
  }
  writeFileSync(join(folder, 'good.zip'), writeZip(good));
  assert.equal((await verify(join(folder, 'good.zip'))).code, 0);
  assert.equal((await stele(['verify', join(folder, 'good.zip'), '--vkey', self.trim()])).code, 1);
  assert.equal((await stele(['verify', join(folder, 'good.zip')])).code, 2);
  assert.equal((await verify(join(folder, 'none.zzz.zip'))).code, 3);
  writeFileSync(join(folder, 'cut.zip'), readFileSync(join(folder, 'good.zip')).subarray(0, 5000));
  assert.equal((await verify(join(folder, 'cut.zip'))).code, 1);
});

test('an export job makes the same evidence', async () => {
  const made = await s.request('POST', '/v1/exports', { body: { format: 'zip', query: 'actor.id:u-5' } });
  assert.equal(made.status, 202, made.text);
  let job;
  do job = (await s.get(`/v1/exports/${made.json.id}`)).json;
  while (job.state === 'queued' || job.state === 'running');
  assert.equal(job.state, 'done');
  const bytes = await new Promise((done) => {
    http.get({ host: '127.0.0.1', port: s.port, path: `/v1/exports/${made.json.id}/download`, agent: false, headers: { Authorization: `Bearer ${s.key}` } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => done(Buffer.concat(parts)));
    });
  });
  const facts = await check('job.zip', bytes);
  assert.deepEqual([facts.first, facts.next], [0, TOTAL]);
});

test('a bundle made while events pour in is good', async () => {
  let more = true;
  const writing = (async () => {
    while (more) await s.append(Array.from({ length: 500 }, (_, k) => JSON.stringify(event(k))).join('\n'), '?ids=false');
  })();
  try {
    for (let i = 0; i < 3; i++) {
      const facts = await check('busy.zip', await download({ query: 'action:delete' }));
      assert.ok(facts.size >= facts.next && facts.next >= TOTAL);
    }
  } finally {
    more = false;
    await writing;
  }
});

test('bundles made while keys change go with the key that signed them', async () => {
  const other = await startServer();
  try {
    await other.append({ action: 'one' }, '?wait=proof');
    for (let i = 0; i < 6; i++) {
      const [bytes] = await Promise.all([download({}, other), other.request('POST', '/v1/log/rotate'), other.append({ action: 'more' })]);
      const file = join(folder, 'rotated.zip');
      writeFileSync(file, bytes);
      const own = readZip(bytes).vkey.toString().trim();
      assert.ok((await other.get('/log/default/main/keys')).json.keys.some((k) => k.vkey === own));
      const res = await stele(['verify', file, '--vkey', own]);
      assert.equal(res.code, 0, res.stdout + res.stderr);
    }
  } finally {
    await other.close();
  }
});
