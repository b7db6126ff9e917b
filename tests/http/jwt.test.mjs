// JWTs that clients sign themselves, as Kore.ai's do: HS256 under the key's jwt_secret, `appId` its client id.
import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

let s, key;
before(async () => {
  s = await startServer();
  key = await makeKey({ name: 'signs', role: 'analyst' });
});
after(() => s.close());

async function makeKey(body) {
  const res = await s.request('POST', '/v1/keys', { body });
  assert.equal(res.status, 201, res.text);
  return res.json;
}

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
function sign(claims, secret = key.jwt_secret, header = { alg: 'HS256', typ: 'JWT' }) {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
const now = () => Date.now() / 1000;
const me = (auth) => s.get('/v1/me', { key: null, headers: { auth } });

async function isRefused(name, auth) {
  const res = await me(auth);
  assert.equal(res.status, 401, `${name}: ${res.text}`);
}

test('a JWT that the key has signed is the key', async () => {
  for (const claims of [{ appId: key.client_id }, { appId: key.client_id, sub: '1234', jti: 'x', iat: now(), exp: now() + 60 }, { appId: key.client_id, nbf: now() + 30 }]) {
    const res = await me(sign(claims));
    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.id, key.client_id);
    assert.equal(res.json.way, 'auth');
    assert.ok(res.json.permissions.includes('events:read') && !res.json.permissions.includes('events:append'));
  }
  assert.equal((await me(sign({ appId: key.client_id }, key.jwt_secret, { alg: 'HS256' }))).status, 200);
  assert.equal((await me(sign({ appId: key.client_id }, key.jwt_secret, { typ: 'jwt', alg: 'HS256' }))).status, 200);
  assert.equal((await s.get('/v1/events', { key: sign({ appId: key.client_id }) })).status, 200);
});

test('its secret is shown once, kept nowhere, and another for each key', async () => {
  const other = await makeKey({ name: 'other', role: 'analyst' });
  assert.notEqual(other.jwt_secret, key.jwt_secret);
  assert.notEqual(key.jwt_secret, key.client_secret);
  assert.equal((await s.get(`/v1/keys/${key.client_id}`)).json.jwt_secret, undefined);
  const kept = readFileSync(join(s.folder, 'control.db'), 'latin1') + readFileSync(join(s.folder, 'control.db-wal'), 'latin1');
  assert.ok(!kept.includes(key.jwt_secret) && !s.log.includes(key.jwt_secret));
  await isRefused("another key's", sign({ appId: key.client_id }, other.jwt_secret));
});

test('whatever is wrong in it, it is refused', async () => {
  const good = { appId: key.client_id };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsaText = `${encode({ alg: 'RS256' })}.${encode(good)}`;
  const tries = {
    expired: sign({ ...good, exp: now() - 1 }),
    'not yet good': sign({ ...good, nbf: now() + 3600 }),
    'a text for a time': sign({ ...good, exp: '9999999999' }),
    'no appId': sign({ sub: key.client_id }),
    'appid': sign({ appid: key.client_id }),
    'a number for appId': sign({ appId: 5 }),
    'a long appId': sign({ appId: 'a'.repeat(33) }),
    'an unknown appId': sign({ appId: '0'.repeat(16) }),
    'an appId with a NUL': sign({ appId: `${key.client_id}\0` }),
    none: `${encode({ alg: 'none' })}.${encode(good)}.`,
    'none with a signature': sign(good, key.jwt_secret, { alg: 'none' }),
    'another algorithm': sign(good, key.jwt_secret, { alg: 'HS384' }),
    'lower case': sign(good, key.jwt_secret, { alg: 'hs256' }),
    RS256: `${rsaText}.${createSign('sha256').update(rsaText).sign(privateKey).toString('base64url')}`,
    'a header to be understood': sign(good, key.jwt_secret, { alg: 'HS256', crit: ['exp'] }),
    'another type': sign(good, key.jwt_secret, { alg: 'HS256', typ: 'at+jwt', x: 1 }),
    'no object': sign('"text"'),
    'no JSON': sign('nonsense'),
    'an array': sign([good]),
    'a long one': sign({ ...good, x: 'y'.repeat(4096) }),
    'two parts': sign(good).split('.').slice(0, 2).join('.'),
    'four parts': `${sign(good)}.${encode('x')}`,
    padded: `${sign(good)}=`,
    empty: '..',
  };
  for (const [name, auth] of Object.entries(tries)) await isRefused(name, auth);
  assert.equal((await me(sign(good))).status, 200);
});

test('what is signed wrongly in its name is told, and slowed down', async () => {
  const fresh = await makeKey({ name: 'fresh', role: 'analyst' });
  const statuses = [];
  for (const secret of ['', 'x', fresh.client_secret, fresh.api_key, s.bootstrap.client_secret, 'a', 'b', 'c', 'd', 'e'])
    statuses.push((await me(sign({ appId: fresh.client_id }, secret || '\0'))).status);
  assert.ok(statuses.every((x) => x === 401 || x === 429) && statuses.includes(429), `${statuses}`);
  assert.equal((await me(sign({ appId: fresh.client_id }, fresh.jwt_secret))).status, 200);
  const told = async () => s.all({ ledger: 'self', query: `action:key.refused entity.id:${fresh.client_id}` });
  for (let i = 0; i < 50 && (await told()).length === 0; i++) await sleep(100);
  assert.equal((await told()).length, 1);
});

test('it ends with the secret: rotated or revoked', async () => {
  const mortal = await makeKey({ name: 'mortal', role: 'analyst' });
  const first = sign({ appId: mortal.client_id }, mortal.jwt_secret);
  assert.equal((await me(first)).status, 200);
  const next = (await s.request('POST', `/v1/keys/${mortal.client_id}/rotate`, { body: {} })).json;
  assert.notEqual(next.jwt_secret, mortal.jwt_secret);
  await isRefused('rotated', first);
  const second = sign({ appId: mortal.client_id }, next.jwt_secret);
  assert.equal((await me(second)).status, 200);
  await s.stop();
  await s.start();
  assert.equal((await me(second)).status, 200, 'it lives through a restart');
  assert.equal((await s.request('DELETE', `/v1/keys/${mortal.client_id}`)).status, 204);
  await isRefused('revoked', second);
});

test('of a key that there is not, or that was revoked, nothing is said', async () => {
  const gone = await makeKey({ name: 'gone', role: 'analyst' });
  assert.equal((await s.request('DELETE', `/v1/keys/${gone.client_id}`)).status, 204);
  const message = async (claims, secret) => (await me(sign(claims, secret))).json.error.message;
  const unknown = await message({ appId: '0'.repeat(16) }, 'a guess');
  assert.equal(await message({ appId: gone.client_id }, 'a guess'), unknown);
  assert.equal(await message({ appId: key.client_id }, 'a guess'), unknown);
});

test("Kore.ai's interface takes it, and says so in its own way when it is wrong", async () => {
  const path = '/api/public/auditlogs?size=10&offset=0';
  assert.equal((await s.get(path, { key: null, headers: { auth: sign({ appId: key.client_id }) } })).status, 200);
  const res = await s.get(path, { key: null, headers: { auth: sign({ appId: '0'.repeat(16) }) } });
  assert.equal(res.status, 401);
  assert.deepEqual(res.json.errors, [{ msg: 'Invalid JWT token', code: 4002 }]);
});
