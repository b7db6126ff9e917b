// POST /oauth/token: RFC 6749 section 4.4, and what its access tokens are worth.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

let s, id, secret;
before(async () => {
  s = await startServer();
  ({ client_id: id, client_secret: secret } = s.bootstrap);
});
after(() => s.close());

const FORM = 'application/x-www-form-urlencoded';
const basic = (a, b) => ({ Authorization: `Basic ${Buffer.from(`${a}:${b}`).toString('base64')}` });
const ask = (fields, headers = {}) =>
  s.request('POST', '/oauth/token', {
    key: null,
    body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
    headers: { 'Content-Type': FORM, ...headers },
  });
const full = () => ({ grant_type: 'client_credentials', client_id: id, client_secret: secret });
const token = async (fields = full()) => (await ask(fields)).json.access_token;
const part = (text) => JSON.parse(Buffer.from(text, 'base64url'));

function isError(res, status, error) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error, error);
  assert.equal(typeof res.json.error_description, 'string');
  assert.deepEqual(Object.keys(res.json), ['error', 'error_description']);
  assert.match(res.headers['content-type'], /^application\/json/);
  assert.equal(res.headers['cache-control'], 'no-store');
  assert.ok(!res.text.includes(secret));
}

test('a token is given for a form, and for basic authentication', async () => {
  for (const res of [
    await ask(full()),
    await ask({ grant_type: 'client_credentials' }, basic(id, secret)),
    await ask({ grant_type: 'client_credentials', client_id: id }, basic(id, secret)),
    await ask({ ...full(), unknown: 'x', scope: '' }),
    await ask(full(), { 'Content-Type': `${FORM}; charset=UTF-8` }),
  ]) {
    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.token_type, 'Bearer');
    assert.equal(res.json.expires_in, 3600);
    assert.ok(res.json.scope.split(' ').includes('events:append'));
    assert.equal(res.headers['cache-control'], 'no-store');
    assert.equal(res.headers.pragma, 'no-cache');
    const used = await s.get('/v1/events', { key: res.json.access_token });
    assert.equal(used.status, 200, used.text);
  }
});

test('a token is a JWT that tells no secret', async () => {
  const [header, claims] = (await token()).split('.').map((p, i) => (i < 2 ? part(p) : p));
  assert.deepEqual(header, { alg: 'HS256', typ: 'at+jwt' });
  assert.equal(claims.sub, id);
  assert.equal(claims.client_id, id);
  assert.equal(claims.org, s.bootstrap.org_key);
  assert.equal(claims.exp - claims.iat, 3600);
  assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 60);
  assert.match(claims.jti, /^[0-9a-f]{32}$/);
  assert.ok(!JSON.stringify(claims).includes(secret));
  assert.notEqual(part((await token()).split('.')[1]).jti, claims.jti);
});

