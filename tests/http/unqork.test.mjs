// Unqork's interface as its clients use it: tokens, the files of an hour, their events; and what is refused.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { PASSWORD, makeUser } from './people.mjs';
import { Server, makeFolder, removeFolder, startServer, stele } from './server.mjs';

const N = Number(process.env.STELE_ROWS ?? 60000); // 200000: as many as a vendor's large hour has
const REAL = process.env.STELE_REAL_EVENTS; // a file of real events, .zst
const HOUR = 3600 * 1000;
const TOKEN = '/api/1.0/oauth2/access_token';
const LOGS = '/api/1.0/logs/audit-logs';
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const GRANT = 'grant_type=client_credentials';

let s;
before(async () => {
  s = await startServer();
});
after(() => s.close());

const basic = (id, secret) => ({ Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` });
const own = () => basic(s.bootstrap.client_id, s.bootstrap.client_secret);
const ask = (body, headers) => s.request('POST', TOKEN, { body, key: null, headers });
const iso = (ms) => new Date(ms).toISOString();
const window = (from, to, more = {}) =>
  `${LOGS}?${new URLSearchParams({ startDatetime: iso(from), endDatetime: iso(to), ...more })}`;
const list = (from, to, more, options) => s.get(window(from, to, more), options);
const follow = (location, options) => {
  const { pathname, search } = new URL(location);
  return s.get(pathname + search, options);
};
// As Python's splitlines, which the client uses.
const linesOf = (file) => gunzipSync(file.bytes).toString().split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/).slice(0, -1);

async function fetchAll(from, to, more, options) {
  const answer = await list(from, to, more, options);
  assert.equal(answer.status, 200, answer.text);
  const lines = [];
  for (const location of answer.json.logLocations) {
    const file = await follow(location, options);
    assert.equal(file.status, 200, file.text);
    lines.push(...linesOf(file).map((line) => JSON.parse(line)));
  }
  return lines;
}

const refused = (answer, status, message) => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.deepEqual(Object.keys(answer.json).sort(), ['code', 'message']);
  assert.equal(answer.json.code, status);
  assert.match(answer.json.message, message);
};

// ---- tokens ----

test('a token comes for a client id and secret, in each of the ways that clients send them', async () => {
  const { client_id, client_secret } = s.bootstrap;
  for (const [body, headers] of [
    [GRANT, { ...FORM, ...own() }],
    [JSON.stringify({ grant_type: 'client_credentials' }), { 'Content-Type': 'application/json', ...own() }],
    [`${GRANT}&client_id=${client_id}&client_secret=${client_secret}`, FORM],
    [JSON.stringify({ grant_type: 'client_credentials', client_id, client_secret }), { 'Content-Type': 'application/json; charset=utf-8' }],
  ]) {
    const answer = await ask(body, headers);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.expires_in, 3600);
    assert.equal(answer.json.token_type, 'Bearer');
    assert.equal((await list(0, HOUR, {}, { key: answer.json.access_token })).status, 200);
  }
});

test('users have tokens for their passwords where that is switched on, and these are sessions', async () => {
  const other = await startServer(['--password-grant']);
  const grant = (fields) => other.request('POST', TOKEN, { body: new URLSearchParams({ grant_type: 'password', ...fields }).toString(), key: null, headers: FORM });
  try {
    await makeUser(other, 'ada@example.com', { role: 'auditor' });
    const answer = await grant({ username: 'Ada@Example.com', password: PASSWORD });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.token_type, 'Bearer');
    assert.equal(answer.json.expires_in, 1800);
    const key = answer.json.access_token;
    assert.equal((await other.get(`/api/1.0/logs/audit-logs?startDatetime=2025-01-01T00:00:00.000Z&endDatetime=2025-01-01T01:00:00.000Z`, { key })).status, 200);
    assert.equal((await other.get('/v1/me', { key })).json.name, 'ada@example.com');
    assert.equal((await other.append({ action: 'a' }, '', { key })).status, 403, 'no more than the role allows');
    const [{ id }] = (await other.get('/v1/sessions', { key })).json.sessions;
    assert.equal((await other.request('DELETE', `/v1/sessions/${id}`, { key })).status, 204);
    assert.equal((await other.get('/v1/me', { key })).status, 401);
    for (const fields of [{ username: 'ada@example.com', password: 'wrong' }, { username: 'nobody@example.com', password: PASSWORD }, { username: 'ada@example.com' }, {}])
      refused(await grant(fields), 401, /^Unauthorized$/);
    const told = (await other.search({ ledger: 'self', query: 'action:session.failed' })).json.events;
    assert.ok(told.length >= 1);
    assert.equal((await other.request('POST', TOKEN, { body: GRANT, key: null, headers: { ...FORM, ...basic(other.bootstrap.client_id, other.bootstrap.client_secret) } })).status, 200);
  } finally {
    await other.close();
  }
});

test('a token is refused as the vendor refuses it', async () => {
  refused(await ask('grant_type=password&username=a&password=b', { ...FORM, ...own() }), 400, /password grant is switched off/);
  refused(await ask('grant_type=refresh_token', { ...FORM, ...own() }), 400, /grant_type must be client_credentials/);
  refused(await ask('', { ...FORM, ...own() }), 400, /grant_type/);
  refused(await ask('{"grant_type":', { 'Content-Type': 'application/json', ...own() }), 400, /JSON/);
  refused(await ask(GRANT, { 'Content-Type': 'text/plain', ...own() }), 415, /body of type/);
  refused(await ask(GRANT, FORM), 401, /^Unauthorized$/);
  refused(await ask(GRANT, { ...FORM, ...basic(s.bootstrap.client_id, 'f'.repeat(64)) }), 401, /^Unauthorized$/);
  refused(await ask(GRANT, { ...FORM, ...basic('no-such-client', 'x') }), 401, /^Unauthorized$/);
  refused(await ask(GRANT, { ...FORM, Authorization: 'Basic !' }), 401, /^Unauthorized$/);
  refused(await s.get(TOKEN), 405, /has no method GET/);
});

test('five wrong secrets lock a credential for the address they came from, and for no other', async () => {
  const made = await s.request('POST', '/v1/keys', { body: { name: 'locked', role: 'auditor' } });
  const { client_id, client_secret } = made.json;
  const from = (localAddress, secret) =>
    s.request('POST', TOKEN, { body: GRANT, key: null, headers: { ...FORM, ...basic(client_id, secret) }, agent: new http.Agent({ localAddress }) });
  for (let i = 0; i < 5; i++) refused(await from('127.0.0.7', 'f'.repeat(64)), 401, /^Unauthorized$/);
  refused(await from('127.0.0.7', client_secret), 401, /^Unauthorized$/);
  assert.equal((await from('127.0.0.8', client_secret)).status, 200);
  assert.equal((await s.get(window(0, HOUR), { key: made.json.api_key })).status, 200);
});

// ---- the list ----

test('a window is told by two times, and is an hour at most', async () => {
  const a = '2025-02-17T10:00:00.000Z';
  refused(await s.get(LOGS), 400, /startDatetime is missing/);
  refused(await s.get(`${LOGS}?startDatetime=${a}`), 400, /endDatetime is missing/);
  refused(await s.get(`${LOGS}?startDatetime=${a}&endDatetime=tomorrow`), 400, /endDatetime is no time/);
  refused(await list(HOUR, 2 * HOUR + 1), 400, /more than 1 hour/);
  refused(await list(HOUR, HOUR - 1), 400, /before startDatetime/);
  refused(await list(0, HOUR, { clock: 'mine' }), 400, /clock is one of date, received/);
  refused(await list(0, HOUR, { format: 'rar' }), 400, /format is one of gzip, zip/);
  refused(await s.get(window(0, HOUR), { headers: { Host: 'a"b' } }), 400, /Host/);
  const empty = await list(0, HOUR);
  assert.equal(empty.status, 200);
  assert.deepEqual(empty.json, { logLocations: [] });
  assert.deepEqual((await list(0, 0)).json, { logLocations: [] });
  assert.equal((await list(0, 59_999)).status, 200); // seconds and milliseconds are fine
});

test('who may not is told as the vendor tells it', async () => {
  refused(await s.get(window(0, HOUR), { key: null }), 401, /^Unauthorized$/);
  refused(await s.get(window(0, HOUR), { key: 'nonsense' }), 401, /^Unauthorized$/);
  const writer = (await s.request('POST', '/v1/keys', { body: { name: 'writer', role: 'writer' } })).json.api_key;
  refused(await s.get(window(0, HOUR), { key: writer }), 403, /events:export/);
  refused(await s.get('/api/1.0/logs/other'), 404, /no resource/);
  refused(await s.request('DELETE', LOGS), 405, /has no method/);
});

test('every answer says how many requests are left', async () => {
  const now = Math.floor(Date.now() / 1000);
  let last = 1000;
  for (const [path, options] of [[window(0, HOUR)], [window(0, HOUR), { key: null }], ['/api/1.0/x'], [LOGS], ['/fbu/files/audit-logs/x']]) {
    const { headers } = await s.get(path, options);
    assert.equal(headers['x-ratelimit-limit'], '1000');
    const left = Number(headers['x-ratelimit-remaining']);
    assert.ok(left < last || left > 990, `${left} after ${last}`); // less, or a new minute
    last = left;
    const reset = Number(headers['x-ratelimit-reset']);
    assert.ok(reset >= now && reset <= now + 62, `${reset} at ${now}`);
  }
  assert.equal((await s.get('/v1/me')).headers['x-ratelimit-limit'], undefined);
});

test('a key with a limit of its own is told of that', async () => {
  const { api_key } = (await s.request('POST', '/v1/keys', { body: { name: 'slow', role: 'auditor', request_rate: 5 } })).json;
  const { headers } = await s.get(window(0, HOUR), { key: api_key });
  assert.equal(headers['x-ratelimit-limit'], '5');
  assert.ok(Number(headers['x-ratelimit-remaining']) < 5);
});

test('an address has a thousand requests a minute, and others have theirs', async () => {
  const agent = new http.Agent({ localAddress: '127.0.0.9', keepAlive: true, maxSockets: 16 });
  const answers = [];
  for (let i = 0; i < 64; i++) answers.push(...(await Promise.all(Array.from({ length: 16 }, () => s.get('/api/1.0/x', { agent })))));
  const over = answers.filter((a) => a.status === 429);
  assert.ok(over.length >= 20, `${over.length} of ${answers.length}`); // a minute may have ended between
  refused(over[0], 429, /more than 1000 requests within 60 seconds/);
  assert.equal(over[0].headers['x-ratelimit-remaining'], '0');
  assert.ok(Number(over[0].headers['retry-after']) <= 60);
  assert.equal((await list(0, HOUR)).status, 200);
  agent.destroy();
});

// ---- events ----

const LIVE = {
  date: '2025-01-15T10:30:00.000000Z', messageType: 'system-event', schemaVersion: '1.0', timestamp: '2025-01-15T10:30:00.120Z',
  eventType: 'designer-action', category: 'user-access', action: 'designer-user-login', source: 'designer-api', tags: {},
  object: { type: 'session', identifier: { type: 'name', value: 'login-session' }, attributes: { userId: 'admin@example.com' } },
  outcome: { type: 'success' },
  actor: { type: 'user', identifier: { type: 'user-id', value: 'admin@example.com' }, attributes: {} },
  context: { environment: 'production', sessionId: '8a83187f-40cb-4bd2-a0fc-8dd3987a771a', clientIp: '192.0.2.7', protocol: 'https', host: 'x.unqork.io', userAgent: 'Mozilla/5.0' },
};
const { outcome, actor, context, ...rest } = LIVE;
const PAGE = { ...rest, action: 'modify-designer-role', object: { ...LIVE.object, priorAttributes: { a: null }, outcome: { type: 'failure', failureReason: 'unknown', error: '' }, actor, context } };

test('an event that is taken in comes out the same', async () => {
  const hostile = { ...LIVE, action: '<script>alert(1)</script>', source: '=cmd|calc', tags: { '"]}': '\u0000\u2028\u2029\u0085\n' }, object: { ...LIVE.object, type: '","x":"', attributes: { '__proto__': 1, a: { b: [1, null, 'x'] } } }, more: ['</script>'] };
  const events = [LIVE, PAGE, hostile, { ...LIVE, object: null, outcome: 7 }];
  const stored = await s.request('POST', LOGS, { body: events });
  assert.equal(stored.status, 201, stored.text);
  assert.equal(stored.json.ids.length, 4);
  const from = Date.parse(LIVE.date) - 60000;
  assert.deepEqual(await fetchAll(from, from + HOUR), events);
  const ndjson = await s.request('POST', `${LOGS}?ids=false`, { body: `${JSON.stringify({ ...LIVE, date: '2025-01-15T12:30:00.000000Z' })}\n` });
  assert.equal(ndjson.json.accepted, 1);
  assert.equal((await fetchAll(from + 2 * HOUR, from + 3 * HOUR)).length, 1);
  const native = (await s.search({ query: 'action:="designer-user-login" entity.type:session' })).json.events.at(-1);
  assert.equal(native.actor.email, 'admin@example.com');
  assert.equal(native.context.ip, '192.0.2.7');
});

test('what is no event is refused, with the others of its body', async () => {
  refused(await s.request('POST', LOGS, { body: [LIVE, { date: LIVE.date }] }), 400, /'action'/);
  refused(await s.request('POST', LOGS, { body: [{ ...LIVE, date: 'x' }] }), 400, /RFC 3339/);
  refused(await s.request('POST', LOGS, { body: '[' }), 400, /./);
  refused(await s.request('POST', LOGS, { body: [LIVE], key: null }), 401, /^Unauthorized$/);
});

test('an event of ours has outcome, context and who acted wherever readers look', async () => {
  const time = '2025-03-01T10:30:00.123456Z';
  await s.append([{ action: 'role.update', time, actor: { id: 'u-1', name: 'Ada' }, entity: { type: 'role', id: 'r-1' }, before: { a: 1 }, after: { a: 2 }, outcome: { type: 'failure', reason: 'authorization' }, context: { ip: '10.0.0.1', user_agent: 'curl' } }]);
  const [event, ...more] = await fetchAll(Date.parse(time) - 1, Date.parse(time) + 1);
  assert.equal(more.length, 0);
  assert.equal(event.date, time);
  assert.match(event.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  for (const place of [event, event.object]) {
    assert.deepEqual(place.outcome, { type: 'failure', failureReason: 'authorization' });
    assert.deepEqual(place.context, { clientIp: '10.0.0.1', userAgent: 'curl' });
    assert.equal(place.actor.identifier.value, 'u-1');
  }
  assert.deepEqual(event.object.attributes, { userId: 'u-1', a: 2 });
  assert.deepEqual(event.object.priorAttributes, { a: 1 });
  assert.deepEqual(event.object.identifier, { type: 'id', value: 'r-1' });
  assert.match(event.id, /^[0-9a-f]{32}$/);
});

test('a file of events is taken in by the command', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stele-unqork-'));
  const event = { ...PAGE, date: '2025-01-20T10:30:00.000000Z' };
  writeFileSync(join(folder, 'a.ndjson'), `${JSON.stringify(event)}\n`);
  const done = await stele(['append', '--url', s.url, '--key', s.key, '--format', 'unqork', join(folder, 'a.ndjson')]);
  rmSync(folder, { recursive: true });
  assert.deepEqual([done.code, done.stdout], [0, '1 events\n'], done.stderr);
  assert.deepEqual(await fetchAll(Date.parse(event.date), Date.parse(event.date) + 1), [event]);
});

// What another server gives out of real records goes in here, and comes out the same.
test('real records make the way through two servers unchanged', { skip: !REAL && 'STELE_REAL_EVENTS is not set', timeout: 600000 }, async () => {
  const lines = execFileSync('zstd', ['-dc', REAL], { maxBuffer: 1 << 28 }).toString().trimEnd().split('\n');
  const servers = [await startServer(), await startServer()];
  const move = async (to, from, path) => {
    for (let at = 0; at < from.length; at += 2000) {
      const answer = await to.request('POST', path, { body: from.slice(at, at + 2000).join('\n') });
      assert.equal(answer.status, 201, answer.text);
    }
    const now = Date.now();
    const { logLocations } = (await to.get(window(now - HOUR / 2, now + 1000, { clock: 'received' }))).json;
    const files = await Promise.all(logLocations.map((location) => to.get(new URL(location).pathname + new URL(location).search)));
    return files.flatMap(linesOf);
  };
  const shown = await move(servers[0], lines, '/v1/events?ids=false');
  assert.equal(shown.length, lines.length);
  const again = await move(servers[1], shown, `${LOGS}?ids=false`);
  assert.equal(again.length, shown.length);
  for (let i = 0; i < shown.length; i++) assert.deepEqual(JSON.parse(again[i]), JSON.parse(shown[i]));
  for (const server of servers) await server.close();
});

// ---- files ----

test('a file is the same whenever it is asked for; a window has its beginning but not its end', async () => {
  const from = Date.parse('2025-04-01T10:00:00Z');
  await s.append(Array.from({ length: 50 }, (_, i) => ({ action: 'x', time: iso(from + i * 60000), entity: { id: `${i}` } })));
  const { logLocations } = (await list(from, from + 30 * 60000)).json;
  assert.equal(logLocations.length, 1);
  const one = await follow(logLocations[0]);
  await s.append([{ action: 'elsewhen', time: iso(from + HOUR) }]);
  const other = await follow((await list(from, from + 30 * 60000)).json.logLocations[0]);
  assert.deepEqual(one.bytes, other.bytes);
  assert.equal(linesOf(one).length, 30);
  assert.equal((await fetchAll(from + 30 * 60000, from + 50 * 60000)).length, 20);
  assert.equal(one.headers['content-type'], 'application/gzip');
  assert.equal(one.headers['content-encoding'], undefined);
});

test('a file comes as a ZIP when that is asked for', async () => {
  const from = Date.parse('2025-04-01T10:00:00Z');
  const folder = mkdtempSync(join(tmpdir(), 'stele-unqork-'));
  const plain = await follow((await list(from, from + HOUR)).json.logLocations[0]);
  const [named] = (await list(from, from + HOUR, { format: 'zip' })).json.logLocations;
  assert.match(new URL(named).pathname, /\.zip$/);
  const accept = { headers: { Accept: 'application/zip' } };
  for (const file of [
    await follow(named),
    await follow((await list(from, from + HOUR)).json.logLocations[0], accept),
    await follow((await list(from, from + HOUR, {}, accept)).json.logLocations[0]),
  ]) {
    assert.equal(file.headers['content-type'], 'application/zip');
    writeFileSync(join(folder, 'a.zip'), file.bytes);
    const code = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); [name] = z.namelist(); sys.stdout.buffer.write(z.read(name))';
    assert.equal(execFileSync('python3', ['-c', code, join(folder, 'a.zip')]).toString(), gunzipSync(plain.bytes).toString());
  }
  rmSync(folder, { recursive: true });
});

test('an event that is late is in the files of its hour, and in those of its arrival', async () => {
  const from = Date.parse('2025-05-01T10:00:00Z'), before = Date.now() - 1;
  assert.equal((await fetchAll(from, from + HOUR)).length, 0);
  await s.append([{ action: 'late', time: iso(from + 1) }]);
  assert.deepEqual((await fetchAll(from, from + HOUR)).map((e) => e.action), ['late']);
  const arrived = await fetchAll(before, Date.now() + 1, { clock: 'received' });
  assert.deepEqual(arrived.map((e) => e.action), ['late']);
  assert.equal((await fetchAll(before - HOUR, before - HOUR / 2, { clock: 'received' })).length, 0);
});

test('a location is good for whom it was given to, as it was given', async () => {
  const from = Date.parse('2025-04-01T10:00:00Z');
  const [location] = (await list(from, from + HOUR)).json.logLocations;
  const url = new URL(location);
  assert.equal(url.origin, s.url);
  const changed = (change) => {
    const other = new URL(location);
    change(other);
    return other.href;
  };
  assert.equal((await follow(location)).status, 200);
  const forged = [
    changed((u) => u.searchParams.set('signature', `${'A'.repeat(42)}A`)),
    changed((u) => u.searchParams.set('signature', '')),
    changed((u) => u.searchParams.delete('signature')),
    changed((u) => u.searchParams.set('signature', u.searchParams.get('signature').slice(1))),
    changed((u) => u.searchParams.set('expires', Number(u.searchParams.get('expires')) + 1)),
    changed((u) => u.searchParams.delete('expires')),
    changed((u) => (u.pathname = u.pathname.replace(/_0_|_(\d)/, (m) => m.replace(/\d/, (d) => (Number(d) + 1) % 10)))),
    changed((u) => (u.pathname = u.pathname.replace('.ndjson.gz', '.zip'))),
    changed((u) => (u.pathname = u.pathname.replace('/t_', '/r_'))),
  ];
  for (const one of forged) refused(await follow(one), 403, /signature/);
  refused(await follow(location, { key: null }), 401, /^Unauthorized$/);
  const other = (await s.request('POST', '/v1/keys', { body: { name: 'other', role: 'auditor' } })).json;
  refused(await follow(location, { key: other.api_key }), 403, /signature/);
  const token = (await ask(GRANT, { ...FORM, ...own() })).json.access_token;
  assert.equal((await follow(location, { key: token })).status, 200); // the same key by another way
});

test('behind a proxy that ends TLS, locations begin with https', async () => {
  const from = Date.parse('2025-04-01T10:00:00Z');
  const headers = { Host: 'audit.example.com', 'X-Forwarded-Proto': 'https' };
  const [location] = (await list(from, from + HOUR, {}, { headers })).json.logLocations;
  assert.match(location, /^https:\/\/audit\.example\.com\/fbu\/files\/audit-logs\//);
});

test('a server that speaks TLS itself gives locations that do', async () => {
  const folder = makeFolder(), [cert, key] = [join(folder, 'a.pem'), join(folder, 'a.key')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
  const secure = await new Server(makeFolder(), ['--tls-cert', cert, '--tls-key', key], [readFileSync(cert)]).start();
  await secure.append([{ action: 'x', time: iso(HOUR) }]);
  const [location] = (await secure.get(window(HOUR, 2 * HOUR))).json.logLocations;
  assert.equal(new URL(location).protocol, 'https:');
  assert.equal(linesOf(await secure.get(new URL(location).pathname + new URL(location).search)).length, 1);
  await secure.close();
  removeFolder(folder);
});

test('a key that sees only a part gets only that part', async () => {
  const from = Date.parse('2025-06-01T10:00:00Z');
  await s.append([{ action: 'seen', time: iso(from) }, { action: 'unseen', time: iso(from) }]);
  const key = (await s.request('POST', '/v1/keys', { body: { name: 'narrow', role: 'auditor', query: 'action:seen' } })).json.api_key;
  assert.deepEqual((await fetchAll(from, from + HOUR, {}, { key })).map((e) => e.action), ['seen']);
  assert.deepEqual((await fetchAll(from, from + HOUR, { clock: 'received' }, { key })).map((e) => e.action), []);
});

// ---- the client ----

// As unqork-logs does: a token, consecutive windows, up to 15 files at once, a new token once on 401, and nothing tried again.
class Client {
  constructor() {
    this.calls = { token: 0, list: 0, file: 0 };
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 15 });
  }
  async authenticate() {
    this.calls.token++;
    this.token = (await ask(GRANT, { ...FORM, ...own() })).json.access_token;
  }
  async get(path) {
    for (let refreshed = false; ; ) {
      const answer = await s.get(path, { key: this.token, agent: this.agent });
      if (answer.status === 401 && !refreshed) {
        refreshed = true;
        await this.authenticate();
      } else {
        assert.equal(answer.status, 200, answer.text);
        return answer;
      }
    }
  }
  async fetch(from, to) {
    const lines = [];
    for (let at = from; at < to; at += HOUR) {
      this.calls.list++;
      const { logLocations } = (await this.get(window(at, Math.min(at + HOUR, to)))).json;
      for (let i = 0; i < logLocations.length; i += 15) {
        const files = logLocations.slice(i, i + 15).map(async (location) => {
          this.calls.file++;
          const { pathname, search } = new URL(location);
          return linesOf(await this.get(pathname + search));
        });
        for (const file of await Promise.all(files)) lines.push(...file);
      }
    }
    return lines;
  }
}

test(`${N} events come without loss or repeat while others arrive`, { timeout: 600000 }, async () => {
  const from = Date.parse('2025-02-17T10:00:00Z'), to = from + 2.5 * HOUR, step = (to - from) / N;
  const events = (first, count, shift) =>
    Array.from({ length: count }, (_, i) => ({ action: 'fetched', time: iso(from + (first + i) * step + shift), entity: { type: 'row', id: `${first + i}` } }));
  for (let at = 0; at < N; at += 10000) assert.equal((await s.append(events(at, 10000, 0), '?ids=false')).status, 201);
  let isDone = false;
  const arriving = (async () => {
    for (let i = 0; !isDone; i++) await s.append(events(N + i * 100, 100, 24 * HOUR), '?ids=false');
  })();
  const client = new Client();
  client.token = 'expired';
  const lines = await client.fetch(from, to);
  isDone = true;
  await arriving;
  assert.equal(lines.length, N);
  assert.equal(new Set(lines).size, N); // it tells events apart by their lines
  assert.equal(new Set(lines.map((line) => JSON.parse(line).object.identifier.value)).size, N);
  assert.equal(client.calls.token, 1);
  assert.equal(client.calls.list, 3);
  assert.ok(client.calls.file >= N / 16384 && client.calls.file <= N / 16384 + 6, `${client.calls.file}`);
  client.agent.destroy();
});

test('fifteen files are sent at once', async () => {
  const from = Date.parse('2025-02-17T10:00:00Z');
  const [location] = (await list(from, from + HOUR)).json.logLocations;
  const files = await Promise.all(Array.from({ length: 15 }, () => follow(location)));
  assert.deepEqual(files.map((f) => f.status), Array(15).fill(200));
});
