// GET /v1/export: all formats against what a search yields, slow and vanishing clients, limits, errors.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolder, removeFolder, Server, sleep, startServer, stele, within } from './server.mjs';
import { readZip } from './zip.mjs';

const TOTAL = 100000;
let s;
let expected; // all events, oldest first

const event = (i) => ({
  time: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString(),
  action: i % 5 === 0 ? 'delete' : 'update',
  actor: { id: `u-${i % 97}`, name: i % 7 === 0 ? '=HYPERLINK("http://evil")' : 'Ada "the first" Byron' },
  entity: { type: 'role', id: `r-${i}` },
  description: i % 11 === 0 ? `two\r\nlines, ${i}` : `Updated role ${i}`,
  attributes: { n: i, delta: -12.5, list: [{ a: 1 }, { a: `x${i}` }] },
});

before(async () => {
  s = await startServer();
  for (let at = 0; at < TOTAL; at += 20000) {
    const body = Array.from({ length: 20000 }, (_, k) => JSON.stringify(event(at + k))).join('\n');
    assert.equal((await s.append(body, '?ids=false')).status, 201);
  }
  expected = await s.all({ total: 'none' });
  assert.equal(expected.length, TOTAL);
});
after(() => s.close());

const path = (params) => `/v1/export?${new URLSearchParams(params)}`;

// The parsed rows of a CSV.
export function parseCsv(text) {
  const rows = [];
  let row = [];
  for (let at = 0; at < text.length; ) {
    let cell = '';
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++;
        cell += text[at];
      }
      at++;
    } else {
      const end = /[,\r]/g;
      end.lastIndex = at;
      const stop = end.exec(text).index;
      cell = text.slice(at, stop);
      at = stop;
    }
    row.push(cell);
    if (text[at] === '\r') {
      assert.equal(text[at + 1], '\n');
      rows.push(row);
      row = [];
      at += 2;
    } else {
      assert.equal(text[at++], ',');
    }
  }
  assert.equal(row.length, 0);
  return rows;
}

// A request whose answer is a Buffer; `broken` when it did not end as it should.
function download(target, options = {}) {
  const { port = s.port, key = s.key, headers = {}, method = 'GET' } = options;
  return new Promise((done, fail) => {
    const req = http.request({ host: '127.0.0.1', port, path: target, method, agent: false, headers: { Authorization: `Bearer ${key}`, ...headers } }, (res) => {
      const parts = [];
      let broken = false;
      res.on('data', (d) => parts.push(d));
      res.on('error', () => (broken = true));
      res.on('close', () => done({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts), broken: broken || !res.complete }));
    });
    req.on('error', fail);
    req.end();
  });
}

// A connection that has asked and takes nothing until it is told to.
async function stalled(target, port = s.port) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.gone = new Promise((done) => socket.on('close', done));
  socket.pause();
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\n\r\n`);
  return socket;
}

const figure = async (name, server = s) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await server.get('/metrics')).text)[1]);

test('ndjson and json hold the records byte for byte, oldest first unless asked otherwise', async () => {
  const ndjson = await download(path({ format: 'ndjson' }));
  assert.equal(ndjson.status, 200);
  assert.equal(ndjson.broken, false);
  assert.equal(ndjson.headers['content-type'], 'application/x-ndjson');
  assert.match(ndjson.headers['content-disposition'], /^attachment; filename="stele-default-main-start-\d{8}T\d{6}Z\.ndjson"$/);
  assert.equal(ndjson.headers['stele-damaged'], undefined);
  const lines = ndjson.body.toString('utf8').split('\n');
  assert.equal(lines.pop(), '');
  assert.equal(lines.length, TOTAL);
  for (let i = 0; i < TOTAL; i += 997) assert.equal((await s.get(`/v1/events/${expected[i].id}`)).text, lines[i]);
  assert.deepEqual(lines.map((l) => JSON.parse(l)), expected);

  const json = await download(path({ format: 'json', order: 'newest', query: 'action:delete' }));
  assert.equal(json.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(json.body), expected.filter((e) => e.action === 'delete').reverse());
});

test('csv: the columns asked for, values unescaped, nothing that a spreadsheet would run', async () => {
  const columns = 'attributes.n, actor.name,description,attributes.delta,attributes.list,attributes.list.a,nothing';
  const res = await download(path({ format: 'csv', columns }));
  assert.equal(res.headers['content-type'], 'text/csv; charset=utf-8; header=present');
  const rows = parseCsv(res.body.toString('utf8'));
  assert.deepEqual(rows[0], ['attributes.n', 'actor.name', 'description', 'attributes.delta', 'attributes.list', 'attributes.list.a', 'nothing']);
  assert.equal(rows.length, TOTAL + 1);
  expected.forEach((e, i) => {
    const name = e.actor.name.startsWith('=') ? `'${e.actor.name}` : e.actor.name;
    assert.deepEqual(rows[i + 1], [`${i}`, name, e.description, '-12.5', `[{"a":1},{"a":"x${i}"}]`, `[1,"x${i}"]`, '']);
  });
  const usual = parseCsv((await download(path({ format: 'csv', from: '2026-01-01T00:00:10Z', to: '2026-01-01T00:00:12Z' }))).body.toString('utf8'));
  assert.equal(usual.length, 3);
  assert.deepEqual(usual[0].slice(0, 5), ['time', 'id', 'action', 'actor.type', 'actor.id']);
  assert.equal(usual[1][1], expected[10].id);
  assert.equal(usual[0].length, 19);
});

