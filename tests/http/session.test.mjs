// /v1/session and /v1/totp: signing in and out, cookies, other sites' pages, expiry, second factors, guesses.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { assertError, cookieOf, makeUser, PASSWORD, session, signIn, told } from './people.mjs';
import { sleep, startServer } from './server.mjs';
import { stepNow, totp } from './totp.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

// From another address of this machine.
function signInFrom(localAddress, body) {
  const agent = new http.Agent({ localAddress });
  return signIn(s, body, { agent }).finally(() => agent.destroy());
}

test('signing in sets a cookie that scripts and other sites do not get', async () => {
  const { id } = await makeUser(s, 'ada@example.com', { name: 'Ada', role: 'admin' });
  const answer = await signIn(s, { org: 'default', email: 'ada@example.com' });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers['set-cookie'].length, 1);
  assert.match(answer.headers['set-cookie'][0], /^stele_session=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.equal(answer.headers['cache-control'], 'no-store');
  const { user, org, permissions, csrf_token, created, expires, idle_expires } = answer.json;
  assert.deepEqual(user, { id, email: 'ada@example.com', name: 'Ada', role: 'admin', totp: false });
  assert.equal(org, 'default');
  assert.ok(permissions.includes('users:manage') && !permissions.includes('retention:manage'));
  assert.match(csrf_token, /^[0-9a-f]{64}$/);
  assert.equal(Date.parse(expires) - Date.parse(created), 12 * 3600e3);
  assert.equal(Date.parse(idle_expires) - Date.parse(created), 1800e3);
  assert.ok(!answer.text.includes(cookieOf(answer).split('=')[1]));
  const read = await s.get('/v1/session', { key: null, headers: { Cookie: cookieOf(answer) } });
  assert.deepEqual(read.json, answer.json);
  const me = await s.get('/v1/me', { key: null, headers: { Cookie: cookieOf(answer) } });
  assert.deepEqual([me.json.type, me.json.id, me.json.name, me.json.way], ['user', id, 'ada@example.com', 'cookie']);
});

test('nothing tells an unknown user, org or a wrong password apart', async () => {
  await makeUser(s, 'nopass@example.com', { password: null });
  const bodies = [
    { email: 'ada@example.com', password: 'not the right one' },
    { email: 'nobody@example.com' },
    { email: 'nopass@example.com', password: '' },
    { email: 'ada@example.com', org: 'other' },
    { email: 'ada@example.com', org: 'x'.repeat(65) },
    { email: 'not an address' },
    { email: 'ada@example.com', password: 'x'.repeat(5000) },
  ];
  for (const body of bodies) {
    const answer = await signIn(s, body);
    assertError(answer, 401, 'unauthorized');
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.deepEqual(answer.json.error, { code: 'unauthorized', message: 'the org, e-mail address or password is wrong', details: {} });
  }
  const reasons = (await told(s, 'session.failed')).map((e) => [e.actor.name, e.outcome.reason]);
  assert.deepEqual(reasons.slice(0, 3), [
    ['ada@example.com', 'wrong password'],
    ['nobody@example.com', 'there is no such user'],
    ['nopass@example.com', 'wrong password'],
  ]);
  const everything = JSON.stringify(await s.all({ ledger: 'self' }));
  assert.ok(!everything.includes('not the right one') && !everything.includes(PASSWORD));
});

test('a cookie opens what the role allows, and a wrong one nothing', async () => {
  const ada = await session(s, { email: 'ada@example.com' });
  assert.equal((await ada.get('/v1/events')).status, 200);
  assert.equal((await ada.request('POST', '/v1/searches', { body: { name: 'by a user' } })).json.created_by, ada.json.user.id);
  assertError(await ada.request('POST', '/v1/retention/holds', { body: { reason: 'x' } }), 403, 'forbidden');
  const value = ada.cookie.split('=')[1];
  const flipped = (value[0] === '0' ? '1' : '0') + value.slice(1);
  for (const cookie of ['stele_session=', `stele_session=${flipped}`, `stele_session=${value.slice(1)}`, `stele_session=${value}0`, `stele_session=${value.toUpperCase()}`, `__Host-stele_session=${value}`, `other=${value}`, 'stele_session'])
    assertError(await s.get('/v1/events', { key: null, headers: { Cookie: cookie } }), 401, 'unauthorized');
  const both = await s.get('/v1/me', { headers: { Cookie: ada.cookie } });
  assert.equal(both.json.type, 'api_key'); /* the credential that was given on purpose */
  assertError(await s.get('/v1/session'), 404, 'not_found');
  assertError(await s.get('/v1/session', { key: null }), 401, 'unauthorized');
});

