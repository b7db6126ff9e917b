// /v1/orgs and /v1/org: tenants. Nobody sees anything of another org, nor whether it is there.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { sleep, startServer, within } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

const post = (body, options) => s.request('POST', '/v1/orgs', { body, ...options });
const put = (key, body, options) => s.request('PUT', `/v1/orgs/${key}`, { body, ...options });
const get = (key, options) => s.get(`/v1/orgs/${key}`, options);
const told = async (query, key = s.key) => (await s.search({ ledger: 'self', query, order: 'oldest' }, { key })).json.events;

async function make(org_key, more = {}) {
  const res = await post({ org_key, name: org_key, key: true, ...more });
  assert.equal(res.status, 201, res.text);
  return { ...res.json, as: { key: res.json.key.api_key } };
}

function assertError(res, status, code, field) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.code, code);
  if (field) assert.equal(res.json.error.details.field, field, res.text);
}

test('the first org and the one of the server are there', async () => {
  const { orgs } = (await s.get('/v1/orgs')).json;
  assert.deepEqual(orgs.map((o) => o.org_key), ['_system', 'default']);
  assert.deepEqual((await get('default')).json, orgs[1]);
  assert.deepEqual((await s.get('/v1/org')).json, orgs[1]);
  assertError(await put('_system', { name: 'x' }), 400, 'invalid');
  const res = await s.request('POST', '/v1/orgs/_system/keys', { body: { role: 'auditor' } });
  assert.equal(res.status, 201, res.text);
  assert.deepEqual((await s.search({}, { key: res.json.api_key })).json.events, []);
});

test('an org is made with a key, and told of in both self ledgers', async () => {
  const res = await post({ org_key: 'acme', name: 'Acme "Inc"', account_type: 'team', request_rate: 10, event_rate: 20, key: true });
  assert.equal(res.status, 201, res.text);
  const { key, ...org } = res.json;
  assert.equal(res.headers.location, '/v1/orgs/acme');
  assert.equal(res.headers.etag, '"1"');
  assert.deepEqual(
    [org.org_key, org.name, org.account_type, org.request_rate, org.event_rate, org.disabled, org.version],
    ['acme', 'Acme "Inc"', 'team', 10, 20, null, 1],
  );
  assert.equal(key.role, 'owner');
  const as = { key: key.api_key };
  assert.deepEqual((await s.get('/v1/org', as)).json, org);
  assert.equal((await s.get('/v1/retention', as)).json.account_type, 'team');
  assert.equal((await s.append({ action: 'first' }, '', as)).status, 201);
  const [event] = await told('action:org.created entity.id:acme');
  assert.deepEqual([event.actor.id, event.attributes.client_id, event.after.account_type], [s.bootstrap.client_id, key.client_id, 'team']);
  const [own] = await told('action:org.created', as.key);
  assert.deepEqual(own.after, event.after);

  const bare = await post({ org_key: 'bare', name: 'Bare' });
  assert.equal(bare.json.key, undefined);
  const made = await s.request('POST', '/v1/orgs/bare/keys', { body: { role: 'admin', name: 'theirs' } });
  assert.equal(made.status, 201, made.text);
  assert.equal((await s.get('/v1/org', { key: made.json.api_key })).json.org_key, 'bare');
  for (const where of [s.key, made.json.api_key]) {
    const [e] = await told(`action:key.created entity.id:${made.json.client_id}`, where);
    assert.deepEqual([e.actor.id, e.attributes.org_key], [s.bootstrap.client_id, 'bare']);
  }
  assertError(await s.request('POST', '/v1/orgs/bare/keys', { body: { role: 'operator' } }), 400, 'invalid', 'role');
  assertError(await s.request('POST', '/v1/orgs/none/keys', { body: { role: 'admin' } }), 404, 'not_found');
});

test('its log is signed at once', async () => {
  const { as } = await make('logged');
  const made = await s.append([{ action: 'a' }, { action: 'b' }], '?wait=proof', as);
  assert.equal(made.json.proofs.length, 2, made.text);
  assert.match((await s.get('/log/logged/main/checkpoint', as)).text, /^localhost\/log\/logged\/main\n2\n/);
});

