// Every way to present a key, and that no request may use two.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

let s, id, secret;
before(async () => {
  s = await startServer();
  ({ client_id: id, client_secret: secret } = s.bootstrap);
});
after(() => s.close());

const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`;
const me = (headers) => s.get('/v1/me', { key: null, headers });
const flip = (text) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0');

// The forms and spellings that vendors' clients send.
const ways = () => [
  ['bearer', { Authorization: `Bearer ${s.key}` }],
  ['bearer', { authorization: `bearer ${s.key}` }],
  ['bearer', { AUTHORIZATION: `BEARER   ${s.key}` }],
  ['basic', { Authorization: basic(`${id}:${secret}`) }],
  ['basic', { Authorization: basic(`${id}:${secret}`).replace('Basic', 'basic') }],
  ['x-auth-token', { 'X-Auth-Token': `${secret}/${id}` }],
  ['x-auth-token', { 'X-AUTH-TOKEN': `${secret}/${id}` }],
  ['x-auth-token', { 'x-auth-token': `${secret}/${id}` }],
  ['auth', { auth: s.key }],
  ['auth', { Auth: s.key }],
];

test('each way is taken, whatever its case', async () => {
  for (const [way, headers] of ways()) {
    const res = await me(headers);
    assert.equal(res.status, 200, `${JSON.stringify(Object.keys(headers))}: ${res.text}`);
    assert.equal(res.json.way, way);
    assert.equal(res.json.id, id);
    assert.equal(res.json.type, 'api_key');
    assert.equal(res.json.org, s.bootstrap.org_key);
    assert.equal(res.json.narrowed, false);
    assert.equal(res.json.ip, '127.0.0.1');
    assert.ok(res.json.permissions.includes('events:append'));
    assert.ok(!res.text.includes(secret));
    assert.equal((await s.append({ action: 'a' }, '', { key: null, headers })).status, 201);
  }
});

async function isRefused(headers) {
  const res = await me(headers);
  assert.equal(res.status, 401, `${JSON.stringify(headers)}: ${res.text}`);
  assert.equal(res.json.error.code, 'unauthorized');
  assert.match(res.headers['www-authenticate'], /^Bearer/);
  assert.ok(!res.text.includes(secret.slice(0, 20)));
}

test('a wrong secret is refused in each way', async () => {
  await isRefused({ Authorization: `Bearer ${flip(s.key)}` });
  await isRefused({ Authorization: basic(`${id}:${flip(secret)}`) });
  await isRefused({ 'X-Auth-Token': `${flip(secret)}/${id}` });
  await isRefused({ auth: flip(s.key) });
});

test('every malformed credential is refused', async () => {
  const tries = [
    { Authorization: 'Bearer' },
    { Authorization: 'Bearer  ' },
    { Authorization: `Bearer${s.key}` },
    { Authorization: `Bearer stele_${id}` },
    { Authorization: basic(`:${secret}`) },
    { Authorization: basic(':') },
    { Authorization: basic(`${secret}:${id}`) },
    { Authorization: basic(id + secret) },
    { Authorization: basic('x'.repeat(512)) },
    { Authorization: basic('x'.repeat(513)) },
    { Authorization: `${basic(`${id}:${secret}`)}*` },
    { Authorization: 'Basic ' },
    { Authorization: 'Basic !!!!' },
    { Authorization: `Digest username="${id}"` },
    { 'X-Auth-Token': `${id}/${secret}` },
    { 'X-Auth-Token': `${secret}${id}` },
    { 'X-Auth-Token': `${secret}/` },
    { 'X-Auth-Token': '' },
    { auth: secret },
    { auth: `Bearer ${s.key}` },
    { auth: '' },
    { Cookie: `key=${s.key}` },
    {},
  ];
  for (const headers of tries) await isRefused(headers);
});

test('two credentials in a request are refused, even when both are good', async () => {
  const all = ways().filter((_, i) => [0, 3, 5, 8].includes(i));
  for (const [, a] of all) {
    for (const [, b] of all) {
      const [nameA, valueA] = Object.entries(a)[0];
      const [nameB, valueB] = Object.entries(b)[0];
      const headers = nameA === nameB ? { [nameA]: [valueA, valueB] } : { ...a, ...b };
      const res = await raw([...Object.entries(headers)].flatMap(([n, v]) => [v].flat().map((x) => `${n}: ${x}`)));
      assert.match(res, /^HTTP\/1\.1 400 /, res);
      assert.match(res, /two credentials/);
    }
  }
});

// node joins what is sent twice, so this writes the request itself.
async function raw(lines) {
  const net = await import('node:net');
  return new Promise((done, fail) => {
    const socket = net.connect(s.port, '127.0.0.1');
    let text = '';
    socket.on('data', (d) => (text += d));
    socket.on('error', fail);
    socket.on('close', () => done(text));
    socket.end(['GET /v1/me HTTP/1.1', 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n'));
  });
}

test('a route without a permission does not look at credentials', async () => {
  assert.equal((await s.get('/healthz', { key: null, headers: { auth: 'nonsense', 'X-Auth-Token': 'x' } })).status, 200);
});

const refusals = async () => (await s.all({ ledger: 'self', query: 'action:key.refused' }));

test('refused secrets of a known key are told in its self ledger, bounded', async () => {
  const statuses = [];
  for (let i = 0; i < 300; i++) statuses.push((await me({ 'X-Auth-Token': `${flip(secret)}/${id}` })).status);
  assert.ok(statuses.every((x) => x === 401 || x === 429));
  assert.ok(statuses.filter((x) => x === 429).length > 250, 'guessing is slowed down');
  const late = await me({ 'X-Auth-Token': `${flip(secret)}/${id}` });
  assert.equal(late.status, 429);
  assert.ok(Number(late.headers['retry-after']) >= 1);
  assert.equal((await me({ 'X-Auth-Token': `${secret}/${id}` })).status, 200, 'the right one is not held up');
  await me({ 'X-Auth-Token': `${secret}/${'0'.repeat(16)}` }); // nobody's: not told
  let events = await refusals();
  for (let i = 0; i < 50 && events.length === 0; i++) {
    await sleep(100);
    events = await refusals();
  }
  assert.equal(events.length, 1, JSON.stringify(events));
  assert.equal(events[0].entity.id, id);
  assert.equal(events[0].context.ip, '127.0.0.1');
  assert.equal(events[0].outcome.type, 'failure');
  assert.ok(!JSON.stringify(events).includes(secret));
  // What came since waits for its minute; a stop tells it.
  await s.stop();
  await s.start();
  events = await refusals();
  assert.ok(events.length <= 2);
  const count = events.reduce((sum, e) => sum + e.attributes.count, 0);
  assert.ok(count >= 300, `${count}`);
});

test('who guesses at keys of one org from everywhere hides no guess at another', async () => {
  const behind = await startServer(['--trust-proxy', '127.0.0.1']);
  const guess = (client, ip) => behind.get('/v1/me', { key: null, headers: { 'X-Auth-Token': `${'0'.repeat(64)}/${client}`, 'X-Forwarded-For': ip } });
  const org = await behind.request('POST', '/v1/orgs', { body: { org_key: 'attacked', name: 'Attacked', key: true } });
  assert.equal(org.status, 201, org.text);
  const own = [];
  for (let i = 0; i < 12; i++) own.push((await behind.request('POST', '/v1/keys', { body: { name: `k${i}`, role: 'writer' } })).json.client_id);
  for (let i = 0; i < 30 * own.length; i++) assert.ok([401, 429].includes((await guess(own[i % own.length], `198.51.${i >> 8}.${i & 255}`)).status));
  await guess(org.json.key.client_id, '192.0.2.1');
  await guess(org.json.key.client_id, '192.0.2.2');
  const key = org.json.key.api_key;
  const told = async () => (await behind.search({ ledger: 'self', query: 'action:key.refused' }, { key })).json.events;
  for (let i = 0; i < 50 && (await told()).length < 2; i++) await sleep(100);
  assert.deepEqual((await told()).map((e) => e.context.ip).toSorted(), ['192.0.2.1', '192.0.2.2']);
  await behind.close();
});

// ---- where a request comes from ----

test('X-Forwarded-For counts from trusted proxies alone', async () => {
  const lies = { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' };
  const plain = await s.get('/v1/me', { headers: lies });
  assert.equal(plain.json.ip, '127.0.0.1');
  assert.ok(!('strict-transport-security' in plain.headers));

  const behind = await startServer(['--trust-proxy', '127.0.0.0/8, 10.0.0.0/8']);
  const ip = async (headers) => (await behind.get('/v1/me', { headers })).json.ip;
  assert.equal(await ip({}), '127.0.0.1');
  assert.equal(await ip(lies), '203.0.113.7');
  assert.equal(await ip({ 'x-forwarded-for': '1.1.1.1, 203.0.113.7, 10.1.2.3' }), '203.0.113.7');
  assert.equal(await ip({ 'X-Forwarded-For': ['1.1.1.1', '203.0.113.7', '10.1.2.3'] }), '203.0.113.7');
  assert.equal(await ip({ 'X-Forwarded-For': '203.0.113.7, <script>' }), '127.0.0.1');
  assert.equal(await ip({ 'X-Forwarded-For': '[2001:db8::7]:4711' }), '2001:db8::7');
  assert.match((await behind.get('/v1/me', { headers: lies })).headers['strict-transport-security'], /^max-age=/);
  await behind.close();
});

test('guesses from one address behind a proxy hold up nobody at another', async () => {
  const behind = await startServer(['--trust-proxy', '127.0.0.1']);
  const { client_id: client, client_secret: right } = behind.bootstrap;
  const guess = (ip, text = flip(right)) => behind.get('/v1/me', { key: null, headers: { 'X-Auth-Token': `${text}/${client}`, 'X-Forwarded-For': ip } });
  for (let i = 0; i < 60; i++) await guess('203.0.113.7');
  assert.equal((await guess('203.0.113.7')).status, 429);
  assert.equal((await guess('198.51.100.9')).status, 401);
  assert.equal((await guess('203.0.113.7', right)).status, 200);
  await behind.close();
});
