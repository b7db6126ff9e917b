// /v1/exports: exports as jobs, their files, and what becomes of both.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolder, removeFolder, Server, sleep, startServer } from './server.mjs';

const TOTAL = 100000;
let s;

async function fill(server, total) {
  for (let at = 0; at < total; at += 20000) {
    const body = Array.from({ length: 20000 }, (_, k) =>
      JSON.stringify({ action: k % 2 ? 'update' : 'delete', actor: { id: `u-${(at + k) % 97}` }, description: createHash('md5').update(`${at + k}`).digest('hex'), attributes: { n: at + k } }));
    assert.equal((await server.append(body.join('\n'), '?ids=false')).status, 201);
  }
}

before(async () => {
  s = await startServer();
  await fill(s, TOTAL);
});
after(() => s.close());

const create = (body, server = s) => server.request('POST', '/v1/exports', { body });
const get = (id, server = s) => server.get(`/v1/exports/${id}`);
const files = (server = s) => readdirSync(join(server.folder, 'exports'));

async function until(id, states, server = s) {
  for (let i = 0; i < 1200; i++) {
    const res = await get(id, server);
    assert.equal(res.status, 200, res.text);
    if (states.includes(res.json.state)) return res.json;
    await sleep(50);
  }
  return assert.fail(`export ${id} does not become ${states}`);
}

function download(target, { headers = {}, method = 'GET', server = s } = {}) {
  return new Promise((done, fail) => {
    const options = { host: '127.0.0.1', port: server.port, path: target, method, agent: false };
    const req = http.request({ ...options, headers: { Authorization: `Bearer ${server.key}`, ...headers } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('error', fail);
      res.on('end', () => done({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }));
    });
    req.on('error', fail);
    req.end();
  });
}

test('a job makes the file that the stream sends', async () => {
  for (const format of ['ndjson', 'json', 'csv']) {
    const query = 'action:delete';
    const made = await create({ format, query, order: 'newest', ...(format === 'csv' ? { columns: 'id,attributes.n' } : {}) });
    assert.equal(made.status, 202, made.text);
    assert.match(made.json.id, /^[0-9a-f]{32}$/);
    assert.equal(made.json.state, 'queued');
    assert.equal(made.headers.location, `/v1/exports/${made.json.id}`);
    const done = await until(made.json.id, ['done', 'failed']);
    assert.equal(done.state, 'done', JSON.stringify(done));
    assert.equal(done.records, TOTAL / 2);
    assert.equal(done.progress, 1);
    assert.equal(done.ledger_size, TOTAL);
    assert.equal(done.query, query);
    assert.equal(done.error, null);
    for (const name of ['created', 'started', 'finished', 'expires']) assert.match(done[name], /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.ok(Date.parse(done.expires) - Date.parse(done.finished) === 86400000);
    const streamed = await download(`/v1/export?${new URLSearchParams({ format, query, order: 'newest', ...(format === 'csv' ? { columns: 'id,attributes.n' } : {}) })}`);
    for (let i = 0; i < 2; i++) {
      const res = await download(done.download);
      assert.equal(res.status, 200);
      assert.equal(res.headers['content-length'], `${done.bytes}`);
      assert.equal(res.headers['content-type'], streamed.headers['content-type']);
      assert.match(res.headers['content-disposition'], new RegExp(`\\.${format}"$`));
      assert.ok(res.body.equals(streamed.body));
    }
    const file = join(s.folder, 'exports', `${made.json.id}.${format}`);
    assert.ok(statSync(file).size > done.bytes, 'it is encrypted');
    assert.equal(statSync(file).mode & 0o777, 0o600);
  }
});

test('jobs are listed, newest first', async () => {
  const list = await s.get('/v1/exports');
  assert.equal(list.status, 200);
  assert.deepEqual(list.json.exports.map((e) => e.format), ['csv', 'json', 'ndjson']);
  assert.deepEqual(list.json.exports[0], (await get(list.json.exports[0].id)).json);
});

test('a part of the file, so that a broken download goes on', async () => {
  const job = (await s.get('/v1/exports')).json.exports[0];
  const whole = await download(job.download);
  const size = whole.body.length;
  const { etag } = whole.headers;
  assert.equal(whole.headers['accept-ranges'], 'bytes');
  const head = await download(job.download, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], `${size}`);
  assert.equal(head.body.length, 0);
  const part = (range, more = {}) => download(job.download, { headers: { Range: range, ...more } });
  for (const [range, from, to] of [['bytes=0-0', 0, 1], [`bytes=1000-`, 1000, size], ['bytes=5-1000004', 5, 1000005], ['bytes=-7', size - 7, size], [`bytes=10-${size * 2}`, 10, size], [`bytes=-${size * 2}`, 0, size]]) {
    const res = await part(range);
    assert.equal(res.status, 206, range);
    assert.equal(res.headers['content-range'], `bytes ${from}-${to - 1}/${size}`);
    assert.equal(res.headers['content-length'], `${to - from}`);
    assert.ok(res.body.equals(whole.body.subarray(from, to)), range);
  }
  for (const range of ['bytes=0-1,5-6', 'lines=0-1', 'bytes=x', 'bytes=5-4', 'bytes=-']) assert.equal((await part(range)).status, 200, range);
  assert.equal((await part('bytes=0-1', { 'If-Range': etag })).status, 206);
  assert.equal((await part('bytes=0-1', { 'If-Range': '"another"' })).status, 200);
  const beyond = await part(`bytes=${size}-`);
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers['content-range'], `bytes */${size}`);
});

