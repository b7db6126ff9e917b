// /v1/keys: making, showing once, changing, rotating, revoking; what a key may do, from where and until when.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

const KEYS_MAX_S = 30 * 86400;
let s;
before(async () => (s = await startServer()));
after(() => s.close());

const post = (body, options) => s.request('POST', '/v1/keys', { body, ...options });
const put = (id, body, options) => s.request('PUT', `/v1/keys/${id}`, { body, ...options });
const get = (id, options) => s.get(`/v1/keys/${id}`, options);
const rotate = (id, body = {}, options) => s.request('POST', `/v1/keys/${id}/rotate`, { body, ...options });
const revoke = (id, options) => s.request('DELETE', `/v1/keys/${id}`, options);
const list = async (options) => (await s.get('/v1/keys', options)).json.keys;
const works = async (key) => (await s.get('/v1/events?limit=1', { key })).status;
const told = async (query) => (await s.search({ ledger: 'self', query, order: 'oldest' })).json.events;

async function make(body) {
  const res = await post(body);
  assert.equal(res.status, 201, res.text);
  return res.json;
}

function assertError(res, status, code, field) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.code, code);
  if (field) assert.equal(res.json.error.details.field, field, res.text);
}

test('the first key is listed, without its secret', async () => {
  const keys = await list();
  assert.equal(keys.length, 1);
  assert.equal(keys[0].client_id, s.bootstrap.client_id);
  assert.equal(keys[0].role, 'operator');
  assert.equal((await get(s.bootstrap.client_id)).text.includes(s.bootstrap.client_secret), false);
});

test('a key is made, shown once, and works', async () => {
  const res = await post({ name: 'CI', role: 'analyst', networks: ['127.0.0.0/8', ' ::1 '], expires: 'now+1d', request_rate: 5, event_rate: 7 });
  assert.equal(res.status, 201, res.text);
  const { client_secret, api_key, jwt_secret, ...key } = res.json;
  assert.match(jwt_secret, /^[0-9a-f]{64}$/);
  assert.match(key.client_id, /^[0-9a-f]{16}$/);
  assert.match(client_secret, /^[0-9a-f]{64}$/);
  assert.equal(api_key, `stele_${key.client_id}_${client_secret}`);
  assert.equal(res.headers.location, `/v1/keys/${key.client_id}`);
  assert.equal(res.headers.etag, '"1"');
  assert.equal(res.headers['cache-control'], 'no-store');
  assert.deepEqual(
    [key.name, key.role, key.query, key.networks, key.request_rate, key.event_rate, key.created_by, key.version],
    ['CI', 'analyst', '', ['127.0.0.0/8', '::1'], 5, 7, s.bootstrap.client_id, 1],
  );
  assert.ok(Math.abs(new Date(key.expires) - Date.now() - 86400000) < 60000);
  assert.deepEqual([key.last_used, key.revoked, key.rotated, key.previous_until], [null, null, null, null]);
  assert.deepEqual((await get(key.client_id)).json, key);
  assert.equal(await works(api_key), 200);
  assert.equal((await s.append({ action: 'a' }, '', { key: api_key })).status, 403);

  const used = (await get(key.client_id)).json.last_used;
  assert.ok(Math.abs(new Date(used) - Date.now()) < 60000);
  const [event] = await told(`action:key.created entity.id:${key.client_id}`);
  assert.deepEqual([event.actor.id, event.entity.name, event.after.role], [s.bootstrap.client_id, 'CI', 'analyst']);
  assert.equal(event.context.ip, '127.0.0.1');
  for (const where of [s.log, JSON.stringify(await told('')), readFileSync(join(s.folder, 'control.db'), 'latin1')])
    assert.equal(where.includes(client_secret), false);
});

