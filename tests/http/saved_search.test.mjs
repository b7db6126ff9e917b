// /v1/searches: keeping searches, names, versions, limits, restarts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

const SAVED_SEARCHES_MAX = 1000;
let s;
before(async () => (s = await startServer()));
after(() => s.close());

const post = (body, options) => s.request('POST', '/v1/searches', { body, ...options });
const put = (id, body, options) => s.request('PUT', `/v1/searches/${id}`, { body, ...options });
const get = (id) => s.get(`/v1/searches/${id}`);
const remove = (id, options) => s.request('DELETE', `/v1/searches/${id}`, options);
const list = async () => (await s.get('/v1/searches')).json.searches;

const whole = {
  name: 'Deleted by Ada',
  query: 'action:delete actor.name:"ada byron"',
  from: 'now-7d',
  to: 'now',
  sort: 'time',
  order: 'oldest',
  ledger: 'self',
  columns: 'time,actor.name,attributes."a.b"',
  description: 'First line\nsecond "line", ä',
};

async function save(body) {
  const res = await post(body);
  assert.equal(res.status, 201, res.text);
  return res;
}

function assertError(res, status, code, field) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.code, code);
  if (field) assert.equal(res.json.error.details.field, field, res.text);
}

test('there are none at first', async () => assert.deepEqual(await list(), []));

test('saves, reads, lists by name, replaces, deletes', async () => {
  const made = await save(whole);
  const { id, created, updated, created_by, version, ...texts } = made.json;
  assert.deepEqual(texts, whole);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.equal(updated, created);
  assert.equal(created_by, s.bootstrap.client_id);
  assert.equal(version, 1);
  assert.equal(made.headers.location, `/v1/searches/${id}`);
  assert.equal(made.headers.etag, '"1"');
  assert.deepEqual((await get(id)).json, made.json);
  assert.equal((await get(id)).headers.etag, '"1"');

  const all = await save({ name: 'All' });
  assert.deepEqual(Object.keys(all.json), ['id', 'name', 'query', 'order', 'ledger', 'created', 'updated', 'created_by', 'version']);
  assert.deepEqual([all.json.query, all.json.order, all.json.ledger], ['', 'newest', 'main']);
  assert.deepEqual(await list(), [all.json, made.json]);

  const changed = await put(id, { name: 'Any', query: 'a', order: 'asc' });
  assert.equal(changed.status, 200, changed.text);
  assert.equal(changed.headers.etag, '"2"');
  assert.equal(changed.json.from, undefined);
  assert.equal(changed.json.order, 'oldest');
  assert.equal(changed.json.created, created);
  assert.ok(changed.json.updated >= updated);
  assert.deepEqual((await get(id)).json, changed.json);

  for (const one of [id, all.json.id]) {
    const gone = await remove(one);
    assert.equal(gone.status, 204);
    assert.equal(gone.text, '');
    assertError(await get(one), 404, 'not_found');
    assertError(await remove(one), 404, 'not_found');
    assertError(await put(one, { name: 'x' }), 404, 'not_found');
  }
  assert.deepEqual(await list(), []);
});

test('a name is there once, also when it is changed into', async () => {
  const a = (await save({ name: 'a' })).json;
  const b = (await save({ name: 'b' })).json;
  assertError(await post({ name: 'a', query: 'x' }), 409, 'exists', 'name');
  assertError(await put(b.id, { name: 'a' }), 409, 'exists', 'name');
  assert.equal((await put(b.id, { name: 'b', query: 'x' })).status, 200);
  assert.deepEqual((await list()).map((e) => e.query), ['', 'x']);
  await remove(a.id);
  await save({ name: 'a' });
  for (const e of await list()) await remove(e.id);
});

