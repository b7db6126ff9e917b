// /v1/users and /v1/password: people of an org, what may be said of them and by whom.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertError, makeUser, PASSWORD, session, signIn, told } from './people.mjs';
import { startServer } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

const post = (body, options) => s.request('POST', '/v1/users', { body, ...options });
const put = (id, body, options) => s.request('PUT', `/v1/users/${id}`, { body, ...options });
const setPassword = (body, options) => s.request('POST', '/v1/password', { key: null, body, ...options });

async function keyOf(role) {
  const made = await s.request('POST', '/v1/keys', { body: { role } });
  assert.equal(made.status, 201, made.text);
  return made.json.api_key;
}

test('a user is made without a password and sets one with the token', async () => {
  const made = await post({ email: 'Ada@Example.COM', name: 'Ada Byron', role: 'analyst' });
  assert.equal(made.status, 201, made.text);
  const { reset_token, ...user } = made.json;
  assert.match(user.id, /^[0-9a-f]{16}$/);
  assert.equal(made.headers.location, `/v1/users/${user.id}`);
  assert.equal(made.headers.etag, '"1"');
  assert.equal(user.email, 'ada@example.com');
  assert.deepEqual([user.role, user.disabled, user.has_password, user.totp, user.last_login, user.version], ['analyst', false, false, false, null, 1]);
  assert.equal(user.created_by, s.bootstrap.client_id);
  assert.ok(Math.abs(Date.parse(user.reset_until) - Date.now() - 86400e3) < 60e3);
  const read = await s.get(`/v1/users/${user.id}`);
  assert.deepEqual(read.json, user);
  assert.ok(!read.text.includes('reset_token'));
  assertError(await signIn(s, { email: 'ada@example.com' }), 401, 'unauthorized');

  assert.equal((await setPassword({ token: reset_token, password: PASSWORD })).status, 204);
  const now = (await s.get(`/v1/users/${user.id}`)).json;
  assert.deepEqual([now.has_password, now.reset_until], [true, null]);
  assert.equal((await signIn(s, { org: 'default', email: 'ADA@example.com' })).status, 201);
  assert.ok((await s.get(`/v1/users/${user.id}`)).json.last_login);
  assertError(await setPassword({ token: reset_token, password: PASSWORD }), 401, 'unauthorized', 'token');

  const events = await told(s, 'user.created');
  assert.deepEqual(events[0].after, { disabled: false, email: 'ada@example.com', name: 'Ada Byron', role: 'analyst' });
  assert.deepEqual(events[0].entity, { id: user.id, name: 'ada@example.com', type: 'user' });
  assert.equal((await told(s, 'user.password_changed'))[0].actor.id, user.id);
  assert.ok(!(await s.all({ ledger: 'self' })).some((e) => JSON.stringify(e).includes(reset_token.slice(17))));
});

test('what is no user is refused by name', async () => {
  for (const email of ['', 'a', '@', 'a@', '@b', 'a@b@c', 'a b@c', 'a@b\n', `${'a'.repeat(250)}@b.cd`, '<a@b>', 'a@b,c@d', 'a\u0000@b']) assertError(await post({ email, role: 'analyst' }), 400, 'invalid', 'email');
  assertError(await post({ role: 'analyst' }), 400, 'invalid', 'email');
  assertError(await post({ email: 'x@example.com' }), 400, 'invalid', 'role');
  assertError(await post({ email: 'x@example.com', role: 'king' }), 400, 'invalid', 'role');
  assertError(await post({ email: 'x@example.com', role: 'analyst', name: 'a\nb' }), 400, 'invalid', 'name');
  assertError(await post({ email: 'x@example.com', role: 'analyst', name: 'x'.repeat(201) }), 400, 'invalid', 'name');
  assertError(await post({ email: 'ada@EXAMPLE.com', role: 'analyst' }), 409, 'exists', 'email');
  assertError(await post({ email: 'x@example.com', role: 'analyst', password: 'x' }), 400, 'invalid', 'password');
  const longest = await post({ email: `${'a'.repeat(250)}@b.c`, role: 'analyst', name: 'ä'.repeat(100) });
  assert.equal(longest.status, 201, longest.text);
  for (const id of ['x', '0'.repeat(16), "' OR 1=1 --".padEnd(16), '0'.repeat(17)]) assertError(await s.get(`/v1/users/${encodeURI(id)}`), 404, 'not_found');
});