test('what is no key is refused by the member that is wrong', async () => {
  const bad = [
    [{}, 'role'],
    [{ role: '' }, 'role'],
    [{ role: 'king' }, 'role'],
    [{ role: 'r'.repeat(65) }, 'role'],
    [{ role: 'writer', name: 'a\nb' }, 'name'],
    [{ role: 'writer', name: 'n'.repeat(255) }, 'name'],
    [{ role: 'writer', networks: ['10.0.0.0/33'] }, 'networks'],
    [{ role: 'writer', networks: ['10.0.0.1', ''] }, 'networks'],
    [{ role: 'writer', networks: ['10.0.0.1,10.0.0.2'] }, 'networks'],
    [{ role: 'writer', networks: [1] }, 'networks'],
    [{ role: 'writer', networks: 'here' }, 'networks'],
    [{ role: 'writer', expires: 'now-1s' }, 'expires'],
    [{ role: 'writer', expires: 'soon' }, 'expires'],
    [{ role: 'writer', request_rate: 1000001 }, 'request_rate'],
    [{ role: 'writer', event_rate: -1 }, 'event_rate'],
    [{ role: 'analyst', query: 'time:>now-1d' }, 'query'],
    [{ role: ['writer'] }, 'role'],
    [{ role: 'writer', client_id: 'x' }, 'client_id'],
  ];
  const before = (await list()).length;
  for (const [body, field] of bad) assertError(await post(body), 400, 'invalid', field);
  assertError(await post({ role: 'analyst', query: 'action:(' }), 400, 'syntax', 'query');
  assertError(await post({ role: 'analyst', query: 'a '.repeat(1025) }), 413, 'too_large', 'query');
  assertError(await post({ role: 'writer', networks: Array(33).fill('10.0.0.1') }), 413, 'too_large', 'networks');
  assert.equal((await list()).length, before);
  await make({ role: 'writer', name: 'n'.repeat(254), networks: Array(32).fill('10.0.0.1').join(', ') });
});

test('a change is partial, made by version, and told with before and after', async () => {
  const key = await make({ name: 'before', role: 'writer', event_rate: 9 });
  const res = await put(key.client_id, { name: 'after' }, { headers: { 'If-Match': '"1"' } });
  assert.equal(res.status, 200, res.text);
  assert.equal(res.headers.etag, '"2"');
  assert.deepEqual([res.json.name, res.json.role, res.json.event_rate, res.json.version], ['after', 'writer', 9, 2]);
  assert.equal(res.json.client_secret, undefined);
  assertError(await put(key.client_id, { name: 'x' }, { headers: { 'If-Match': '"1"' } }), 412, 'changed');
  assertError(await put(key.client_id, { name: 'x' }, { headers: { 'If-Match': 'W/"2"' } }), 400, 'invalid', 'If-Match');
  assertError(await put('0123456789abcdef', { name: 'x' }), 404, 'not_found');
  const [event] = await told(`action:key.changed entity.id:${key.client_id}`);
  assert.deepEqual([event.before.name, event.after.name], ['before', 'after']);
});

test('a change takes effect at once', async () => {
  const key = await make({ role: 'writer' });
  assert.equal(await works(key.api_key), 403);
  await put(key.client_id, { role: 'analyst' });
  assert.equal(await works(key.api_key), 200);
  await put(key.client_id, { networks: ['10.0.0.0/8', '::/1'] });
  const res = await s.get('/v1/events', { key: key.api_key });
  assertError(res, 401, 'unauthorized');
  assert.match(res.json.error.message, /127\.0\.0\.1/);
  await put(key.client_id, { networks: '' });
  assert.equal(await works(key.api_key), 200);
  await put(key.client_id, { expires: 'now+1s' });
  assert.equal(await works(key.api_key), 200);
  await sleep(1100);
  assert.match((await s.get('/v1/events', { key: key.api_key })).json.error.message, /expired/);
  await put(key.client_id, { expires: '' });
  assert.equal(await works(key.api_key), 200);
});

test('a revoked key is refused, stays listed, and is no more to be changed', async () => {
  const key = await make({ role: 'analyst' });
  assert.equal(await works(key.api_key), 200);
  assert.equal((await revoke(key.client_id, { headers: { 'If-Match': '"7"' } })).status, 412);
  const res = await revoke(key.client_id);
  assert.equal(res.status, 204);
  assert.match((await s.get('/v1/events', { key: key.api_key })).json.error.message, /revoked/);
  // Without the secret nothing is said of it.
  const guess = `stele_${key.client_id}_${'0'.repeat(64)}`;
  assert.match((await s.get('/v1/events', { key: guess })).json.error.message, /not known/);
  assert.ok((await get(key.client_id)).json.revoked);
  assert.equal((await list()).at(-1).client_id, key.client_id);
  assertError(await revoke(key.client_id), 404, 'not_found');
  assertError(await put(key.client_id, { name: 'x' }), 400, 'invalid');
  assertError(await rotate(key.client_id), 400, 'invalid');
  assert.equal((await told(`action:key.revoked entity.id:${key.client_id}`)).length, 1);
  assertError(await revoke(s.bootstrap.client_id), 400, 'invalid');
});