test('what is wrong is refused before there is a job', async () => {
  const count = (await s.get('/v1/exports')).json.exports.length;
  const refused = async (body, field) => {
    const res = await create(body);
    assert.equal(res.status, 400, res.text);
    assert.equal(res.json.error.details.field, field, res.text);
  };
  await refused({}, 'format');
  await refused({ format: 'csv', query: '(' }, 'query');
  await refused({ format: 'csv', columns: '.' }, 'columns');
  await refused({ format: 'json', columns: 'id' }, 'columns');
  await refused({ format: 'json', to: 'soon' }, 'to');
  await refused({ format: 'json', limit: 5 }, 'limit');
  await refused({ format: 'json', query: '"a\u0000b"' }, 'query');
  assert.equal((await create('x')).status, 400);
  for (const id of ['x', '0'.repeat(32), '0'.repeat(33), "' OR 1=1 --".padEnd(32, 'x')]) {
    const at = `/v1/exports/${encodeURIComponent(id)}`;
    assert.equal((await s.get(at)).status, 404);
    assert.equal((await s.get(`${at}/download`)).status, 404);
    assert.equal((await s.request('DELETE', at)).status, 404);
  }
  assert.equal((await s.request('PUT', '/v1/exports')).status, 405);
  assert.equal((await s.get('/v1/exports', { key: null })).status, 401);
  assert.equal((await s.get('/v1/exports')).json.exports.length, count);
});

test('cancel and remove', async () => {
  const jobs = [];
  for (let i = 0; i < 4; i++) jobs.push((await create({ format: 'zip' })).json);
  const running = await until(jobs[0].id, ['running']);
  assert.equal(running.download, undefined);
  const early = await s.get(`/v1/exports/${jobs[0].id}/download`);
  assert.equal(early.status, 503, early.text);
  assert.equal(early.headers['retry-after'], '1');
  for (const job of jobs) assert.equal((await s.request('DELETE', `/v1/exports/${job.id}`)).status, 204);
  for (const job of jobs) {
    assert.equal((await get(job.id)).json.state, 'cancelled');
    assert.equal((await s.get(`/v1/exports/${job.id}/download`)).status, 404);
  }
  for (let i = 0; i < 200 && files().some((f) => f.endsWith('.zip.tmp')); i++) await sleep(50);
  assert.deepEqual(files().filter((f) => f.includes('.zip')), []);
  for (const job of jobs) {
    assert.equal((await s.request('DELETE', `/v1/exports/${job.id}`)).status, 204);
    assert.equal((await get(job.id)).status, 404);
  }
  const [job] = (await s.get('/v1/exports')).json.exports;
  assert.equal((await s.request('DELETE', `/v1/exports/${job.id}`)).status, 204);
  assert.equal((await s.get(job.download)).status, 404);
  assert.ok(!files().some((f) => f.startsWith(job.id)));
});