test('errors are those of RFC 6749', async () => {
  const without = (name) => Object.fromEntries(Object.entries(full()).filter(([n]) => n !== name));

  isError(await ask(without('grant_type')), 400, 'invalid_request');
  isError(await ask({ ...full(), grant_type: 'password' }), 400, 'unsupported_grant_type');
  isError(await ask({ ...full(), grant_type: 'CLIENT_CREDENTIALS' }), 400, 'unsupported_grant_type');
  isError(await ask({ ...full(), scope: 'events:read nonsense' }), 400, 'invalid_scope');
  isError(await ask(full(), basic(id, secret)), 400, 'invalid_request');
  isError(await ask(without('client_secret'), basic('0'.repeat(16), secret)), 400, 'invalid_request');
  isError(await ask(`${new URLSearchParams(full())}&client_id=${id}`), 400, 'invalid_request');
  isError(await ask(full(), { 'Content-Type': 'application/json' }), 400, 'invalid_request');
  isError(await ask(JSON.stringify(full()), { 'Content-Type': 'application/json' }), 400, 'invalid_request');
  isError(await ask(full(), { 'Content-Type': '' }), 400, 'invalid_request');
  isError(await ask('grant_type=%zz'), 400, 'invalid_request');
  isError(await ask('grant_type=%00'), 400, 'invalid_request');
  isError(await ask('grant_type=%ff'), 400, 'invalid_request');
  isError(await ask(''), 400, 'invalid_request');
  isError(await ask('&&&==&'), 400, 'invalid_request');
  isError(await ask('a=b&'.repeat(33)), 413, 'invalid_request');
  isError(await ask('x'.repeat(20000)), 413, 'invalid_request');
  isError(await ask(full(), { auth: s.key }), 400, 'invalid_request');
  isError(await s.get('/oauth/token', { key: null }), 405, 'invalid_request');
  isError(await s.get('/oauth/nothing'), 404, 'invalid_request');
  isError(await s.request('POST', '/oauth/token?client_id=a', { key: null, body: '' }), 400, 'invalid_request');

  for (const res of [
    await ask({ ...full(), client_secret: 'no' }),
    await ask({ ...full(), client_id: 'nobody' }),
    await ask({ ...full(), client_id: '0'.repeat(16) }),
    await ask(without('client_secret')),
    await ask(without('client_id')),
    await ask({ grant_type: 'client_credentials' }),
    await ask({ grant_type: 'client_credentials' }, basic(id, 'no')),
    await ask({ grant_type: 'client_credentials' }, { Authorization: 'Basic ????' }),
    await ask({ grant_type: 'client_credentials' }, { Authorization: 'Negotiate abc' }),
  ]) {
    isError(res, 401, 'invalid_client');
    assert.match(res.headers['www-authenticate'], /^Basic realm=/);
  }
});

test('a scope narrows what a token may do, and never widens it', async () => {
  const res = await ask({ ...full(), scope: 'events:read  log:read' });
  assert.equal(res.json.scope, 'events:read log:read');
  const key = res.json.access_token;
  const who = (await s.get('/v1/me', { key })).json;
  assert.deepEqual(who.permissions, ['events:read', 'log:read']);
  assert.equal((await s.get('/v1/events', { key })).status, 200);
  assert.equal((await s.append({ action: 'a' }, '', { key })).status, 403);
  assert.equal((await s.request('POST', '/v1/seal', { key, body: '' })).status, 403);
});

test('a token that was changed in any place is refused', async () => {
  const good = await token({ ...full(), scope: 'events:read' });
  assert.equal((await s.get('/v1/me', { key: good })).status, 200);
  assert.equal((await s.get('/v1/me', { key: null, headers: { auth: good } })).status, 200);
  const step = Math.max(1, Math.floor(good.length / 97));
  for (let i = 0; i < good.length; i += step) {
    const bad = good.slice(0, i) + (good[i] === 'A' ? 'B' : 'A') + good.slice(i + 1);
    assert.equal((await s.get('/v1/me', { key: bad })).status, 401, `${i}`);
  }
  for (let cut = 0; cut < good.length; cut += step) assert.equal((await s.get('/v1/me', { key: good.slice(0, cut) })).status, 401);
  const refused = await s.get('/v1/me', { key: good + 'A' });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="stele", error="invalid_token"');
  assert.equal((await s.get('/v1/me', { key: null })).headers['www-authenticate'], 'Bearer realm="stele"');
  assert.equal((await s.get('/v1/me', { key: good + '=' })).status, 401);
});

test('no algorithm but ours, and no key but ours, signs a token', async () => {
  const [, claims] = (await token()).split('.');
  const encode = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const forged = [];
  for (const alg of ['none', 'None', 'HS256', 'HS384', 'RS256', 'ES256']) {
    for (const typ of ['JWT', 'at+jwt']) {
      const head = encode({ alg, typ });
      forged.push(`${head}.${claims}.`);
      for (const key of ['', secret, id, s.key])
        forged.push(`${head}.${claims}.${createHmac('sha256', key).update(`${head}.${claims}`).digest('base64url')}`);
    }
  }
  forged.push('..', '.', 'a.b.c', `${'A'.repeat(5000)}`, `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${'A'.repeat(5000)}.${'A'.repeat(43)}`);
  for (const key of forged) assert.equal((await s.get('/v1/me', { key })).status, 401, key.slice(0, 60));
});