test('zip: events and a manifest that says what they are', async () => {
  const res = await download(path({ format: 'zip', query: 'action:delete', from: '2026-01-01', to: '2026-01-02' }));
  assert.equal(res.headers['content-type'], 'application/zip');
  assert.match(res.headers['content-disposition'], /stele-default-main-20260101T000000Z-20260102T000000Z\.zip/);
  const files = readZip(res.body);
  assert.deepEqual(Object.keys(files), ['events.ndjson', 'leaves.bin', 'proof', 'checkpoint', 'vkey', 'manifest.json']);
  const want = expected.filter((e) => e.action === 'delete' && e.time < '2026-01-02');
  const events = files['events.ndjson'].toString('utf8').trimEnd().split('\n').map((l) => JSON.parse(l));
  assert.deepEqual(events, want);
  const manifest = JSON.parse(files['manifest.json']);
  assert.equal(manifest.format_version, 1);
  assert.equal(manifest.org_key, 'default');
  assert.equal(manifest.ledger, 'main');
  assert.equal(manifest.ledger_size, TOTAL);
  assert.equal(manifest.query, 'action:"delete"');
  assert.equal(manifest.from, '2026-01-01T00:00:00.000000Z');
  assert.equal(manifest.to, '2026-01-02T00:00:00.000000Z');
  assert.equal(manifest.order, 'oldest');
  assert.deepEqual(manifest.damaged, []);
  assert.deepEqual(manifest.events, {
    file: 'events.ndjson',
    count: want.length,
    bytes: files['events.ndjson'].length,
    sha256: createHash('sha256').update(files['events.ndjson']).digest('hex'),
    first: { index: 0, time: want[0].time },
    last: { index: expected.indexOf(want.at(-1)), time: want.at(-1).time },
  });
});

test('unzip and python read the archive', async (t) => {
  const folder = makeFolder();
  try {
    const file = join(folder, 'x.zip');
    writeFileSync(file, (await download(path({ format: 'zip' }))).body);
    try {
      assert.match(execFileSync('unzip', ['-t', file]).toString(), /No errors detected/);
    } catch (e) {
      if (e.code !== 'ENOENT') throw e;
      t.diagnostic('there is no unzip');
    }
    const script = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), len(z.read("events.ndjson").splitlines()))';
    assert.equal(execFileSync('python3', ['-c', script, file]).toString(), `None ${TOTAL}\n`);
  } finally {
    removeFolder(folder);
  }
});