test('If-Match guards against changes that came first', async () => {
  const { id } = (await save({ name: 'guarded' })).json;
  const match = (value) => ({ headers: { 'If-Match': value } });
  assert.equal((await put(id, { name: 'one' }, match('"1"'))).json.version, 2);
  const late = await put(id, { name: 'two' }, match('"1"'));
  assertError(late, 412, 'changed');
  assert.match(late.json.error.message, /version 2/);
  assertError(await remove(id, match('"1"')), 412, 'changed');
  for (const bad of ['2', 'W/"2"', '"2', '"0"', '"x"', '""', '"1", "2"']) assertError(await put(id, { name: 'x' }, match(bad)), 400, 'invalid', 'If-Match');
  assert.equal((await get(id)).json.name, 'one');
  assert.equal((await put(id, { name: 'three' }, match('*'))).json.version, 3);
  assertError(await put('0'.repeat(16), { name: 'x' }, match('"1"')), 404, 'not_found');
  assert.equal((await remove(id, match('"3"'))).status, 204);
});

test('what would not run is not saved, and the answer says why', async () => {
  const { id } = (await save({ name: 'good' })).json;
  for (const save of [post, (body) => put(id, body)]) {
    const syntax = await save({ name: 'n', query: 'action:(a OR' });
    assertError(syntax, 400, 'syntax', 'query');
    assert.ok(syntax.json.error.details.offset > 0);
    assertError(await save({ name: 'n', query: 'a'.repeat(8193) }), 413, 'too_large', 'query');
    assertError(await save({ name: 'n', from: 'never' }), 400, 'invalid', 'from');
    assertError(await save({ name: 'n', to: 'x'.repeat(65) }), 400, 'invalid', 'to');
    assertError(await save({ name: 'n', from: '2026-02-01', to: '2026-01-01' }), 400, 'invalid', 'from');
    assertError(await save({ name: 'n', order: 'up' }), 400, 'invalid', 'order');
    assertError(await save({ name: 'n', ledger: 'other' }), 400, 'invalid', 'ledger');
    assertError(await save({ name: 'n', limit: 1 }), 400, 'invalid', 'limit');
    assertError(await save({ name: 'n', id: 'x' }), 400, 'invalid', 'id');
    assertError(await save({ name: 'n', columns: ['a'] }), 400, 'invalid', 'columns');
    for (const name of ['', 'ä'.repeat(101), 'a\nb', 'a\u0000b', 'a\u007f']) assertError(await save({ name }), 400, 'invalid', 'name');
    assertError(await save({ query: 'a' }), 400, 'invalid', 'name');
    assertError(await save({ name: 'n', description: 'x\u0000' }), 400, 'invalid', 'description');
    for (const member of ['description', 'columns', 'sort']) assertError(await save({ name: 'n', [member]: 'x'.repeat(4097) }), 413, 'too_large', member);
  }
  assert.equal((await list()).length, 1);
  const longest = { name: '😀'.repeat(100), query: 'ä'.repeat(4096), description: 'x'.repeat(4096) };
  const made = (await save(longest)).json;
  assert.equal(made.query, longest.query);
  assert.deepEqual((await get(made.id)).json, made);
  for (const e of await list()) await remove(e.id);
});

test('methods, ids and permissions', async () => {
  const collection = await s.request('DELETE', '/v1/searches');
  assert.equal(collection.status, 405);
  assert.equal(collection.headers.allow, 'GET, HEAD, POST');
  const one = await s.request('POST', '/v1/searches/x', { body: {} });
  assert.equal(one.status, 405);
  assert.equal(one.headers.allow, 'GET, HEAD, PUT, DELETE');
  for (const id of ['x', '0'.repeat(16), "' OR 1=1 --".padEnd(16), '%00'.repeat(16), '0'.repeat(17)]) assertError(await get(encodeURI(id)), 404, 'not_found');
  assert.equal((await s.get('/v1/searches', { key: null })).status, 401);
  assert.equal((await post({ name: 'x' }, { key: null })).status, 401);
  assertError(await s.get('/v1/searches?limit=1'), 400, 'invalid', 'limit');
});

test('so many and no more, and a restart keeps them', async () => {
  for (let i = 0; i < SAVED_SEARCHES_MAX; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => save({ name: `n ${String(i + k).padStart(4, '0')}` })));
  const full = await post({ name: 'one more' });
  assertError(full, 413, 'too_large');
  assert.match(full.json.error.message, /1000/);
  const before = await list();
  assert.equal(before.length, SAVED_SEARCHES_MAX);
  await s.kill();
  await s.start();
  assert.deepEqual(await list(), before);
  await remove(before[0].id);
  await save({ name: 'one more' });
});