for (const how of ['SIGTERM', 'SIGKILL']) {
  test(`a job goes on after a restart (${how}) and yields what it would have`, async () => {
    const job = (await create({ format: 'zip' })).json;
    const other = (await create({ format: 'ndjson', query: 'action:update' })).json;
    await until(job.id, ['running']);
    const start = Date.now();
    await s.stop(how);
    assert.ok(Date.now() - start < 9000);
    const stray = join(s.folder, 'exports', `${'a'.repeat(32)}.zip`);
    writeFileSync(stray, 'left behind');
    writeFileSync(join(s.folder, 'exports', 'notes.txt'), 'somebody else put it there');
    await s.start();
    assert.ok(!existsSync(stray));
    assert.ok(existsSync(join(s.folder, 'exports', 'notes.txt')));
    assert.equal((await s.append({ action: 'update', description: 'behind the snapshot' })).status, 201);
    const done = await until(job.id, ['done', 'failed']);
    assert.equal(done.state, 'done', JSON.stringify(done));
    assert.equal(done.records, job.ledger_size);
    const updates = await until(other.id, ['done', 'failed']);
    const lines = (await download(updates.download)).body.toString('utf8').trimEnd().split('\n');
    assert.equal(lines.length, updates.records);
    assert.ok(!lines.at(-1).includes('behind the snapshot') || other.ledger_size > TOTAL);
    assert.ok(files().every((f) => !f.endsWith('.tmp')));
  });
}

test('files go when their time is over', async () => {
  const brief = await new Server(makeFolder(), ['--export-keep', '1']).start();
  try {
    await brief.append({ action: 'one' });
    const job = (await create({ format: 'csv' }, brief)).json;
    const done = await until(job.id, ['done', 'expired'], brief);
    assert.equal(done.bytes > 0, true);
    const gone = await until(job.id, ['expired'], brief);
    assert.equal(gone.download, undefined);
    const res = await brief.get(`/v1/exports/${job.id}/download`);
    assert.equal(res.status, 404);
    assert.match(res.json.error.message, /expired/);
    for (let i = 0; i < 100 && files(brief).length > 0; i++) await sleep(50);
    assert.deepEqual(files(brief), []);
  } finally {
    await brief.close();
  }
});

test('no more than 100 are kept: the oldest without a file goes, and when all have one, 429', async () => {
  const many = await startServer();
  try {
    const first = (await create({ format: 'ndjson', query: 'action:nobody' }, many)).json;
    await until(first.id, ['done'], many);
    assert.equal((await create({ format: 'ndjson' }, many)).status, 202);
    await until((await many.get('/v1/exports')).json.exports[0].id, ['done'], many);
    for (let i = 0; i < 98; i++) assert.equal((await create({ format: 'ndjson' }, many)).status, 202);
    const refused = await create({ format: 'ndjson' }, many);
    assert.equal(refused.status, 429, refused.text);
    assert.match(refused.json.error.message, /100 exports/);
    assert.equal((await many.get('/v1/exports')).json.exports.length, 100);
    assert.equal((await many.request('DELETE', `/v1/exports/${first.id}`)).status, 204);
    assert.equal((await create({ format: 'ndjson' }, many)).status, 202);
  } finally {
    await many.close();
  }
});

test('a disk without room fails the job, says why, and leaves nothing', async (t) => {
  const folder = makeFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=700', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    removeFolder(folder);
    return t.skip('no file system may be mounted here');
  }
  const small = new Server(join(folder, 'data'));
  try {
    await small.start();
    await small.append({ action: 'one' });
    const job = (await create({ format: 'csv' }, small)).json;
    const failed = await until(job.id, ['done', 'failed'], small);
    assert.equal(failed.state, 'failed');
    assert.equal(failed.error.code, 'no_space');
    assert.match(failed.error.message, /MiB left/);
    assert.equal(failed.bytes, 0);
    assert.deepEqual(files(small), []);
    assert.equal((await small.get(`/v1/exports/${job.id}/download`)).status, 404);
    assert.equal((await small.get(`/v1/export?format=csv`)).status, 200);
  } finally {
    await small.stop().catch(() => {});
    execFileSync('umount', ['-l', folder]);
    removeFolder(folder);
  }
});