test('passwords that are tried first are not taken', async () => {
  const email = 'twelve.bytes@example.com';
  const made = (await post({ email, role: 'analyst' })).json;
  for (const password of ['', 'x'.repeat(11), 'eleven-byte', 'a'.repeat(12), 'abababababab', 'abcabcabcabcabc', '123412341234', 'abcdefghijklmn', 'zyxwvutsrqponm', email, email.toUpperCase(), 'twelve.bytes', 'x1'.repeat(513)])
    assertError(await setPassword({ token: made.reset_token, password }), 400, 'invalid', 'password');
  assertError(await setPassword({ token: made.reset_token }), 400, 'invalid', 'password');
  assertError(await setPassword({ token: made.reset_token, password: true }), 400, 'invalid', 'password');
  const longest = 'word '.repeat(204) + 'last';
  assert.equal((await setPassword({ token: made.reset_token, password: longest })).status, 204);
  assert.equal((await signIn(s, { email, password: longest })).status, 201);
  assertError(await signIn(s, { email, password: `${longest}x` }), 401, 'unauthorized');
});

test('lists by address, and finds one', async () => {
  const all = (await s.get('/v1/users')).json.users;
  assert.deepEqual(all.map((u) => u.email), all.map((u) => u.email).sort());
  assert.deepEqual((await s.get('/v1/users?email=ADA@example.com')).json.users.map((u) => u.email), ['ada@example.com']);
  assert.deepEqual((await s.get('/v1/users?email=nobody@example.com')).json.users, []);
  assertError(await s.get('/v1/users?email=x'), 400, 'invalid', 'email');
});

test('changes name their version; what is left out stays', async () => {
  const { id } = await makeUser(s, 'grace@example.com', { name: 'Grace' });
  const match = (value) => ({ headers: { 'If-Match': value } });
  const one = await put(id, { role: 'auditor' }, match('"1"'));
  assert.deepEqual([one.status, one.json.role, one.json.name, one.json.version], [200, 'auditor', 'Grace', 2]);
  assertError(await put(id, { role: 'admin' }, match('"1"')), 412, 'changed');
  const two = await put(id, { name: 'Grace Hopper', email: 'hopper@example.com' });
  assert.deepEqual([two.json.role, two.json.name, two.json.email], ['auditor', 'Grace Hopper', 'hopper@example.com']);
  assertError(await put(id, { email: 'ada@example.com' }), 409, 'exists', 'email');
  assertError(await put(id, { disabled: 'maybe' }), 400, 'invalid', 'disabled');
  assertError(await put('0'.repeat(16), {}), 404, 'not_found');
  const changed = (await told(s, 'user.changed')).at(-2);
  assert.equal(changed.before.role, 'analyst');
  assert.equal(changed.after.role, 'auditor');
});

test('a disabled user is out at once, and in again when enabled', async () => {
  const { id } = await makeUser(s, 'bob@example.com');
  const bob = await session(s, { email: 'bob@example.com' });
  assert.equal((await bob.get('/v1/session')).status, 200);
  assert.equal((await put(id, { disabled: true })).json.disabled, true);
  assertError(await bob.get('/v1/session'), 401, 'unauthorized');
  const refused = await signIn(s, { email: 'bob@example.com' });
  assertError(refused, 401, 'unauthorized');
  assert.equal(refused.json.error.message, (await signIn(s, { email: 'nobody@example.com' })).json.error.message);
  assert.equal((await put(id, { disabled: false })).json.disabled, false);
  assertError(await bob.get('/v1/session'), 401, 'unauthorized');
  assert.equal((await signIn(s, { email: 'bob@example.com' })).status, 201);
  assert.equal((await told(s, 'user.disabled')).at(-1).entity.id, id);
  assert.equal((await told(s, 'user.enabled')).at(-1).entity.id, id);
  assert.equal((await told(s, 'session.failed')).find((e) => e.actor.id === id).outcome.reason, 'the user is disabled');
});

test('a role counts from the next request on', async () => {
  const { id } = await makeUser(s, 'carol@example.com');
  const carol = await session(s, { email: 'carol@example.com' });
  assert.equal((await carol.get('/v1/events')).status, 200);
  assertError(await carol.get('/v1/users'), 403, 'forbidden');
  await put(id, { role: 'admin' });
  assert.equal((await carol.get('/v1/users')).status, 200);
  await put(id, { role: 'writer' });
  assertError(await carol.get('/v1/events'), 403, 'forbidden');
});

