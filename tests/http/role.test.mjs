// /v1/roles and /v1/permissions: roles of an org's own, and that nobody gives what they do not have.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

const ROLES_MAX = 100;
const BUILT_IN = ['operator', 'owner', 'admin', 'auditor', 'analyst', 'writer'];
let s;
before(async () => (s = await startServer()));
after(() => s.close());

const post = (body, options) => s.request('POST', '/v1/roles', { body, ...options });
const put = (name, body, options) => s.request('PUT', `/v1/roles/${name}`, { body, ...options });
const get = (name, options) => s.get(`/v1/roles/${name}`, options);
const remove = (name, options) => s.request('DELETE', `/v1/roles/${name}`, options);
const list = async (options) => (await s.get('/v1/roles', options)).json.roles;
const told = async (query) => (await s.search({ ledger: 'self', query, order: 'oldest' })).json.events;

async function makeKey(body, options) {
  const res = await s.request('POST', '/v1/keys', { body, ...options });
  assert.equal(res.status, 201, res.text);
  return res.json;
}

function assertError(res, status, code, field) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.code, code);
  if (field) assert.equal(res.json.error.details.field, field, res.text);
}

test('permissions and built-in roles are listed', async () => {
  const { permissions } = (await s.get('/v1/permissions')).json;
  assert.ok(permissions.length >= 14);
  for (const p of permissions) {
    assert.match(p.name, /^[a-z]+:[a-z]+$/);
    assert.equal(p.held, true);
    assert.ok(p.meaning.length > 5);
  }
  assert.deepEqual(permissions.filter((p) => p.node).map((p) => p.name), ['node:operate', 'orgs:manage']);
  const roles = await list();
  assert.deepEqual(roles.map((r) => r.name), BUILT_IN);
  assert.ok(roles.every((r) => r.built_in));
  assert.deepEqual(roles.at(-1).permissions, ['events:append', 'log:read']);
  assert.deepEqual((await get('writer')).json, roles.at(-1));
});

test('a role is made, read, changed by version, and removed', async () => {
  const made = await post({ name: 'reader', permissions: ['log:read', ' events:read ', 'log:read'], description: 'Looks\nonly' });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers.location, '/v1/roles/reader');
  assert.equal(made.headers.etag, '"1"');
  assert.deepEqual(made.json.permissions, ['events:read', 'log:read']);
  assert.deepEqual([made.json.built_in, made.json.description, made.json.created_by], [false, 'Looks\nonly', s.bootstrap.client_id]);
  assert.deepEqual((await get('reader')).json, made.json);
  assertError(await post({ name: 'reader', permissions: 'log:read' }), 409, 'exists', 'name');

  const changed = await put('reader', { permissions: 'events:read' }, { headers: { 'If-Match': '"1"' } });
  assert.deepEqual([changed.json.permissions, changed.json.description, changed.headers.etag], [['events:read'], 'Looks\nonly', '"2"']);
  assertError(await put('reader', { description: '' }, { headers: { 'If-Match': '"1"' } }), 412, 'changed');
  assertError(await remove('reader', { headers: { 'If-Match': '"1"' } }), 412, 'changed');
  assert.equal((await remove('reader', { headers: { 'If-Match': '"2"' } })).status, 204);
  assertError(await get('reader'), 404, 'not_found');
  assertError(await remove('reader'), 404, 'not_found');
  assertError(await put('reader', {}), 404, 'not_found');

  const events = await told('entity.type:role entity.id:reader');
  assert.deepEqual(events.map((e) => e.action), ['role.created', 'role.changed', 'role.removed']);
  assert.deepEqual([events[1].before.permissions, events[1].after.permissions], ['events:read,log:read', 'events:read']);
});

test('what is no role is refused by the member that is wrong', async () => {
  const bad = [
    [{ permissions: 'log:read' }, 'name'],
    [{ name: 'Reader', permissions: 'log:read' }, 'name'],
    [{ name: '1a', permissions: 'log:read' }, 'name'],
    [{ name: 'a/b', permissions: 'log:read' }, 'name'],
    [{ name: 'r'.repeat(65), permissions: 'log:read' }, 'name'],
    [{ name: 'a' }, 'permissions'],
    [{ name: 'a', permissions: '' }, 'permissions'],
    [{ name: 'a', permissions: [] }, 'permissions'],
    [{ name: 'a', permissions: 'events:write' }, 'permissions'],
    [{ name: 'a', permissions: 'log:read,,events:read' }, 'permissions'],
    [{ name: 'a', permissions: ['node:operate'] }, 'permissions'],
    [{ name: 'a', permissions: ['log:read', 'orgs:manage'] }, 'permissions'],
    [{ name: 'a', permissions: 'log:read', description: 'd'.repeat(501) }, 'description'],
  ];
  for (const [body, field] of bad) assertError(await post(body), 400, 'invalid', field);
  for (const name of BUILT_IN) {
    assertError(await post({ name, permissions: 'log:read' }), 409, 'exists', 'name');
    assertError(await put(name, { permissions: 'log:read' }), 400, 'invalid');
    assertError(await remove(name), 400, 'invalid');
  }
  assert.equal((await list()).length, BUILT_IN.length);
  const long = 'r'.repeat(64);
  assert.equal((await post({ name: long, permissions: 'log:read', description: 'd'.repeat(500) })).headers.location, `/v1/roles/${long}`);
  assert.equal((await remove(long)).status, 204);
});

