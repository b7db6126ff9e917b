// POST /v1/search: the parameters of GET /v1/events as members of a JSON object.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer, zstd } from './server.mjs';

let s;
let ids;

before(async () => {
  s = await startServer();
  const events = Array.from({ length: 60 }, (_, i) => ({
    time: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
    action: i % 3 === 0 ? 'delete' : 'update',
    attributes: { n: i },
  }));
  ids = (await s.append(events)).json.ids;
});
after(() => s.close());

const post = (body, options) => s.request('POST', '/v1/search', { body, ...options });

function assertInvalid(res, field, status = 400) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.details.field, field, res.text);
}

test('answers as GET /v1/events does', async () => {
  for (const params of [
    {},
    { query: 'action:delete', order: 'oldest', limit: 7, total: 'exact' },
    { from: '2026-01-01T00:10:00Z', to: '2026-01-01T00:20:00Z', sort: 'received', explain: false },
    { after: ids[20], order: 'asc', limit: '3' },
    { ledger: 'self', query: 'action:none' }, // what is there grows with each search
  ]) {
    const posted = await post(params);
    assert.equal(posted.status, 200, posted.text);
    const got = await s.search(params);
    const apart = (text) => text.replace(/"next_cursor":"[^"]+"/, '"next_cursor":"…"'); // holds the time of the first page
    assert.equal(apart(posted.text), apart(got.text));
  }
});

test('pages go on by a cursor, also one that GET gave', async () => {
  const first = await s.search({ query: 'action:update', limit: 30 });
  const second = await post({ query: 'action:update', limit: 30, cursor: first.json.next_cursor });
  assert.deepEqual(second.json.events.map((e) => e.attributes.n), [14, 13, 11, 10, 8, 7, 5, 4, 2, 1]);
  assert.equal(second.json.next_cursor, null);
  assertInvalid(await post({ query: 'action:delete', cursor: first.json.next_cursor }), 'cursor');
});

test('takes the longest query, and says when one is longer', async () => {
  const query = '€'.repeat(2730) + 'ab';
  assert.equal(Buffer.byteLength(query), 8192);
  assert.equal((await post({ query })).status, 200);
  assertInvalid(await post({ query: query + 'c' }), 'query', 413);
  const escaped = `{"query":"${'\\u20ac'.repeat(2730)}"}`;
  assert.equal((await post(escaped)).status, 200);
});

test('errors name the member', async () => {
  assertInvalid(await post({ qeury: 'a' }), 'qeury');
  assertInvalid(await post({ limit: 0 }), 'limit');
  assertInvalid(await post({ limit: 1.5 }), 'limit');
  assertInvalid(await post({ query: null }), 'query');
  assertInvalid(await post({ explain: 1 }), 'explain');
  assertInvalid(await post('{"limit":1,"limit":1}'), 'limit');
  const syntax = await post({ query: 'action:(a OR' });
  assertInvalid(syntax, 'query');
  assert.equal(syntax.json.error.code, 'syntax');
  const url = await s.request('POST', '/v1/search?limit=1', { body: {} });
  assertInvalid(url, 'limit');
  assert.match(url.json.error.message, /body/);
});

test('a body that is no object says where', async () => {
  for (const body of ['', '{', '{"limit":1,}', '{} {}']) {
    const res = await post(body);
    assert.equal(res.status, 400, res.text);
    assert.equal(res.json.error.code, 'syntax');
    assert.ok(res.json.error.details.offset >= 0);
  }
  assert.equal((await post('[]')).json.error.code, 'invalid');
});

test('64 KiB are taken and no more, compressed ones too', async () => {
  const padded = (size) => '{"limit":1' + ' '.repeat(size - 11) + '}';
  assert.equal((await post(padded(65536))).status, 200);
  const large = await post(padded(65537));
  assert.equal(large.status, 413);
  assert.match(large.json.error.message, /64 KiB/);
  const headers = { 'Content-Encoding': 'zstd' };
  assert.equal((await post(zstd(padded(65000)), { headers })).status, 200);
  const { gzipSync } = await import('node:zlib');
  const bomb = await post(gzipSync(padded(1 << 20)), { headers: { 'Content-Encoding': 'gzip' } });
  assert.equal(bomb.status, 413);
  assert.match(bomb.json.error.message, /64 KiB/);
});

test('needs the permission and the method', async () => {
  assert.equal((await post({}, { key: null })).status, 401);
  const res = await s.get('/v1/search');
  assert.equal(res.status, 405);
  assert.equal(res.headers.allow, 'POST');
});

test('received is the order of arrival', async () => {
  assert.equal((await s.search({ sort: 'received' })).status, 200);
  const cursor = (await s.search({ sort: 'received', limit: 1 })).json.next_cursor;
  assert.equal((await s.search({ limit: 1, cursor })).status, 200);
});