test('a session is always new: nobody can give one to another', async () => {
  const planted = `stele_session=${'ab'.repeat(32)}`;
  const first = await signIn(s, { email: 'ada@example.com' }, { headers: { Cookie: planted } });
  assert.notEqual(cookieOf(first), planted);
  assertError(await s.get('/v1/session', { key: null, headers: { Cookie: planted } }), 401, 'unauthorized');
  const second = await signIn(s, { email: 'ada@example.com' }, { headers: { Cookie: cookieOf(first) } });
  assert.notEqual(cookieOf(second), cookieOf(first));
  assert.notEqual(second.json.id, first.json.id);
  assert.notEqual(second.json.csrf_token, first.json.csrf_token);
});

test("changes need the session's own token, and no other site's page sends them", async () => {
  const ada = await session(s, { email: 'ada@example.com' });
  const other = await session(s, { email: 'ada@example.com' });
  const change = (headers) => s.request('POST', '/v1/searches', { key: null, body: { name: `n${Math.random()}` }, headers: { Cookie: ada.cookie, ...headers } });
  const here = `http://127.0.0.1:${s.port}`;
  for (const headers of [{}, { 'X-CSRF-Token': '' }, { 'X-CSRF-Token': other.token }, { 'X-CSRF-Token': ada.token.toUpperCase() }, { 'X-CSRF-Token': ada.token.slice(1) }, { Origin: here }, { 'Sec-Fetch-Site': 'same-origin' }])
    assertError(await change(headers), 403, 'forbidden', 'X-CSRF-Token');
  const token = { 'X-CSRF-Token': ada.token };
  for (const site of ['cross-site', 'same-site', 'nonsense', '']) assertError(await change({ ...token, 'Sec-Fetch-Site': site }), 403, 'forbidden');
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${s.port + 1}`, `http://localhost:${s.port}`, `http://evil.example/127.0.0.1:${s.port}`, `${here}.evil.example`, '']) assertError(await change({ ...token, Origin: origin }), 403, 'forbidden');
  for (const headers of [{}, { Origin: here }, { 'Sec-Fetch-Site': 'same-origin' }, { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://in-front.example' }]) assert.equal((await change({ ...token, ...headers })).status, 201);
  for (const [method, path] of [['DELETE', '/v1/session'], ['DELETE', `/v1/sessions/${other.id}`], ['PUT', '/v1/users/0000000000000000'], ['POST', '/v1/events'], ['POST', '/v1/seal']])
    assertError(await s.request(method, path, { key: null, body: '', headers: { Cookie: ada.cookie } }), 403, 'forbidden', 'X-CSRF-Token');
  assert.equal((await ada.get('/v1/session')).status, 200);
  assert.equal((await other.get('/v1/session')).status, 200);
});

test("nobody is signed in by another site's page", async () => {
  for (const headers of [{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'null' }]) {
    const answer = await signIn(s, { email: 'ada@example.com' }, { headers });
    assertError(answer, 403, 'forbidden');
    assert.equal(answer.headers['set-cookie'], undefined);
  }
  const own = await signIn(s, { email: 'ada@example.com' }, { headers: { 'Sec-Fetch-Site': 'same-origin', Origin: `http://127.0.0.1:${s.port}` } });
  assert.equal(own.status, 201);
});

test('signing out ends the session for good', async () => {
  const ada = await session(s, { email: 'ada@example.com' });
  const out = await ada.request('DELETE', '/v1/session');
  assert.equal(out.status, 204);
  assert.match(out.headers['set-cookie'][0], /^stele_session=; Path=\/; HttpOnly; SameSite=Strict; Max-Age=0$/);
  assertError(await ada.get('/v1/session'), 401, 'unauthorized');
  assertError(await ada.request('DELETE', '/v1/session'), 401, 'unauthorized');
  const created = (await told(s, 'session.created')).find((e) => e.entity.id === ada.id);
  assert.deepEqual([created.actor.name, created.context.ip, created.context.session], ['ada@example.com', '127.0.0.1', ada.id]);
  assert.equal((await told(s, 'session.ended')).at(-1).entity.id, ada.id);
});

test('sessions are listed and ended: the own ones, and by who manages users all of the org', async () => {
  await makeUser(s, 'bob@example.com');
  const bob = await session(s, { email: 'bob@example.com' }, { headers: { 'User-Agent': 'a browser' } });
  const bobs = await session(s, { email: 'bob@example.com' });
  const ada = await session(s, { email: 'ada@example.com' });
  const seen = (await bob.get('/v1/sessions')).json.sessions;
  assert.deepEqual(seen.map((x) => [x.id, x.email, x.current]), [
    [bobs.id, 'bob@example.com', false],
    [bob.id, 'bob@example.com', true],
  ]);
  assert.deepEqual([seen[1].ip, seen[1].user_agent], ['127.0.0.1', 'a browser']);
  assertError(await bob.request('DELETE', `/v1/sessions/${ada.id}`), 404, 'not_found');
  assert.equal((await ada.get('/v1/session')).status, 200);
  assert.equal((await bob.request('DELETE', `/v1/sessions/${bobs.id}`)).status, 204);
  assertError(await bobs.get('/v1/session'), 401, 'unauthorized');
  const all = (await ada.get('/v1/sessions')).json.sessions;
  assert.ok(all.some((x) => x.id === bob.id) && all.some((x) => x.id === ada.id && x.current));
  assert.equal((await s.request('DELETE', `/v1/sessions/${bob.id}`)).status, 204); /* by a key */
  assertError(await bob.get('/v1/session'), 401, 'unauthorized');
  for (const id of ['x', '0'.repeat(16), bob.id]) assertError(await s.request('DELETE', `/v1/sessions/${id}`), 404, 'not_found');
  const own = await ada.request('DELETE', `/v1/sessions/${ada.id}`);
  assert.match(own.headers['set-cookie'][0], /Max-Age=0/);
});

test('a second factor: begun with the password, in force with a code, asked for at the sign-in', async () => {
  await makeUser(s, 'carol@example.com');
  const carol = await session(s, { email: 'carol@example.com' });
  const elsewhere = await session(s, { email: 'carol@example.com' });
  const post = (body) => carol.request('POST', '/v1/totp', { body });
  assertError(await post({ code: '000000' }), 400, 'invalid');
  assertError(await post({ password: 'not the right one' }), 403, 'forbidden', 'password');
  assertError(await s.request('POST', '/v1/totp', { body: { password: PASSWORD } }), 403, 'forbidden');
  const offer = await post({ password: PASSWORD });
  assert.equal(offer.status, 200, offer.text);
  const { secret, uri } = offer.json;
  assert.match(secret, /^[A-Z2-7]{32}$/);
  assert.equal(uri, `otpauth://totp/Stele:carol%40example.com?secret=${secret}&issuer=Stele`);
  assert.equal((await signIn(s, { email: 'carol@example.com' })).status, 201); /* not in force yet */
  const wrong = String((Number(totp(secret)) + 1) % 1000000).padStart(6, '0');
  assertError(await post({ code: wrong }), 403, 'forbidden', 'code');
  const step = stepNow();
  assert.equal((await post({ code: totp(secret, step) })).status, 204);
  assertError(await elsewhere.get('/v1/session'), 401, 'unauthorized');
  assert.equal((await carol.get('/v1/session')).json.user.totp, true);
  assertError(await post({ password: PASSWORD }), 409, 'exists');

  const missing = await signIn(s, { email: 'carol@example.com' });
  assertError(missing, 401, 'unauthorized', 'code');
  assert.equal(missing.headers['set-cookie'], undefined);
  assertError(await signIn(s, { email: 'carol@example.com', code: totp(secret, step) }), 401, 'unauthorized', 'code'); /* it was taken */
  assert.equal((await signIn(s, { email: 'carol@example.com', code: totp(secret, step + 1) })).status, 201);
  assertError(await signIn(s, { email: 'carol@example.com', code: totp(secret, step + 1) }), 401, 'unauthorized', 'code');
  /* Without the password nothing is said of a second factor. */
  const blind = await signIn(s, { email: 'carol@example.com', password: 'not the right one', code: '000000' });
  assert.deepEqual(blind.json.error.details, {});
  const row = (await s.get('/v1/users?email=carol@example.com')).json.users[0];
  assert.equal(row.totp, true);
  assert.equal((await s.request('DELETE', `/v1/users/${row.id}/totp`)).status, 204);
  assertError(await s.request('DELETE', `/v1/users/${row.id}/totp`), 404, 'not_found');
  assertError(await carol.get('/v1/session'), 401, 'unauthorized');
  assert.equal((await signIn(s, { email: 'carol@example.com' })).status, 201);
  assert.equal((await told(s, 'user.totp_enabled')).length, 1);
  assert.equal((await told(s, 'user.totp_disabled')).length, 1);
  assert.ok(!JSON.stringify(await s.all({ ledger: 'self' })).includes(secret));
});

test('of two that come with the same code at once, one gets in', async () => {
  await makeUser(s, 'race@example.com');
  const race = await session(s, { email: 'race@example.com' });
  const { secret } = (await race.request('POST', '/v1/totp', { body: { password: PASSWORD } })).json;
  const step = stepNow();
  assert.equal((await race.request('POST', '/v1/totp', { body: { code: totp(secret, step - 1) } })).status, 204);
  const answers = await Promise.all([1, 2, 3, 4].map(() => signIn(s, { email: 'race@example.com', code: totp(secret, step) })));
  assert.deepEqual(answers.map((a) => a.status).sort(), [201, 401, 401, 401]);
  for (const a of answers.filter((x) => x.status !== 201)) assertError(a, 401, 'unauthorized', 'code');
});

test('codes are counted wherever they come from, since who tries them has the password', async () => {
  await makeUser(s, 'codes@example.com');
  const own = await session(s, { email: 'codes@example.com' });
  const { secret } = (await own.request('POST', '/v1/totp', { body: { password: PASSWORD } })).json;
  const step = stepNow();
  assert.equal((await own.request('POST', '/v1/totp', { body: { code: totp(secret, step - 1) } })).status, 204);
  const near = [step - 1, step, step + 1, step + 2, step + 3].map((x) => totp(secret, x));
  const wrong = ['000000', '111111', '222222', '333333', '444444', '555555', '666666', '777777'].filter((code) => !near.includes(code));
  for (let i = 0; i < 6; i++) assertError(await signInFrom(`127.0.2.${i + 1}`, { email: 'codes@example.com', code: wrong[i % wrong.length] }), 401, 'unauthorized', 'code');
  const held = await signInFrom('127.0.2.99', { email: 'codes@example.com', code: totp(secret, step) });
  if (held.status !== 201) assertError(held, 429, 'quota'); /* 201: the machine took more than the second that is to be waited */
  assertError(await signInFrom('127.0.2.98', { email: 'codes@example.com', password: 'not the right one' }), 401, 'unauthorized');
});

test('many sign-ins at once are bounded, and others do not wait for them', async () => {
  const rush = Array.from({ length: 48 }, (_, i) => signInFrom(`127.0.3.${i + 1}`, { email: `nobody${i}@example.com` }));
  await sleep(50);
  const begin = performance.now();
  assert.equal((await s.get('/v1/events')).status, 200);
  const waited = performance.now() - begin;
  const answers = await Promise.all(rush);
  const counts = Object.fromEntries([401, 503].map((status) => [status, answers.filter((a) => a.status === status).length]));
  assert.equal(counts[401] + counts[503], 48);
  assert.ok(counts[401] >= 32 && counts[503] >= 1, JSON.stringify(counts));
  const full = answers.find((a) => a.status === 503);
  assert.equal(full.headers['retry-after'], '1');
  assert.match(full.json.error.message, /32 passwords wait/);
  assert.ok(waited < 2000, `${waited} ms`);
});

test('the own second factor goes with a code', async () => {
  await makeUser(s, 'dan@example.com');
  const dan = await session(s, { email: 'dan@example.com' });
  const remove = (body) => dan.request('DELETE', '/v1/totp', { body });
  assertError(await remove({ code: '000000' }), 404, 'not_found');
  const { secret } = (await dan.request('POST', '/v1/totp', { body: { password: PASSWORD } })).json;
  const step = stepNow();
  assert.equal((await dan.request('POST', '/v1/totp', { body: { code: totp(secret, step - 1) } })).status, 204);
  assertError(await remove({ code: totp(secret, step - 1) }), 403, 'forbidden', 'code');
  assertError(await remove({}), 403, 'forbidden', 'code');
  assert.equal((await remove({ code: totp(secret, step) })).status, 204);
  assert.equal((await signIn(s, { email: 'dan@example.com' })).status, 201);
});

test('two hundred failed sign-ins lock nobody else out', async () => {
  await makeUser(s, 'eve@example.com');
  const statuses = [];
  for (let i = 0; i < 200; i++) {
    const answer = await signInFrom('127.0.0.9', { email: 'eve@example.com', password: `guess number ${i}` });
    statuses.push(answer.status);
    if (answer.status === 429) assert.ok(Number(answer.headers['retry-after']) >= 1);
  }
  assert.deepEqual(statuses.slice(0, 6), [401, 401, 401, 401, 401, 401]);
  assert.ok(statuses.filter((x) => x === 429).length > 180, `${statuses}`);
  assertError(await signInFrom('127.0.0.9', { email: 'eve@example.com' }), 429, 'quota'); /* nor with the right one */
  assert.equal((await signIn(s, { email: 'eve@example.com' })).status, 201); /* from elsewhere */
  assert.equal((await signInFrom('127.0.0.9', { email: 'bob@example.com' })).status, 201); /* another one from there */
});

test('an unknown user takes as long as a wrong password', async () => {
  await makeUser(s, 'slow@example.com');
  const times = { known: [], unknown: [] };
  for (let i = 0; i < 9; i++) {
    for (const which of ['known', 'unknown']) {
      const email = which === 'known' ? 'slow@example.com' : `nobody${i}@example.com`;
      const begin = performance.now();
      assert.equal((await signInFrom(`127.0.1.${i + 1}`, { email, password: 'not the right one' })).status, 401);
      times[which].push(performance.now() - begin);
    }
  }
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  const known = median(times.known);
  const unknown = median(times.unknown);
  assert.ok(known < 2 * unknown && unknown < 2 * known, `known ${known} ms, unknown ${unknown} ms`);
});

test('a user has so many sessions and no more; the oldest goes', async () => {
  await makeUser(s, 'many@example.com');
  const all = [];
  for (let i = 0; i < 21; i++) all.push(await session(s, { email: 'many@example.com' }));
  assertError(await all[0].get('/v1/session'), 401, 'unauthorized');
  assert.equal((await all[1].get('/v1/session')).status, 200);
  assert.equal((await all[20].get('/v1/sessions')).json.sessions.length, 20);
});

test('a session that nothing uses ends', async () => {
  const short = await startServer(['--session-idle', '3']);
  try {
    await makeUser(short, 'ada@example.com');
    const used = await session(short, { email: 'ada@example.com' });
    const idle = await session(short, { email: 'ada@example.com' });
    for (let i = 0; i < 6; i++) {
      await sleep(800);
      assert.equal((await used.get('/v1/events')).status, 200);
    }
    assertError(await idle.get('/v1/events'), 401, 'unauthorized');
    assert.deepEqual((await used.get('/v1/sessions')).json.sessions.map((x) => x.id), [used.id]);
    await sleep(3200);
    assertError(await used.get('/v1/events'), 401, 'unauthorized');
  } finally {
    await short.close();
  }
});

test('who follows events is cut off when the session ends', async () => {
  for (const end of ['sign out', 'disable', 'role']) {
    const { id } = await makeUser(s, `follow-${end.replace(' ', '-')}@example.com`);
    const user = await session(s, { email: `follow-${end.replace(' ', '-')}@example.com` });
    let text = '';
    const ended = new Promise((done, fail) => {
      const req = http.request({ host: '127.0.0.1', port: s.port, path: '/v1/tail', agent: false, headers: { Cookie: user.cookie } }, (res) => {
        assert.equal(res.statusCode, 200);
        res.on('data', (d) => (text += d));
        res.on('end', done);
        res.on('error', done);
      });
      req.on('error', fail);
      req.end();
    });
    for (let i = 0; i < 100 && !text.includes('before'); i++) {
      await s.append({ action: 'before' });
      await sleep(50);
    }
    assert.match(text, /before/);
    if (end === 'sign out') await user.request('DELETE', '/v1/session');
    else await s.request('PUT', `/v1/users/${id}`, { body: end === 'disable' ? { disabled: true } : { role: 'writer' } });
    await s.append({ action: 'behind' });
    await ended;
    assert.doesNotMatch(text, /behind/);
  }
});

test('orgs are apart: an address may be in both, and neither sees the other', async () => {
  const made = await s.request('POST', '/v1/orgs', { body: { org_key: 'other', name: 'Other', key: true } });
  assert.equal(made.status, 201, made.text);
  const key = (made.json.key ?? made.json).api_key;
  const there = await makeUser(s, 'ada@example.com', { role: 'admin', key, password: 'words of the other org' });
  assertError(await signIn(s, { email: 'ada@example.com', password: 'words of the other org' }), 401, 'unauthorized');
  assertError(await signIn(s, { org: 'other', email: 'ada@example.com' }), 401, 'unauthorized');
  const here = await session(s, { org: 'default', email: 'ada@example.com' });
  const other = await session(s, { org: 'other', email: 'ada@example.com', password: 'words of the other org' });
  assert.deepEqual([here.json.org, other.json.org], ['default', 'other']);
  for (const [method, path] of [['GET', `/v1/users/${there.id}`], ['PUT', `/v1/users/${there.id}`], ['POST', `/v1/users/${there.id}/reset`], ['DELETE', `/v1/users/${there.id}/totp`], ['DELETE', `/v1/sessions/${other.id}`]])
    assertError(await here.request(method, path, method === 'GET' ? {} : { body: {} }), 404, 'not_found');
  assert.deepEqual((await other.get('/v1/users')).json.users.map((u) => u.id), [there.id]);
  assert.deepEqual((await other.get('/v1/sessions')).json.sessions.map((x) => x.id), [other.id]);
  assert.ok(!(await here.get('/v1/sessions')).text.includes(other.id));
  assert.ok(!(await s.all({ ledger: 'self' })).some((e) => JSON.stringify(e).includes(there.id)));

  const org = await s.request('PUT', '/v1/orgs/other', { body: { disabled: true } });
  assert.equal(org.status, 200, org.text);
  assertError(await other.get('/v1/session'), 401, 'unauthorized');
  assertError(await signIn(s, { org: 'other', email: 'ada@example.com', password: 'words of the other org' }), 401, 'unauthorized');
  assert.equal((await here.get('/v1/session')).status, 200);
});

test('over TLS the cookie is for this host alone', async () => {
  const behind = await startServer(['--trust-proxy', '127.0.0.1']);
  const secure = { 'X-Forwarded-Proto': 'https' };
  try {
    await makeUser(behind, 'ada@example.com');
    const answer = await signIn(behind, { email: 'ada@example.com' }, { headers: secure });
    assert.match(answer.headers['set-cookie'][0], /^__Host-stele_session=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    const cookie = cookieOf(answer);
    assert.equal((await behind.get('/v1/session', { key: null, headers: { Cookie: cookie, ...secure } })).status, 200);
    assertError(await behind.get('/v1/session', { key: null, headers: { Cookie: cookie } }), 401, 'unauthorized');
    assertError(await behind.get('/v1/session', { key: null, headers: { Cookie: cookie.replace('__Host-', ''), ...secure } }), 401, 'unauthorized');
    const out = await behind.request('DELETE', '/v1/session', { key: null, headers: { Cookie: cookie, 'X-CSRF-Token': answer.json.csrf_token, ...secure } });
    assert.match(out.headers['set-cookie'][0], /^__Host-stele_session=; .*; Secure; Max-Age=0$/);
  } finally {
    await behind.close();
  }
});