test('what is no org is refused by the member that is wrong', async () => {
  const bad = [
    [{ name: 'x' }, 'org_key'],
    [{ org_key: '', name: 'x' }, 'org_key'],
    [{ org_key: '_mine', name: 'x' }, 'org_key'],
    [{ org_key: '-a', name: 'x' }, 'org_key'],
    [{ org_key: 'A', name: 'x' }, 'org_key'],
    [{ org_key: 'a/b', name: 'x' }, 'org_key'],
    [{ org_key: 'k'.repeat(65), name: 'x' }, 'org_key'],
    [{ org_key: 'a' }, 'name'],
    [{ org_key: 'a', name: '' }, 'name'],
    [{ org_key: 'a', name: 'a\nb' }, 'name'],
    [{ org_key: 'a', name: 'n'.repeat(201) }, 'name'],
    [{ org_key: 'a', name: 'x', account_type: 'a b' }, 'account_type'],
    [{ org_key: 'a', name: 'x', request_rate: 1000001 }, 'request_rate'],
    [{ org_key: 'a', name: 'x', event_rate: 'many' }, 'event_rate'],
    [{ org_key: 'a', name: 'x', key: 'yes' }, 'key'],
    [{ org_key: 'a', name: 'x', disabled: true }, 'disabled'],
  ];
  for (const [body, field] of bad) assertError(await post(body), 400, 'invalid', field);
  assertError(await post({ org_key: 'default', name: 'x' }), 409, 'exists', 'org_key');
  assertError(await get('a'), 404, 'not_found');
  const long = 'k'.repeat(64);
  assert.equal((await post({ org_key: long, name: 'n'.repeat(200), request_rate: 1000000 })).headers.location, `/v1/orgs/${long}`);
});

test('a change is partial, by version, and told with before and after', async () => {
  await make('changing', { account_type: 'free' });
  const res = await put('changing', { request_rate: 5, account_type: 'team' }, { headers: { 'If-Match': '"1"' } });
  assert.deepEqual([res.json.name, res.json.request_rate, res.json.account_type, res.headers.etag], ['changing', 5, 'team', '"2"']);
  assertError(await put('changing', { name: 'x' }, { headers: { 'If-Match': '"1"' } }), 412, 'changed');
  assertError(await put('none', { name: 'x' }), 404, 'not_found');
  const [event] = await told('action:org.changed entity.id:changing');
  assert.deepEqual([event.before.account_type, event.after.account_type, event.before.request_rate, event.after.request_rate], ['free', 'team', 0, 5]);
});

test('an org names itself, and nothing else', async () => {
  const { as, version } = await make('own');
  const res = await s.request('PUT', '/v1/org', { body: { name: 'Renamed' }, headers: { 'If-Match': `"${version}"` }, ...as });
  assert.equal(res.json.name, 'Renamed', res.text);
  assert.equal((await get('own')).json.name, 'Renamed');
  assertError(await s.request('PUT', '/v1/org', { body: { request_rate: 0 }, ...as }), 400, 'invalid', 'request_rate');
  assertError(await s.request('PUT', '/v1/org', { body: {}, ...as }), 400, 'invalid', 'name');
  for (const [method, path] of [['GET', '/v1/orgs'], ['POST', '/v1/orgs'], ['GET', '/v1/orgs/own'], ['PUT', '/v1/orgs/own'], ['POST', '/v1/orgs/own/keys']])
    assertError(await s.request(method, path, { ...as, body: method === 'GET' ? undefined : {} }), 403, 'forbidden');
  assert.equal((await told('action:org.changed', as.key)).length, 1);
});

test('nobody gets into a disabled org, until it is enabled again', async () => {
  const { as } = await make('closed');
  assert.equal((await s.append({ action: 'a' }, '', as)).status, 201);
  const tail = await new Promise((done, fail) => {
    const req = http.get({ host: '127.0.0.1', port: s.port, path: '/v1/tail', agent: false, headers: { Authorization: `Bearer ${as.key}` } }, (res) => {
      const tail = { over: new Promise((end) => res.on('close', end)), text: '' };
      res.on('error', () => {});
      res.on('data', (d) => (tail.text += d));
      done(tail);
    });
    req.on('error', fail);
  });
  const off = await put('closed', { disabled: true });
  assert.ok(off.json.disabled);
  const res = await s.get('/v1/events', as);
  assertError(res, 401, 'unauthorized');
  assert.match(res.json.error.message, /disabled/);
  assert.equal((await s.append({ action: 'b' }, '', as)).status, 401);
  const again = await put('closed', { disabled: true });
  assert.equal(again.json.disabled, off.json.disabled);
  await s.stop();
  await s.start();
  assert.equal((await s.get('/v1/events', as)).status, 401);
  assert.equal((await put('closed', { disabled: false })).json.disabled, null);
  assert.equal((await s.search({}, as)).json.events.length, 1);
  assertError(await put('default', { disabled: true }), 400, 'invalid', 'disabled');
  await within(5000, tail.over);
});