test('nobody gives or gets hold of more than they have', async () => {
  const admin = await keyOf('admin');
  const owner = await makeUser(s, 'owner@example.com', { role: 'owner' });
  const as = { key: admin };
  assertError(await post({ email: 'y@example.com', role: 'owner' }, as), 403, 'forbidden', 'role');
  assertError(await post({ email: 'y@example.com', role: 'operator' }, as), 403, 'forbidden', 'role');
  assert.equal((await post({ email: 'y@example.com', role: 'admin' }, as)).status, 201);
  for (const attempt of [
    put(owner.id, { role: 'writer' }, as),
    put(owner.id, { disabled: true }, as),
    put(owner.id, { email: 'mine@example.com' }, as),
    s.request('POST', `/v1/users/${owner.id}/reset`, as),
    s.request('DELETE', `/v1/users/${owner.id}/totp`, as),
  ])
    assertError(await attempt, 403, 'forbidden');
  for (const role of ['writer', 'analyst', 'auditor']) {
    const key = await keyOf(role);
    for (const [method, path] of [['GET', '/v1/users'], ['POST', '/v1/users'], ['GET', `/v1/users/${owner.id}`], ['PUT', `/v1/users/${owner.id}`], ['POST', `/v1/users/${owner.id}/reset`]])
      assertError(await s.request(method, path, { key, ...(method === 'GET' ? {} : { body: {} }) }), 403, 'forbidden');
  }
  const me = await session(s, { email: 'owner@example.com' });
  assertError(await me.request('PUT', `/v1/users/${owner.id}`, { body: { disabled: true } }), 400, 'invalid', 'disabled');
});

test('a reset takes the password and the sessions, and its token works once', async () => {
  const { id } = await makeUser(s, 'dave@example.com');
  const dave = await session(s, { email: 'dave@example.com' });
  const first = await s.request('POST', `/v1/users/${id}/reset`);
  assert.equal(first.status, 200, first.text);
  assertError(await dave.get('/v1/session'), 401, 'unauthorized');
  assertError(await signIn(s, { email: 'dave@example.com' }), 401, 'unauthorized');
  const second = (await s.request('POST', `/v1/users/${id}/reset`)).json.reset_token;
  assertError(await setPassword({ token: first.json.reset_token, password: PASSWORD }), 401, 'unauthorized', 'token');
  const wrong = second.slice(0, -1) + (second.endsWith('0') ? '1' : '0');
  for (const token of [wrong, '', `${'0'.repeat(16)}${second.slice(16)}`]) assertError(await setPassword({ token, password: PASSWORD }), 401, 'unauthorized');
  assert.equal((await setPassword({ token: second, password: 'another set of words' })).status, 204);
  assert.equal((await signIn(s, { email: 'dave@example.com', password: 'another set of words' })).status, 201);
  assert.equal((await told(s, 'user.password_reset')).at(-1).entity.id, id);
});

test('one changes the own password with the old one; other sessions end', async () => {
  await makeUser(s, 'erin@example.com');
  const here = await session(s, { email: 'erin@example.com' });
  const there = await session(s, { email: 'erin@example.com' });
  const change = (body) => here.request('POST', '/v1/password', { body });
  assertError(await change({ old_password: 'not the old password', password: 'a new set of words' }), 403, 'forbidden', 'old_password');
  assertError(await change({ old_password: PASSWORD, password: 'short' }), 400, 'invalid', 'password');
  assertError(await setPassword({ old_password: PASSWORD, password: 'a new set of words' }), 401, 'unauthorized');
  assertError(await s.request('POST', '/v1/password', { body: { old_password: PASSWORD, password: 'a new set of words' } }), 403, 'forbidden');
  assertError(await here.request('POST', '/v1/password', { body: { old_password: PASSWORD, password: 'a new set of words' }, headers: { 'X-CSRF-Token': '' } }), 403, 'forbidden', 'X-CSRF-Token');
  assert.equal((await there.get('/v1/session')).status, 200);
  assert.equal((await change({ old_password: PASSWORD, password: 'a new set of words' })).status, 204);
  assert.equal((await here.get('/v1/session')).status, 200);
  assertError(await there.get('/v1/session'), 401, 'unauthorized');
  assertError(await signIn(s, { email: 'erin@example.com' }), 401, 'unauthorized');
  assert.equal((await signIn(s, { email: 'erin@example.com', password: 'a new set of words' })).status, 201);
});

test('users, passwords and sessions outlive the process', async () => {
  const before = (await s.get('/v1/users')).json;
  const ada = await session(s, { email: 'ada@example.com' });
  await s.kill();
  await s.start();
  assert.deepEqual((await s.get('/v1/users')).json.users.map((u) => u.id), before.users.map((u) => u.id));
  assert.equal((await ada.get('/v1/session')).status, 200);
  assert.equal((await signIn(s, { email: 'ada@example.com' })).status, 201);
});