test('rotation: the secret before is taken until the overlap ends', async () => {
  const key = await make({ role: 'analyst' });
  const second = await rotate(key.client_id, { overlap: 2 });
  assert.equal(second.status, 200, second.text);
  assert.notEqual(second.json.api_key, key.api_key);
  assert.equal(await works(key.api_key), 200);
  assert.equal(await works(second.json.api_key), 200);
  assert.ok(new Date((await get(key.client_id)).json.previous_until) > new Date());
  await sleep(2100);
  assert.equal(await works(key.api_key), 401);
  assert.equal(await works(second.json.api_key), 200);

  const third = await rotate(key.client_id, { overlap: 0 });
  assert.equal(await works(second.json.api_key), 401);
  assert.equal(await works(third.json.api_key), 200);
  const fourth = await rotate(key.client_id);
  const fifth = await rotate(key.client_id);
  assert.deepEqual(
    [await works(third.json.api_key), await works(fourth.json.api_key), await works(fifth.json.api_key)],
    [401, 200, 200],
  );
  assertError(await rotate(key.client_id, { overlap: KEYS_MAX_S + 1 }), 400, 'invalid', 'overlap');
  assertError(await rotate(key.client_id, {}, { headers: { 'If-Match': '"1"' } }), 412, 'changed');
  assert.equal((await told(`action:key.rotated entity.id:${key.client_id}`)).length, 4);
});

test('nobody gives what they do not have, nor gets hold of it', async () => {
  const admin = await make({ role: 'admin' });
  const asAdmin = { key: admin.api_key };
  const owner = await make({ role: 'owner' });
  for (const role of ['owner', 'operator'])
    assertError(await post({ role }, asAdmin), 403, 'forbidden', 'role');
  const res = await post({ role: 'admin' }, asAdmin);
  assert.equal(res.status, 201, res.text);
  assertError(await put(res.json.client_id, { role: 'owner' }, asAdmin), 403, 'forbidden', 'role');
  assertError(await rotate(owner.client_id, {}, asAdmin), 403, 'forbidden');
  assertError(await put(owner.client_id, { role: 'writer' }, asAdmin), 403, 'forbidden');
  assertError(await revoke(owner.client_id, asAdmin), 403, 'forbidden');
  assert.equal(await works(owner.api_key), 200);
  assert.equal((await put(res.json.client_id, { role: 'writer' }, asAdmin)).status, 200);
  assert.equal((await revoke(res.json.client_id, asAdmin)).status, 204);
  const analyst = await make({ role: 'analyst' });
  for (const [method, path] of [['GET', '/v1/keys'], ['POST', '/v1/keys'], ['DELETE', `/v1/keys/${owner.client_id}`]])
    assertError(await s.request(method, path, { key: analyst.api_key, body: method === 'POST' ? {} : undefined }), 403, 'forbidden');
});

test('a narrowed key manages no keys, whatever its role', async () => {
  const narrow = await make({ role: 'owner', query: 'action:a' });
  assertError(await post({ role: 'writer' }, { key: narrow.api_key }), 403, 'forbidden');
  assertError(await s.get('/v1/keys', { key: narrow.api_key }), 403, 'forbidden');
});

test('all is there after a restart, also when a key was used last', async () => {
  const key = await make({ role: 'analyst', networks: ['127.0.0.1'] });
  await works(key.api_key);
  const before = await list();
  await s.stop();
  await s.start();
  const now = await list();
  const own = now.find((k) => k.client_id === s.bootstrap.client_id);
  before.find((k) => k.client_id === s.bootstrap.client_id).last_used = own.last_used;
  assert.deepEqual(now, before);
  assert.equal(await works(key.api_key), 200);
});