test('stele export writes a file, whole or not at all', async () => {
  const folder = makeFolder();
  const args = ['--url', s.url, '--key', s.key];
  try {
    const file = join(folder, 'x.csv');
    const made = await stele(['export', ...args, '--format', 'csv', '--query', 'action:delete', '--columns=id,attributes.n', '--order', 'newest', '-o', file]);
    assert.equal(made.code, 0, made.stderr);
    const want = await download(path({ format: 'csv', query: 'action:delete', columns: 'id,attributes.n', order: 'newest' }));
    assert.ok(readFileSync(file).equals(want.body));
    const printed = await stele(['export', ...args, '--format', 'ndjson', '--from', '2026-01-01', '--to', '2026-01-01T00:01:00Z']);
    assert.equal(printed.stdout.trimEnd().split('\n').length, 60);
    const refused = await stele(['export', ...args, '--format', 'csv', '--query', '(', '--output', join(folder, 'y.csv')]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /stele export: column 2/);
    assert.equal((await stele(['export', ...args])).code, 2);
    assert.equal((await stele(['export', ...args, '--format', 'csv', '-o'])).code, 2);
    assert.equal((await stele(['export', ...args, '--format', 'csv', '-o', join(folder, 'none', 'z.csv')])).code, 3);
    assert.equal((await stele(['export', '--url', 'http://127.0.0.1:1', '--key', 'x', '--format', 'csv', '-o', join(folder, 'z.csv')])).code, 3);
    assert.deepEqual(readdirSync(folder), ['x.csv']);
  } finally {
    removeFolder(folder);
  }
});

test('nothing that matches is an export too', async () => {
  const query = 'action:nobody';
  assert.equal((await download(path({ format: 'ndjson', query }))).body.length, 0);
  assert.deepEqual(JSON.parse((await download(path({ format: 'json', query }))).body), []);
  assert.equal(parseCsv((await download(path({ format: 'csv', query }))).body.toString()).length, 1);
  const files = readZip((await download(path({ format: 'zip', query }))).body);
  assert.equal(files['events.ndjson'].length, 0);
  assert.deepEqual(JSON.parse(files['manifest.json']).events.count, 0);
  assert.equal((await download(path({ format: 'csv', ledger: 'self' }))).status, 200);
});

test('what is wrong is said before anything is sent', async () => {
  const refused = async (params, field, text) => {
    const res = await s.get(path(params));
    assert.equal(res.status, 400, res.text);
    assert.equal(res.json.error.details.field, field, res.text);
    assert.match(res.json.error.message, text);
  };
  await refused({}, 'format', /csv, json, ndjson, zip/);
  await refused({ format: 'pdf' }, 'format', /csv, json, ndjson, zip/);
  await refused({ format: 'json', query: '(' }, 'query', /expected a term/);
  await refused({ format: 'json', from: 'x' }, 'from', /not a time/);
  await refused({ format: 'json', columns: 'action' }, 'columns', /format=csv/);
  await refused({ format: 'csv', columns: 'action,,time' }, 'columns', /column 8: expected a path/);
  await refused({ format: 'csv', columns: 'a b' }, 'columns', /expected a path/);
  await refused({ format: 'csv', limit: '1' }, 'limit', /unknown parameter/);
  const many = Array.from({ length: 65 }, (_, i) => `a${i}`).join(',');
  assert.equal((await s.get(path({ format: 'csv', columns: many }))).status, 413);
  assert.equal((await download(path({ format: 'csv', columns: many.slice(0, many.lastIndexOf(',')) }))).status, 200);
  assert.equal((await s.get(path({ format: 'json' }), { key: null })).status, 401);
});

test('HEAD says what it would be', async () => {
  const res = await download(path({ format: 'zip' }), { method: 'HEAD' });
  assert.equal(res.status, 200);
  assert.equal(res.headers['content-type'], 'application/zip');
  assert.equal(res.body.length, 0);
  assert.equal(await figure('stele_http_requests_in_flight'), 1);
});

test('a slow client gets all, and the server holds little meanwhile', async () => {
  await s.get('/metrics');
  const resting = await figure('process_resident_memory_bytes');
  let most = 0;
  let bytes = 0;
  const req = http.get({ host: '127.0.0.1', port: s.port, path: path({ format: 'ndjson' }), agent: false, headers: { Authorization: `Bearer ${s.key}` } });
  const res = await new Promise((done) => req.on('response', done));
  for await (const piece of res) {
    bytes += piece.length;
    if (bytes % 37 === 0) {
      await sleep(20);
      most = Math.max(most, await figure('process_resident_memory_bytes'));
    }
  }
  assert.ok(res.complete);
  assert.equal(bytes, (await download(path({ format: 'ndjson' }))).body.length);
  assert.ok(most - resting < 48 << 20, `${(most - resting) >> 20} MiB more`);
});