test('changing a role takes effect at once on the keys that have it', async () => {
  await post({ name: 'shifting', permissions: 'events:read' });
  const key = await makeKey({ role: 'shifting' });
  const works = async () => [(await s.get('/v1/events', { key: key.api_key })).status, (await s.append({ action: 'a' }, '', { key: key.api_key })).status];
  assert.deepEqual(await works(), [200, 403]);
  await put('shifting', { permissions: 'events:append' });
  assert.deepEqual(await works(), [403, 201]);
  await put('shifting', { permissions: 'events:append,events:read' });
  assert.deepEqual(await works(), [200, 201]);

  assertError(await remove('shifting'), 400, 'invalid');
  await s.request('PUT', `/v1/keys/${key.client_id}`, { body: { role: 'writer' } });
  assert.equal((await remove('shifting')).status, 204);
  assert.deepEqual(await works(), [403, 201]);
  assertError(await s.request('POST', '/v1/keys', { body: { role: 'shifting' } }), 400, 'invalid', 'role');
});

test('a revoked key keeps no role from being removed', async () => {
  await post({ name: 'gone', permissions: 'events:read' });
  const key = await makeKey({ role: 'gone' });
  assertError(await remove('gone'), 400, 'invalid');
  await s.request('DELETE', `/v1/keys/${key.client_id}`);
  assert.equal((await remove('gone')).status, 204);
  assert.equal((await s.get('/v1/events', { key: key.api_key })).status, 401);
});

test('nobody gives a permission that they do not have', async () => {
  await post({ name: 'rolemaker', permissions: 'roles:manage,keys:manage,events:read' });
  const key = { key: (await makeKey({ role: 'rolemaker' })).api_key };
  assertError(await post({ name: 'strong', permissions: 'events:read,events:append' }, key), 403, 'forbidden', 'permissions');
  const weak = await post({ name: 'weak', permissions: 'events:read' }, key);
  assert.equal(weak.status, 201, weak.text);
  assertError(await put('weak', { permissions: 'log:read' }, key), 403, 'forbidden', 'permissions');

  await post({ name: 'other', permissions: 'events:append' });
  assertError(await put('other', { permissions: 'events:read' }, key), 403, 'forbidden');
  assertError(await put('other', { description: 'x' }, key), 403, 'forbidden');
  assertError(await remove('other', key), 403, 'forbidden');
  assertError(await s.request('POST', '/v1/keys', { body: { role: 'other' }, ...key }), 403, 'forbidden', 'role');
  const made = await makeKey({ role: 'weak' }, key);
  assertError(await s.request('PUT', `/v1/keys/${made.client_id}`, { body: { role: 'other' }, ...key }), 403, 'forbidden', 'role');
  // Nor does one that is made stronger later come into their hands.
  await put('weak', { permissions: 'events:append' });
  assertError(await s.request('POST', `/v1/keys/${made.client_id}/rotate`, { body: {}, ...key }), 403, 'forbidden');
  assertError(await s.get('/v1/roles', { key: made.api_key }), 403, 'forbidden');
  const held = (await s.get('/v1/permissions', key)).json.permissions.filter((p) => p.held).map((p) => p.name);
  assert.deepEqual(held, ['events:read', 'keys:manage', 'roles:manage']);
});

test('an org has so many roles of its own', async () => {
  const there = (await list()).filter((r) => !r.built_in).length;
  for (let i = there; i < ROLES_MAX; i++) assert.equal((await post({ name: `n${i}`, permissions: 'log:read' })).status, 201);
  assertError(await post({ name: 'onemore', permissions: 'log:read' }), 413, 'too_large');
  assert.equal((await list()).length, BUILT_IN.length + ROLES_MAX);
  assert.equal((await remove(`n${ROLES_MAX - 1}`)).status, 204);
  assert.equal((await post({ name: 'onemore', permissions: 'log:read' })).status, 201);
});

test('roles are there after a restart, and what has them', async () => {
  const before = await list();
  const key = await makeKey({ role: 'onemore' });
  await s.stop();
  await s.start();
  assert.deepEqual(await list(), before);
  assert.equal((await s.get('/log/default/main/checkpoint', { key: key.api_key })).status, 200);
  assert.equal((await s.get('/v1/events', { key: key.api_key })).status, 403);
});