test('what is of another org is as what is not there', async () => {
  const a = await make('org-a');
  const b = await make('org-b');
  const hex = (n) => 'f'.repeat(n);
  await s.append(Array.from({ length: 10 }, (_, i) => ({ action: 'secret', attributes: { i } })), '?wait=proof', a.as);
  const event = (await s.search({}, a.as)).json.events[3];
  const page = await s.search({ limit: 2 }, a.as);
  const saved = (await s.request('POST', '/v1/searches', { body: { name: 'theirs' }, ...a.as })).json;
  const hold = (await s.request('POST', '/v1/retention/holds', { body: { reason: 'theirs' }, ...a.as })).json;
  await s.request('POST', '/v1/roles', { body: { name: 'theirs', permissions: 'log:read' }, ...a.as });
  const job = (await s.request('POST', '/v1/exports', { body: { format: 'ndjson' }, ...a.as })).json;
  for (let i = 0; i < 400 && (await s.get(`/v1/exports/${job.id}`, a.as)).json.state !== 'done'; i++) await sleep(25);
  const key = (await s.request('POST', '/v1/keys', { body: { role: 'writer' }, ...a.as })).json;

  // Each: a request for what org a has, and the same for what nobody has.
  const bodies = { POST: {}, PUT: { name: 'x' } };
  const pairs = [
    ...['', '/around', '/proof', '/proof?wait=true'].map((t) => ['GET', `/v1/events/${event.id}${t}`, `/v1/events/${hex(32)}${t}`]),
    ['GET', `/v1/events?after=${event.id}`, `/v1/events?after=${hex(32)}`],
    ['GET', `/v1/tail?after=${event.id}`, `/v1/tail?after=${hex(32)}`],
    ...['GET', 'DELETE'].map((m) => [m, `/v1/searches/${saved.id}`, `/v1/searches/${hex(16)}`]),
    ['PUT', `/v1/searches/${saved.id}`, `/v1/searches/${hex(16)}`],
    ['DELETE', `/v1/retention/holds/${hold.id}`, `/v1/retention/holds/${hex(16)}`],
    ...['GET', 'DELETE'].map((m) => [m, `/v1/exports/${job.id}`, `/v1/exports/${hex(32)}`]),
    ['GET', `/v1/exports/${job.id}/download`, `/v1/exports/${hex(32)}/download`],
    ...['GET', 'PUT', 'DELETE'].map((m) => [m, `/v1/keys/${key.client_id}`, `/v1/keys/${hex(16)}`]),
    ['POST', `/v1/keys/${key.client_id}/rotate`, `/v1/keys/${hex(16)}/rotate`],
    ...['GET', 'DELETE'].map((m) => [m, '/v1/roles/theirs', '/v1/roles/nobodys']),
    ...['checkpoint', 'vkey', 'keys', 'tile/0/000.p/1', 'tile/entries/000.p/1'].map((t) => ['GET', `/log/org-a/main/${t}`, `/log/org-z/main/${t}`]),
  ];
  for (const [method, theirs, nobodys] of pairs) {
    const body = bodies[method];
    const [one, other] = [await s.request(method, theirs, { body, ...b.as }), await s.request(method, nobodys, { body, ...b.as })];
    assert.equal(one.status, other.status, `${method} ${theirs}: ${one.text}`);
    assert.ok([404, 400].includes(one.status), `${method} ${theirs}: ${one.text}`);
    assert.equal(one.text.replaceAll(event.id, hex(32)), other.text, `${method} ${theirs}`);
  }
  const { next_cursor } = page.json;
  const forged = `${next_cursor.slice(0, -8)}${next_cursor.at(-8) === 'A' ? 'B' : 'A'}${next_cursor.slice(-7)}`;
  const [one, other] = [await s.search({ limit: 2, cursor: next_cursor }, b.as), await s.search({ limit: 2, cursor: forged }, b.as)];
  assert.deepEqual([one.status, one.text], [400, other.text]);

  // What is listed and counted is one's own.
  assert.deepEqual((await s.search({}, b.as)).json.events, []);
  for (const [path, list] of [['/v1/searches', 'searches'], ['/v1/exports', 'exports']]) assert.deepEqual((await s.get(path, b.as)).json[list], []);
  assert.deepEqual((await s.get('/v1/keys', b.as)).json.keys.map((k) => k.client_id), [b.key.client_id]);
  assert.deepEqual((await s.get('/v1/retention', b.as)).json.holds, []);
  assert.ok((await s.get('/v1/roles', b.as)).json.roles.every((r) => r.built_in));
  assert.deepEqual((await s.get('/v1/facets?fields=action', b.as)).json.facets[0].values, []);
  assert.deepEqual((await s.get('/v1/fields', b.as)).json.fields, []);
  assert.deepEqual((await s.get('/v1/histogram', b.as)).json.total.value, 0);
  assert.equal((await s.get('/v1/export?format=ndjson', b.as)).text, '');
  assert.deepEqual((await told('action:key.created', b.as.key)).length, 0);
  // And all of it is still there.
  assert.equal((await s.get(`/v1/exports/${job.id}`, a.as)).json.state, 'done');
  assert.equal((await s.get(`/v1/searches/${saved.id}`, a.as)).status, 200);
  assert.equal((await s.get(`/v1/keys/${key.client_id}`, a.as)).json.revoked, null);
  assert.equal((await s.get('/v1/retention', a.as)).json.holds[0].released, undefined);
});

test('orgs are there after a restart', async () => {
  const before = (await s.get('/v1/orgs')).json;
  await s.stop();
  await s.start();
  assert.deepEqual((await s.get('/v1/orgs')).json, before);
});