test('an export ends with the key that asked for it', async () => {
  const key = (await s.request('POST', '/v1/keys', { body: { name: 'exports', role: 'analyst' } })).json;
  const { socket, first } = await new Promise((done) => {
    const req = http.get({ host: '127.0.0.1', port: s.port, path: path({ format: 'ndjson' }), agent: false, headers: { Authorization: `Bearer ${key.api_key}` } }, (res) => {
      res.on('error', () => {});
      res.once('data', (d) => (res.pause(), done({ socket: res, first: d.length })));
    });
    req.on('error', () => {});
  });
  assert.equal((await s.request('DELETE', `/v1/keys/${key.client_id}`)).status, 204);
  await sleep(1200);
  let bytes = first;
  socket.on('data', (d) => (bytes += d.length));
  const over = new Promise((end) => socket.on('close', end));
  socket.resume();
  await within(20000, over);
  assert.equal(socket.complete, false, `${bytes} bytes`);
});

test('events that arrive meanwhile change nothing', async () => {
  const socket = await stalled(path({ format: 'ndjson', order: 'oldest' }));
  await sleep(200);
  assert.equal((await s.append({ action: 'late' })).status, 201);
  let text = '';
  socket.on('data', (d) => (text += d.toString('latin1')));
  socket.resume();
  for (let i = 0; i < 400 && !text.endsWith('\r\n0\r\n\r\n'); i++) await sleep(50);
  socket.destroy();
  assert.ok(text.endsWith('\r\n0\r\n\r\n'));
  assert.ok(text.includes(`"n":${TOTAL - 1}`));
  assert.ok(!text.includes('"action":"late"'));
});

test('as many at a time as there may be, then 503; clients that went away free their places', async () => {
  const sockets = [];
  for (let i = 0; i < 48; i++) sockets.push(await stalled(path({ format: 'ndjson' })));
  let refused;
  for (let i = 0; i < 100 && refused?.status !== 503; i++) {
    await sleep(50);
    refused = await s.get(path({ format: 'ndjson', query: 'action:nobody' }));
  }
  assert.equal(refused.status, 503, refused.text);
  assert.equal(refused.headers['retry-after'], '1');
  assert.match(refused.json.error.message, /48 exports and downloads/);
  assert.equal((await s.search({ limit: 1 })).status, 200);
  assert.equal((await s.get('/healthz')).status, 200);
  for (const socket of sockets) socket.destroy();
  let free;
  for (let i = 0; i < 100 && free?.status !== 200; i++) {
    await sleep(50);
    free = await s.get(path({ format: 'ndjson', query: 'action:nobody' }));
  }
  assert.equal(free.status, 200);
  for (let i = 0; i < 100 && (await figure('stele_http_requests_in_flight')) > 1; i++) await sleep(50);
  assert.equal(await figure('stele_http_requests_in_flight'), 1);
});

test('one that takes nothing is cut off, one that keeps taking is not', async () => {
  const quick = await new Server(makeFolder(), ['--idle-timeout', '2', '--request-timeout', '1']).start();
  const key = s.key;
  try {
    for (let i = 0; i < 3; i++) {
      const body = Array.from({ length: 20000 }, (_, k) => JSON.stringify(event(k))).join('\n');
      assert.equal((await quick.append(body, '?ids=false')).status, 201);
    }
    s.key = quick.key;
    const socket = await stalled(path({ format: 'ndjson' }), quick.port);
    s.key = key;
    const start = Date.now();
    await sleep(500);
    for (let i = 0; i < 200 && (await figure('stele_http_requests_in_flight', quick)) > 1; i++) await sleep(50);
    const took = Date.now() - start;
    socket.destroy();
    assert.ok(took > 800 && took < 8000, `${took} ms`);

    const req = http.get({ host: '127.0.0.1', port: quick.port, path: path({ format: 'json' }), agent: false, headers: { Authorization: `Bearer ${quick.key}` } });
    const res = await new Promise((done) => req.on('response', done));
    const parts = [];
    for await (const piece of res) {
      parts.push(piece);
      if (parts.length % 40 === 0) await sleep(150);
    }
    assert.ok(res.complete);
    assert.equal(JSON.parse(Buffer.concat(parts)).length, 60000);
  } finally {
    s.key = key;
    await quick.close();
  }
});