test('tokens live through a restart, and each is an event of the self ledger', async () => {
  const issued = async () => (await s.all({ ledger: 'self', query: 'action:token.issued' })).length;
  const before = await issued();
  const good = await token();
  assert.equal(await issued(), before + 1);
  const event = (await s.all({ ledger: 'self', query: 'action:token.issued' })).at(-1);
  assert.equal(event.entity.id, part(good.split('.')[1]).jti);
  assert.equal(event.actor.id, id);
  assert.ok(!JSON.stringify(event).includes(good.split('.')[2]));
  await s.stop();
  await s.start();
  assert.equal((await s.get('/v1/me', { key: good })).status, 200);
  assert.ok(!s.log.includes(secret));
});

test('refused requests for a token are told, once for many', async () => {
  const told = async () => s.all({ ledger: 'self', query: 'action:token.refused' });
  for (let i = 0; i < 40; i++) await ask({ ...full(), client_secret: 'no' });
  for (let i = 0; i < 50 && (await told()).length === 0; i++) await sleep(100);
  const events = await told();
  assert.ok(events.length === 1 || events.length === 2, `${events.length}`);
  assert.equal(events[0].actor.id, id);
});

async function makeKey(body) {
  const res = await s.request('POST', '/v1/keys', { body });
  assert.equal(res.status, 201, res.text);
  return res.json;
}

const tokenOf = async (key, secret = key.client_secret) =>
  (await ask({ grant_type: 'client_credentials', client_id: key.client_id, client_secret: secret })).json.access_token;
const status = async (key) => (await s.get('/v1/me', { key })).status;

test('a token ends when its key is rotated, revoked or expires, and not before', async () => {
  const key = await makeKey({ name: 'ends', role: 'analyst' });
  const first = await tokenOf(key);
  assert.equal(await status(first), 200);
  const next = (await s.request('POST', `/v1/keys/${key.client_id}/rotate`, { body: {} })).json;
  assert.equal(await status(first), 401, 'rotated');
  assert.equal(await status(key.api_key), 200, 'the secret before is still good for a while');
  const second = await tokenOf(next);
  assert.equal(await status(second), 200);
  assert.equal(await status(await tokenOf(key)), 200, 'and so is a token for it');
  assert.equal((await s.request('DELETE', `/v1/keys/${key.client_id}`)).status, 204);
  assert.equal(await status(second), 401, 'revoked');
  assert.equal(await tokenOf(next), undefined);
  const short = await makeKey({ name: 'short', role: 'analyst', expires: 'now+2s' });
  const third = await tokenOf(short);
  assert.equal(await status(third), 200);
  await sleep(2300);
  assert.equal(await status(third), 401, 'expired with its key');
});

test('a token is good for no more than its key: role, query and networks', async () => {
  await s.append([{ action: 'seen' }, { action: 'hidden' }]);
  const narrowed = await tokenOf(await makeKey({ name: 'narrowed', role: 'auditor', query: 'action:seen' }));
  const events = (await s.get('/v1/events', { key: narrowed })).json.events;
  assert.ok(events.length > 0 && events.every((e) => e.action === 'seen'));
  assert.equal((await s.append({ action: 'a' }, '', { key: narrowed })).status, 403);
  assert.equal((await s.get('/v1/me', { key: narrowed })).json.narrowed, true);
  const far = await makeKey({ name: 'far', role: 'analyst', networks: ['192.0.2.0/24'] });
  assert.equal(await tokenOf(far), undefined, 'not from here');
  const near = await makeKey({ name: 'near', role: 'analyst', networks: ['127.0.0.1'] });
  const good = await tokenOf(near);
  assert.equal(await status(good), 200);
  assert.equal((await s.request('PUT', `/v1/keys/${near.client_id}`, { body: { name: 'near', role: 'analyst', networks: ['192.0.2.0/24'] } })).status, 200);
  assert.equal(await status(good), 401, 'networks that were set since hold for it too');
});