test('a server that stops does not wait for a stream, and what was sent is seen to be broken', async () => {
  const other = await new Server(makeFolder()).start();
  try {
    for (let i = 0; i < 3; i++) {
      const body = Array.from({ length: 20000 }, (_, k) => JSON.stringify(event(k))).join('\n');
      assert.equal((await other.append(body, '?ids=false')).status, 201);
    }
    const req = http.get({ host: '127.0.0.1', port: other.port, path: path({ format: 'ndjson' }), agent: false, headers: { Authorization: `Bearer ${other.key}` } });
    const res = await new Promise((done) => req.on('response', done));
    let broken = false;
    res.on('error', () => (broken = true));
    res.pause();
    const closed = new Promise((done) => res.on('close', done));
    const start = Date.now();
    await other.stop();
    assert.ok(Date.now() - start < 9000, `${Date.now() - start} ms`);
    res.resume();
    await within(5000, closed);
    assert.ok(broken);
    assert.equal(res.complete, false);
    await other.start();

    // HTTP/1.0 has no chunks: only a reset tells that the end is none. Node takes one for an end, so curl is asked.
    const curl = spawn('curl', ['-sS', '--http1.0', '--limit-rate', '50k', '-o', '/dev/null', '-H', `Authorization: Bearer ${other.key}`, other.url + path({ format: 'ndjson' })]);
    const code = new Promise((done) => curl.on('exit', done));
    await sleep(500);
    await other.stop();
    assert.equal(await code, 56); // failure in receiving
    await other.start();
  } finally {
    await other.close();
  }
});

// Changes one byte of the third block of the largest segment.
async function damage(folder) {
  const files = execFileSync('find', [join(folder, 'segments'), '-name', '*.seg', '-printf', '%s %p\n']).toString().trim().split('\n');
  const file = files.map((l) => [Number(l.split(' ')[0]), l.slice(l.indexOf(' ') + 1)]).sort((a, b) => b[0] - a[0])[0][1];
  const blocks = (await stele(['inspect', '--json', file])).stdout.trim().split('\n').map((l) => JSON.parse(l));
  const bytes = readFileSync(file);
  const block = blocks.find((b) => b.block === 2);
  bytes[block.offset + (block.bytes >> 1)] ^= 0xff;
  writeFileSync(file, bytes);
}

test('a damaged block is left out, listed and logged', async () => {
  const other = await new Server(makeFolder()).start();
  try {
    const wide = (n) => ({ ...event(n), context: { session: createHash('sha256').update(`${n}`).digest('base64') } }); // blocks of many boxes
    for (let i = 0; i < 3; i++) {
      const body = Array.from({ length: 20000 }, (_, k) => JSON.stringify(wide(i * 20000 + k))).join('\n');
      assert.equal((await other.append(body, '?ids=false')).status, 201);
    }
    assert.equal((await other.request('POST', '/v1/seal')).status, 200);
    await other.stop();
    await damage(other.folder);
    await other.start();
    await other.append({ action: 'tail', attributes: { n: 60000 } });
    const res = await download(path({ format: 'zip' }), { port: other.port, key: other.key });
    assert.equal(res.broken, false);
    const files = readZip(res.body);
    const manifest = JSON.parse(files['manifest.json']);
    assert.equal(manifest.damaged.length, 1, JSON.stringify(manifest.damaged));
    const [{ first, next }] = manifest.damaged;
    assert.ok(next - first > 0 && next - first <= 8192);
    const want = Array.from({ length: 60001 }, (_, i) => i).filter((i) => i < first || i >= next);
    const got = (lines) => lines.toString('utf8').trimEnd().split('\n').map((l) => JSON.parse(l).attributes.n);
    assert.deepEqual(got(files['events.ndjson']), want);
    // What is not whole cannot be proved, and says so.
    assert.match(manifest.unproved, /./);
    assert.deepEqual(Object.keys(files), ['events.ndjson', 'leaves.bin', 'manifest.json']);
    const bundle = join(other.folder, 'damaged.zip');
    writeFileSync(bundle, res.body);
    const vkey = (await other.get('/log/default/main/vkey')).text.trim();
    const verified = await stele(['verify', bundle, '--vkey', vkey]);
    assert.equal(verified.code, 1, verified.stdout + verified.stderr);
    assert.match(verified.stdout, /it proves nothing: it has no proof/);
    const newest = await download(path({ format: 'ndjson', order: 'newest' }), { port: other.port, key: other.key });
    assert.deepEqual(got(newest.body), want.reverse());
    assert.match(other.log, /records are left out of an export/);
  } finally {
    await other.close();
  }
});
