// The Carbon Black Cloud dialect: every request and answer of its clients, with what their SDK stumbles over.
//
// STELE_ROWS: how many rows are paged through while others arrive (200000 in full; fewer usually, for sanitizers).
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sleep, startServer } from './server.mjs';

const REAL = process.env.STELE_REAL_EVENTS ?? fileURLToPath(new URL('../../../shared/data/real-events.jsonl.zst', import.meta.url));
const ROWS = Number(process.env.STELE_ROWS ?? 20000);
const BATCH = 2500;
const DAY = 86400000;
let s;
let k; // the vendor's headers
let other; // another key of the same org

const org = () => s.bootstrap.org_key;
const logs = (call) => `/audit_log/v1/orgs/${org()}/logs${call}`;
const jobs = (call = '') => `/jobs/v1/orgs/${org()}/jobs${call}`;
const headersOf = (key) => {
  const [, id, secret] = /^stele_([0-9a-f]+)_([0-9a-f]+)$/.exec(key);
  return { 'X-Auth-Token': `${secret}/${id}`, 'User-Agent': 'CBC_SDK/1.5.10 Python/3.11.2', Accept: '*/*', 'Accept-Encoding': 'gzip, deflate' };
};

// As the SDK calls: bodies with sorted keys.
const sorted = (v) =>
  Array.isArray(v) ? v.map(sorted) : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map((n) => [n, sorted(v[n])])) : v;
const call = (method, path, body, headers = k) =>
  s.request(method, path, { key: null, body: body === undefined ? undefined : JSON.stringify(sorted(body)), headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) } });
const search = (body, headers) => call('POST', logs('/_search'), body, headers);
const queue = (headers) => call('GET', logs('/_queue'), undefined, headers);
const v3 = (headers) => call('GET', '/integrationServices/v3/auditlogs', undefined, headers);
const give = (rows, options = {}) => s.request('POST', logs(''), { key: null, body: rows, headers: k, ...options });

async function found(body) {
  const res = await search({ rows: 10000, ...body });
  assert.equal(res.status, 200, res.text);
  assert.equal(res.json.num_found, res.json.results.length);
  assert.equal(res.json.num_available, res.json.num_found);
  assert.equal('errorMessage' in res.json, false);
  return res.json.results;
}
const descriptions = async (body) => (await found(body)).map((r) => r.description).sort();

const row = (over = {}) => ({
  org_key: org(),
  actor_ip: '10.29.99.1',
  actor: 'ada@example.org',
  request_url: null,
  description: 'Logged in successfully',
  flagged: false,
  verbose: false,
  create_time: '2024-04-17T19:18:37.480Z',
  ...over,
});

function assertError(res, status, code, field) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error_code, code, res.text);
  assert.equal(typeof res.json.message, 'string');
  assert.equal('errorMessage' in res.json, false);
  if (field) assert.equal(res.json.field, field, res.text);
}

async function makeKey(role = 'owner', query) {
  const res = await s.request('POST', '/v1/keys', { body: { name: role, role, ...(query ? { query } : {}) } });
  assert.equal(res.status, 201, res.text);
  return headersOf(res.json.api_key);
}

before(async () => {
  s = await startServer();
  k = headersOf(s.key);
  other = await makeKey();
});
after(() => s.close());

// ---- who asks ----

test('takes the header in any case, and nothing else instead of a right one', async () => {
  assert.equal((await search({})).status, 200);
  const upper = { 'X-AUTH-TOKEN': k['X-Auth-Token'] };
  assert.equal((await search({}, upper)).status, 200);
  assert.equal((await s.request('POST', logs('/_search'), { body: '{}' })).status, 200, 'Authorization: Bearer');
  for (const headers of [{}, { 'X-Auth-Token': 'a' }, { 'X-Auth-Token': 'a/b' }, { 'X-Auth-Token': k['X-Auth-Token'].replace('/', '0/') }]) {
    const res = await search({}, headers);
    assertError(res, 401, 'UNAUTHORIZED');
    assert.equal(res.json.message, 'User is not authenticated');
    const old = await v3(headers);
    assert.deepEqual([old.status, old.json], [401, { success: false, message: 'User is not authenticated' }]);
  }
});

test('says 403 to a key that lacks the permission', async () => {
  const writer = await makeKey('writer');
  assertError(await search({}, writer), 403, 'FORBIDDEN');
  assertError(await queue(writer), 403, 'FORBIDDEN');
  assertError(await call('GET', jobs(), undefined, writer), 403, 'FORBIDDEN');
  assert.deepEqual([(await v3(writer)).status, (await v3(writer)).json.success], [403, false]);
});

test('says 404 for another org, another path and another job', async () => {
  for (const path of ['/audit_log/v1/orgs/nobody/logs/_queue', '/jobs/v1/orgs/nobody/jobs', '/jobs/v1/orgs/nobody/jobs/1', '/audit_log/v1/orgs/x', '/jobs/v2', jobs('/4805565'), jobs('/4805565/progress'), jobs('/4805565/download'), jobs('/x')])
    assertError(await call('GET', path), 404, 'NOT_FOUND');
  for (const what of ['/_search', '/_export', '']) assertError(await call('POST', `/audit_log/v1/orgs/nobody/logs${what}`, {}), 404, 'NOT_FOUND');
  assertError(await call('GET', logs('/_search')), 405, 'METHOD_NOT_ALLOWED');
  const res = await call('GET', '/integrationServices/v3/notification');
  assert.deepEqual([res.status, res.json.success], [404, false]);
});

// ---- rows in and out ----

test('rows come out as they went in', async () => {
  const rows = [
    row(),
    row({ actor: 'ABCDEFGHIJ', description: 'Connector X logged in successfully', actor_ip: '2001:db8::1', verbose: true }),
    row({ description: 'Login failed', flagged: true, request_url: 'https://defense.conferdeploy.net/a?b=c&d' }),
    row({ actor: null, actor_ip: null, description: '' }),
    row({ create_time: '2024-04-17T19:18:37Z' }),
    row({ create_time: '2024-04-17T21:18:37.480123+02:00', later: { a: [1, null] }, verbose: null }),
    row({ description: "User E retrieved secret for API ID I in org N", actor_ip: '' }),
  ];
  const res = await give(JSON.stringify(rows));
  assert.equal(res.status, 201, res.text);
  assert.equal(res.json.accepted, rows.length);
  assert.deepEqual(await found({ sort: [{ field: 'nothing', order: 'asc' }] }), [...rows].reverse());
  const ndjson = await give(`${JSON.stringify(row({ description: 'n1' }))}\n${JSON.stringify(row({ description: 'n2' }))}\n`);
  assert.equal(ndjson.json.accepted, 2);
  assert.equal((await give(JSON.stringify(row({ description: 'alone' })))).json.accepted, 1);
  const native = await s.append(JSON.stringify(row({ description: 'native path' })), '?format=carbon-black');
  assert.equal(native.status, 201, native.text);
  assert.deepEqual(await descriptions({ query: 'description:(n1 OR n2 OR alone OR native)' }), ['alone', 'n1', 'n2', 'native path']);
});

test('rows that are none are refused', async () => {
  const res = await give(JSON.stringify([row(), row({ create_time: 'yesterday' })]));
  assertError(res, 400, 'INVALID', 'create_time');
  assertError(await give('[1]'), 400, 'INVALID');
  assertError(await give('{'), 400, 'SYNTAX');
  const partial = await s.append(`${JSON.stringify(row({ eventTime: 1 }))}\n${JSON.stringify(row({ description: 'good half' }))}`, '?format=carbon-black&partial=true');
  assert.equal(partial.json.accepted, 1);
  assert.equal(partial.json.refused[0].position, 0);
  assert.equal((await s.append('{}', '?format=none')).json.error.details.field, 'format');
});

test('native events are rows too', async () => {
  await s.append([
    { action: 'role.create', actor: { id: 'u-1', name: 'Grace' }, context: { ip: '10.9.9.9', url: '/roles' }, time: '2025-01-01T00:00:00.123456Z' },
    { action: 'login', actor: { id: 'u-2', name: 'Linus', email: 'linus@example.org' }, outcome: { type: 'failure' }, severity: 'verbose', description: 'native failure', time: '2025-01-01T00:00:01Z' },
  ]);
  const [late, early] = await found({ criteria: { create_time: { start: '2025-01-01T00:00:00.000000Z', end: '2025-01-01T00:00:01.000000Z' } } });
  assert.deepEqual(early, { org_key: org(), actor_ip: '10.9.9.9', actor: 'Grace', request_url: '/roles', description: 'role.create', flagged: false, verbose: false, create_time: '2025-01-01T00:00:00.123Z' });
  assert.deepEqual(late, { org_key: org(), actor_ip: null, actor: 'linus@example.org', request_url: null, description: 'native failure', flagged: true, verbose: true, create_time: '2025-01-01T00:00:01.000Z' });
});

// ---- criteria, exclusions, query ----

test('criteria and exclusions', async () => {
  const t = { start: '2023-05-01T00:00:00Z', end: '2023-05-02T00:00:00Z' };
  const at = (n) => `2023-05-01T0${n}:00:00.000Z`;
  await give(
    JSON.stringify([
      row({ description: 'c one FOOBAR', actor: 'A', actor_ip: '1.1.1.1', create_time: at(1) }),
      row({ description: 'c two', actor: 'a', actor_ip: '1.1.1.2', flagged: true, create_time: at(2) }),
      row({ description: 'c three', actor: 'B', actor_ip: '1.1.1.1', verbose: true, request_url: 'https://x/1', create_time: at(3) }),
      row({ description: 'c four', actor: 'b@example.org', actor_ip: '1.1.1.3', request_url: 'https://x/2', create_time: at(4) }),
    ]),
  );
  const of = async (criteria, exclusions, more) => (await descriptions({ criteria: { create_time: t, ...criteria }, ...(exclusions ? { exclusions } : {}), ...more })).map((d) => d.split(' ')[1]);
  assert.deepEqual(await of({}), ['four', 'one', 'three', 'two']);
  assert.deepEqual(await of({ actor: ['A', 'b@example.org'] }), ['four', 'one']);
  assert.deepEqual(await of({ actor: 'B' }), ['three']);
  assert.deepEqual(await of({ actor: [] }), []);
  assert.deepEqual(await of({ actor_ip: ['1.1.1.1'], verbose: false }), ['one']);
  assert.deepEqual(await of({ request_url: ['https://x/1', 'https://x/2'] }), ['four', 'three']);
  assert.deepEqual(await of({ description: ['foobar'] }), ['one']);
  assert.deepEqual(await of({ description: ['--'] }), []);
  assert.deepEqual(await of({ flagged: true }), ['two']);
  assert.deepEqual(await of({ flagged: [false] }), ['four', 'one', 'three']);
  assert.deepEqual(await of({ verbose: true }), ['three']);
  assert.deepEqual(await of({ actor: null }), ['four', 'one', 'three', 'two']);
  assert.deepEqual(await of({}, { actor_ip: ['1.1.1.1'] }), ['four', 'two']);
  assert.deepEqual(await of({}, { actor_ip: ['1.1.1.3'], flagged: true }), ['one', 'three']);
  assert.deepEqual(await of({}, { flagged: false }), ['two']);
  assert.deepEqual(await of({}, { create_time: { start: at(2), end: at(3) } }), ['four', 'one']);
  assert.deepEqual(await of({}, { create_time: { range: '-5d' } }), ['four', 'one', 'three', 'two']);
  assert.deepEqual(await of({ create_time: { start: at(2), end: at(3) } }), ['three', 'two']);
  assert.deepEqual(await of({}, {}, { time_range: { range: '-30d' }, unknown: 1, Query: 'flagged:true' }), ['two']);
  const value = 'x" OR actor:* \\" (';
  await give(JSON.stringify(row({ description: 'c five', actor: value, create_time: at(5) })));
  assert.deepEqual(await of({ actor: [value] }), ['five']);
  await found({ criteria: {}, exclusions: {} });
});

test('the last days and weeks', async () => {
  const ago = (ms) => new Date(Date.now() - ms).toISOString();
  await give(JSON.stringify([row({ description: 'r hour', create_time: ago(3600e3) }), row({ description: 'r week', create_time: ago(8 * DAY) }), row({ description: 'r year', create_time: ago(500 * DAY) })]));
  const of = (range) => descriptions({ query: 'description:r', criteria: { create_time: { range } } });
  assert.deepEqual(await of('-2h'), ['r hour']);
  assert.deepEqual(await of('-90m'), ['r hour']);
  assert.deepEqual(await of('-4000s'), ['r hour']);
  assert.deepEqual(await of('-5d'), ['r hour']);
  assert.deepEqual(await of('-2w'), ['r hour', 'r week']);
  assert.deepEqual(await of('-2y'), ['r hour', 'r week', 'r year']);
  assert.deepEqual(await of('-999999999y'), ['r hour', 'r week', 'r year']);
});

test('queries as Lucene has them', async () => {
  const at = (n) => `2022-02-0${n}T00:00:00.000Z`;
  await give(
    JSON.stringify([
      row({ description: 'Logged in successfully', actor: 'q1@example.org', create_time: at(1) }),
      row({ description: 'Login failed', actor: 'q2@example.org', flagged: true, create_time: at(2) }),
      row({ description: 'Updated connector NAME with api key KEY', actor: 'Q3KEY', actor_ip: '9.9.9.9', request_url: 'https://x/y:z', verbose: true, create_time: at(3) }),
    ]),
  );
  const t = { start: '2022-02-01T00:00:00Z', end: '2022-02-28T00:00:00Z' };
  const of = async (query) => (await found({ query, criteria: { create_time: t } })).map((r) => r.create_time[9]).sort().join('');
  const all = {
    '': '123',
    '*:*': '123',
    'description:login': '2',
    'description:Logged in': '1',
    'description:"Logged in"': '1',
    'description:log*': '12',
    'description:(login OR updated)': '23',
    'failed || updated': '23',
    'connector && NAME': '3',
    '!failed': '13',
    '-description:login': '13',
    'NOT description:login': '13',
    '+description:updated +verbose:true': '3',
    'actor:q1@example.org': '1',
    'actor:q*': '123',
    'actor:(q1 OR Q3KEY)': '13',
    'actor_ip:9.9.9.9': '3',
    'actor_ip:[9.0.0.0 TO 9.255.255.255]': '3',
    'flagged:true': '2',
    'flagged:false': '13',
    'verbose:TRUE': '3',
    'flagged:*': '123',
    'flagged:perhaps': '',
    [`org_key:${org()}`]: '123',
    'org_key:other': '',
    'request_url:"https://x/y:z"': '3',
    'request_url:https\\://x/y\\:z': '3',
    'request_url:https://x/y:z': '3',
    'description: login': '2',
    'description:login^2': '2',
    '"Logged in"~3 OR (login)^0.5': '12',
    'create_time:[2022-02-02T00:00:00Z TO *]': '23',
    'create_time:[2022-02-02T00:00:00.000Z TO 2022-02-02T23:59:59.999Z]': '2',
    'description:/log(in|ged)/': '12',
    'description:lo?in': '2',
    'description:a\\*b': '',
  };
  for (const [query, expected] of Object.entries(all)) assert.equal(await of(query), expected, query);
});

test('bad queries are told as the SDK knows them', async () => {
  for (const query of ['(', 'a AND', 'description:', '"open', 'a:[1 TO', '/(/', ')', 'AND']) {
    const res = await search({ query });
    assert.equal(res.status, 400, query);
    assert.equal(res.json.reason, 'query_malformed_syntax', query);
  }
  assert.equal((await search({ query: 'x'.repeat(8193) })).status, 413);
});

test('bad bodies are refused by name', async () => {
  const bad = [
    [{ criteria: [] }, 'criteria'],
    [{ exclusions: 'x' }, 'exclusions'],
    [{ criteria: { actor: 7 } }, 'actor'],
    [{ criteria: { actor: ['a', 7] } }, 'actor'],
    [{ criteria: { flagged: 'yes' } }, 'flagged'],
    [{ criteria: { actors: ['a'] } }, 'actors'],
    [{ criteria: { create_time: '2024' } }, 'create_time'],
    [{ criteria: { create_time: {} } }, 'create_time'],
    [{ criteria: { create_time: { start: '2024-01-01T00:00:00Z' } } }, 'create_time'],
    [{ criteria: { create_time: { end: '2024-01-01T00:00:00Z' } } }, 'create_time'],
    [{ criteria: { create_time: { start: 'x', end: 'y' } } }, 'create_time'],
    [{ criteria: { create_time: { start: '2024-01-02T00:00:00Z', end: '2024-01-01T00:00:00Z' } } }, 'create_time'],
    [{ criteria: { create_time: { range: '-2x' } } }, 'create_time'],
    [{ criteria: { create_time: { range: '2w' } } }, 'create_time'],
    [{ criteria: { create_time: { range: '-w' } } }, 'create_time'],
    [{ criteria: { create_time: { start: '2024-01-01T00:00:00Z', end: '2024-01-02T00:00:00Z', range: '-1d' } } }, 'create_time'],
    [{ query: 7 }, 'query'],
    [{ rows: -1 }, 'rows'],
    [{ rows: 'many' }, 'rows'],
    [{ start: 1.5 }, 'start'],
    [{ start: 10000 }, 'start'],
    [{ sort: ['create_time'] }, 'sort'],
    [{ sort: [{ field: 7 }] }, 'field'],
  ];
  for (const [body, field] of bad) assertError(await search(body), 400, 'INVALID', field);
  const order = await search({ sort: [{ field: 'actor', order: 'UP' }] });
  assertError(order, 400, 'INVALID_ENUM_VALUE', 'order');
  assert.deepEqual([order.json.invalid_value, order.json.known_values], ['UP', ['ASC', 'DESC']]);
  const post = (body) => s.request('POST', logs('/_search'), { key: null, body, headers: k });
  assertError(await post('{'), 400, 'SYNTAX');
  assert.match((await post('{')).json.message, /^Malformed JSON input/);
  assertError(await post('[]'), 400, 'INVALID');
  assert.equal((await post('')).status, 200);
  assert.equal((await post(' '.repeat(65537))).status, 413);
  const many = { criteria: { actor: Array.from({ length: 600 }, (_, i) => `a${i}`) } };
  assert.equal((await search(many)).status, 413);
});

// A generator that can be repeated: STELE_SEED.
function seeded(name) {
  let x = Number(process.env.STELE_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: STELE_SEED=${x}`);
  return (n) => {
    x = (x * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((x / 2 ** 31) * n);
  };
}

test('any text is a query or told to be none, and any body is answered', async () => {
  const random = seeded('queries');
  const pieces = ['a', 'actor', ':', '(', ')', '"', '\\', '*', '?', '/', '[', ']', '{', '}', ' TO ', ' AND ', ' OR ', 'NOT ', '!', '&&', '||', '+', '-', '~', '^', '2', '.', ' ', 'create_time:', 'flagged:', 'true', '2024-01-01', 'ä', '<', '>', '=', '\n'];
  const values = [null, true, 0, -1, 1e300, '', 'x', [], {}, ['a'], [null], { start: 1 }, { range: '-1d' }, [{ field: 'actor', order: 'ASC' }]];
  for (let i = 0; i < 600; i++) {
    const query = Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join('');
    const res = await search({ query });
    if (res.status === 200) assert.equal(typeof res.json.num_found, 'number', query);
    else assert.deepEqual([res.status, res.json.reason], [400, 'query_malformed_syntax'], `${JSON.stringify(query)}: ${res.text}`);
    const body = {};
    for (const name of ['criteria', 'exclusions', 'query', 'rows', 'start', 'sort', 'time_range']) if (random(3) === 0) body[name] = values[random(values.length)];
    const other = await search(body);
    assert.ok([200, 400].includes(other.status), `${JSON.stringify(body)}: ${other.text}`);
  }
});

// ---- orders and pages ----

test('sorts', async () => {
  const t = { start: '2021-01-01T00:00:00Z', end: '2021-02-01T00:00:00Z' };
  const rows = ['b', 'c', 'a'].map((x, i) => row({ description: `s ${x}`, actor: `${x}@example.org`, actor_ip: `10.0.0.${3 - i}`, request_url: `/${x}`, create_time: `2021-01-0${3 - i}T00:00:00.000Z` }));
  await give(JSON.stringify(rows));
  const of = async (sort) => (await found({ criteria: { create_time: t }, ...(sort ? { sort } : {}) })).map((r) => r.description[2]).join('');
  assert.equal(await of(), 'acb', 'newest first');
  assert.equal(await of([{ field: 'create_time', order: 'ASC' }]), 'acb');
  assert.equal(await of([{ field: 'create_time', order: 'DESC' }]), 'bca');
  assert.equal(await of([{ field: 'actor', order: 'asc' }]), 'abc');
  assert.equal(await of([{ field: 'description', order: 'desc' }]), 'cba');
  assert.equal(await of([{ field: 'actor_ip' }]), 'acb');
  assert.equal(await of([{ field: 'request_url', order: 'DESC' }]), 'cba');
  assert.equal(await of([{ field: 'timestamp', order: 'DESC' }, { field: 'actor', order: 'ASC' }]), 'abc');
  assert.equal(await of({ field: 'actor', order: 'ASC' }), 'abc');
  assert.equal(await of([]), 'acb');
});

// for e in api.select(AuditLog).where(...): no rows, then start, until start >= num_found.
async function iterate(body, between = async () => {}, headers = k) {
  const seen = [];
  let requests = 0;
  let total;
  do {
    const res = await search(seen.length ? { ...body, start: seen.length } : body, headers);
    assert.equal(res.status, 200, res.text);
    total = res.json.num_found;
    seen.push(...res.json.results);
    assert.ok(requests++ < 2000, 'it ends');
    await between();
  } while (seen.length < total);
  return seen;
}

test('the SDK iterates, counts, slices and takes the first', async () => {
  await give(JSON.stringify(Array.from({ length: 105 }, (_, i) => row({ description: `sdk ${i}`, create_time: new Date(Date.UTC(2020, 0, 1) + i * 1000).toISOString() }))));
  const body = { query: 'description:sdk', sort: [{ field: 'create_time', order: 'ASC' }] };
  const names = (rows) => rows.map((r) => Number(r.description.slice(4)));
  const range = (a, b) => Array.from({ length: b - a }, (_, i) => a + i);
  assert.deepEqual(names(await iterate(body)), range(0, 105));
  assert.deepEqual(names(await iterate({ query: 'description:sdk' })), range(0, 105).reverse());
  const first = await search(body);
  assert.deepEqual([first.json.num_found, first.json.num_available, first.json.results.length], [105, 105, 20]);
  assert.deepEqual(names((await search({ ...body, rows: 2, start: 1 })).json.results), [1, 2]);
  assert.deepEqual(names((await search({ ...body, rows: 1 })).json.results), [0]);
  assert.deepEqual(names((await search({ ...body, rows: 10, start: 100 })).json.results), range(100, 105));
  assert.deepEqual((await search({ ...body, start: 200 })).json, { num_found: 105, num_available: 105, results: [] });
  assert.deepEqual((await search({ ...body, rows: 0 })).json, { num_found: 105, num_available: 105, results: [] });
  assert.deepEqual(names((await search({ ...body, rows: '2', start: '3' })).json.results), [3, 4]);
  assert.equal((await search({ ...body, rows: 100000 })).json.results.length, 105);
  const none = await search({ query: 'description:nothingatall' });
  assert.deepEqual(none.json, { num_found: 0, num_available: 0, results: [] });
});

test('pages stay what they were while rows arrive', async () => {
  const of = (i) => row({ description: `stay ${i}`, create_time: '2019-01-01T00:00:00.000Z' });
  await give(JSON.stringify(Array.from({ length: 90 }, (_, i) => of(i))));
  let n = 90;
  const arrive = () => give(JSON.stringify([of(n++), of(n++)]));
  const body = { query: 'description:stay' };
  for (const seen of await Promise.all([iterate(body, arrive, k), iterate(body, arrive, other)])) {
    const numbers = seen.map((r) => Number(r.description.slice(5)));
    assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, i) => numbers[0] - i));
    assert.equal(numbers.at(-1), 0);
  }
  // Two clients of one key cannot be told apart: none misses a row all the same.
  for (const seen of await Promise.all([iterate(body, arrive), iterate(body, arrive), iterate(body, arrive)])) {
    const numbers = new Set(seen.map((r) => Number(r.description.slice(5))));
    const newest = Math.max(...numbers);
    assert.ok(newest >= 90);
    assert.equal(numbers.size, newest + 1);
  }
});

// ---- queues ----

test('a new key gets the last three days, oldest first, once; v3 and _queue share', async () => {
  const ago = (ms) => new Date(Date.now() - ms).toISOString();
  await give(JSON.stringify([row({ description: 'old', create_time: ago(4 * DAY) }), row({ description: 'q1', create_time: ago(2 * DAY) }), row({ description: 'q2', create_time: ago(DAY) })]));
  const fresh = await makeKey();
  assert.equal((await s.request('HEAD', logs('/_queue'), { key: null, headers: fresh })).status, 200);
  const one = await queue(fresh);
  assert.equal(one.status, 200);
  const names = one.json.results.map((r) => r.description);
  assert.deepEqual(names.slice(-2), ['q1', 'q2']);
  assert.deepEqual([one.json.num_found, one.json.num_available], [names.length, names.length]);
  const empty = await queue(fresh);
  assert.deepEqual([empty.status, empty.json], [200, { num_found: 0, num_available: 0, results: [] }]);
  assert.deepEqual((await v3(fresh)).json, { notifications: [], success: true, message: 'Success' });
  await give(JSON.stringify([row({ description: 'q3', flagged: true })]));
  const old = await v3(fresh);
  assert.equal(old.json.success, true);
  const [{ eventId, orgName, ...rest }] = old.json.notifications;
  assert.match(eventId, /^[0-9a-f]{32}$/);
  assert.equal(typeof orgName, 'string');
  assert.deepEqual(rest, { requestUrl: null, eventTime: Date.parse('2024-04-17T19:18:37.480Z'), loginName: 'ada@example.org', flagged: true, clientIp: '10.29.99.1', verbose: false, description: 'q3' });
  assert.deepEqual((await queue(fresh)).json.results, []);
  const second = (await queue(other)).json.results.map((r) => r.description);
  assert.ok(second.includes('q3'), 'another key sees the same');
});

test('v3 rows come out of v3 as they went in', async () => {
  const fresh = await makeKey();
  while ((await v3(fresh)).json.notifications.length) continue;
  const mine = [
    { requestUrl: null, eventTime: 1529332687006, eventId: '37075c01730511e89504c9ba022c3fbf', loginName: 'bs@carbonblack.com', orgName: 'example.org', flagged: false, clientIp: '192.0.2.3', verbose: false, description: 'Logged in successfully' },
    { requestUrl: '/x', eventTime: 0, eventId: '00', loginName: 'API', orgName: 'example.org', flagged: true, clientIp: null, verbose: true, description: 'Login failed' },
  ];
  assert.equal((await give(JSON.stringify(mine))).status, 201);
  assert.deepEqual((await v3(fresh)).json.notifications, mine);
});

test('two requests at once never get the same row', async () => {
  const fresh = await makeKey();
  while ((await queue(fresh)).json.results.length) continue;
  await give(JSON.stringify(Array.from({ length: 6000 }, (_, i) => row({ description: `once ${i}` }))));
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => (i % 2 ? queue(fresh) : v3(fresh))));
  const seen = answers.flatMap((a) => (a.json.results ?? a.json.notifications).map((r) => r.description));
  assert.equal(seen.length, 6000);
  assert.equal(new Set(seen).size, 6000);
  assert.deepEqual(answers.map((a) => (a.json.results ?? a.json.notifications).length).sort((a, b) => b - a).slice(0, 4), [BATCH, BATCH, 1000, 0]);
});

test('a narrowed key sees its part in searches, queues and exports', async () => {
  const narrow = await makeKey('analyst', 'description:narrowed');
  await give(JSON.stringify([row({ description: 'narrowed 1', create_time: new Date().toISOString() }), row({ description: 'wide 1', create_time: new Date().toISOString() })]));
  assert.deepEqual((await search({}, narrow)).json.results.map((r) => r.description), ['narrowed 1']);
  assert.equal((await search({}, narrow)).json.num_found, 1);
  assert.deepEqual((await queue(narrow)).json.results.map((r) => r.description), ['narrowed 1']);
});

test('a killed server goes on where its queues were', async () => {
  const fresh = await makeKey();
  while ((await queue(fresh)).json.results.length) continue;
  await give(JSON.stringify(Array.from({ length: 5001 }, (_, i) => row({ description: `kill ${i}` }))));
  const seen = (await queue(fresh)).json.results;
  await s.kill();
  await s.start();
  for (;;) {
    const more = (await queue(fresh)).json.results;
    seen.push(...more);
    if (more.length < BATCH) break; // as cbc-syslog does
    await s.kill();
    await s.start();
  }
  assert.deepEqual(seen.map((r) => r.description), Array.from({ length: 5001 }, (_, i) => `kill ${i}`));
});

// ---- exports ----

async function completed(id, headers = k) {
  for (let i = 0; i < 600; i++) {
    const res = await call('GET', jobs(`/${id}`), undefined, headers);
    assert.equal(res.status, 200, res.text);
    if (res.json.status !== 'CREATED') return res.json;
    await sleep(20);
  }
  assert.fail('the job does not end');
}

test('exports as jobs, in both formats', async () => {
  const rows = [row({ description: 'export, "one"', create_time: '2018-01-01T00:00:00.000Z' }), row({ description: '=cmd()', actor: 'x', flagged: true, create_time: '2018-01-02T00:00:00.000Z' })];
  await give(JSON.stringify(rows));
  const body = { criteria: { create_time: { start: '2018-01-01T00:00:00Z', end: '2018-01-03T00:00:00Z' } }, sort: [{ field: 'create_time', order: 'ASC' }] };
  const asked = await call('POST', logs('/_export'), { ...body, format: 'json' });
  assert.equal(asked.status, 200, asked.text);
  const id = asked.json.job_id;
  assert.ok(Number.isSafeInteger(id));
  assert.equal((await call('GET', jobs(`/${id}`))).status, 200, 'the SDK asks at once');
  const job = await completed(id);
  const { create_time, last_update_time, connector_id, ...rest } = job;
  assert.deepEqual(rest, { id, type: 'EXTERNAL', job_parameters: { job_parameters: null }, org_key: org(), status: 'COMPLETED', owner_id: 0, progress: { num_total: 2, num_completed: 2, message: 'FINISHED' }, errors: null });
  for (const time of [create_time, last_update_time]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.equal(connector_id, s.bootstrap.client_id);
  assert.deepEqual((await call('GET', jobs(`/${id}/progress`))).json, { num_total: 2, num_completed: 2, message: 'FINISHED' });
  for (let i = 0; i < 2; i++) {
    const file = await call('GET', jobs(`/${id}/download`));
    assert.equal(file.headers['content-type'], 'application/json');
    assert.deepEqual(file.json, rows);
  }
  const csv = (await call('POST', logs('/_export'), { ...body, format: 'CSV' })).json.job_id;
  assert.equal((await completed(csv)).status, 'COMPLETED');
  const file = await call('GET', jobs(`/${csv}/download`));
  assert.equal(file.headers['content-type'], 'text/csv; charset=utf-8');
  assert.match(file.headers['content-disposition'], /\.csv"$/);
  assert.equal(
    file.text,
    'org_key,actor_ip,actor,request_url,description,flagged,verbose,create_time\r\n' +
      `${org()},10.29.99.1,ada@example.org,,"export, ""one""",false,false,2018-01-01T00:00:00.000Z\r\n` +
      `${org()},10.29.99.1,x,,'=cmd(),true,false,2018-01-02T00:00:00.000Z\r\n`,
  );
  const list = (await call('GET', jobs())).json;
  assert.deepEqual([list.num_found, list.results.map((j) => j.id).sort()], [2, [id, csv].sort()]);
  assertError(await call('GET', jobs(`/${id}`), undefined, other), 404, 'NOT_FOUND');
  assert.deepEqual((await call('GET', jobs(), undefined, other)).json, { num_found: 0, results: [] });
  await s.kill();
  await s.start();
  assert.deepEqual((await call('GET', jobs(`/${id}/download`))).json, rows, 'after a restart');
});

test('exports that cannot be are refused', async () => {
  const res = await call('POST', logs('/_export'), { format: 'xml' });
  assertError(res, 400, 'INVALID_ENUM_VALUE', 'format');
  assert.deepEqual([res.json.invalid_value, res.json.known_values], ['xml', ['csv', 'json']]);
  assert.equal((await call('POST', logs('/_export'), { query: '(' })).json.reason, 'query_malformed_syntax');
  assertError(await call('POST', logs('/_export'), { criteria: { x: 1 } }), 400, 'INVALID', 'x');
  const id = (await call('POST', logs('/_export'), { query: 'description:nothingatall', format: 'json' })).json.job_id;
  await completed(id);
  assert.deepEqual((await call('GET', jobs(`/${id}/download`))).json, []);
});

// ---- hostile rows ----

test('whatever is in a row stays what it is', async () => {
  const hostile = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '=1+cmd|"/c calc"!A0', '@SUM(A1)', '{"a":"b"}', '\\u0000\\', "' OR '1'='1", 'a\r\nX-Header: y', '\u0001\u001f', '\u202Eevil', '😀', '</title>', 'errorMessage', '%0d%0a', '../../etc/passwd', ';,\t|'];
  const rows = hostile.map((text, i) => row({ description: `${text} hostile`, actor: text, actor_ip: text, request_url: text, [`extra${i}`]: text, create_time: '2017-01-01T00:00:00.000Z' }));
  assert.equal((await give(JSON.stringify(rows))).status, 201);
  assert.deepEqual(await found({ query: 'description:hostile', sort: [] }), [...rows].reverse());
  for (const text of hostile) {
    for (const name of ['actor', 'actor_ip', 'request_url']) assert.equal((await found({ criteria: { [name]: [text] } })).length, 1, `${name} ${text}`);
    const res = await search({ query: text });
    assert.ok(res.status === 200 || res.json.reason === 'query_malformed_syntax', `${text}: ${res.text}`);
  }
});

// Cells of RFC 4180; an apostrophe stands before what a spreadsheet would take for a formula.
function parseCsv(text) {
  const rows = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let m; (m = cell.exec(text)); ) {
    rows.at(-1).push(m[1] === undefined ? m[2] : m[1].replaceAll('""', '"'));
    if (m[3] !== ',') rows.push([]);
  }
  assert.deepEqual(rows.pop(), [], 'every row ends');
  return rows;
}

test('hostile rows as CSV are cells and nothing else', async () => {
  const { job_id: id } = (await call('POST', logs('/_export'), { query: 'description:hostile', format: 'csv', sort: [{ field: 'create_time', order: 'ASC' }] })).json;
  assert.equal((await completed(id)).status, 'COMPLETED');
  const [head, ...lines] = parseCsv((await call('GET', jobs(`/${id}/download`))).text);
  const rows = (await found({ query: 'description:hostile' })).reverse();
  assert.equal(lines.length, rows.length);
  for (const [i, cells] of lines.entries())
    for (const [k, name] of head.entries()) {
      const text = String(rows[i][name] ?? '');
      if (/^\s*[=+\-@\t\r\n]/.test(cells[k])) assert.fail(`a formula: ${JSON.stringify(cells[k])}`);
      assert.ok(cells[k] === text || cells[k] === `'${text}`, `${name}: ${JSON.stringify(cells[k])} for ${JSON.stringify(text)}`);
    }
});

test('rows of real events go out, in and out again', { skip: !existsSync(REAL) }, async () => {
  const take = async (server) => {
    const headers = headersOf(server.key);
    const ask = (method, path, body) => server.request(method, `${path}`, { key: null, body, headers });
    const id = (await ask('POST', logs('/_export'), JSON.stringify({ format: 'json', sort: [{ field: 'create_time', order: 'ASC' }] }))).json.job_id;
    for (;;) {
      const job = (await ask('GET', jobs(`/${id}`))).json;
      if (job.status === 'COMPLETED') return (await ask('GET', jobs(`/${id}/download`))).json;
      assert.equal(job.status, 'CREATED', job.errors);
      await sleep(20);
    }
  };
  const first = await startServer();
  const second = await startServer();
  const stored = await first.append(readFileSync(REAL), '', { headers: { 'Content-Encoding': 'zstd' } });
  assert.equal(stored.status, 201, stored.text);
  const rows = await take(first);
  assert.equal(rows.length, stored.json.accepted);
  for (let i = 0; i < rows.length; i += 5000) {
    const res = await second.request('POST', logs(''), { body: JSON.stringify(rows.slice(i, i + 5000)) });
    assert.equal(res.status, 201, res.text);
  }
  assert.deepEqual(await take(second), rows);
  await first.close();
  await second.close();
});

// ---- many rows ----

test(`${ROWS} rows through _queue and _search while rows arrive`, async () => {
  const reader = await makeKey();
  while ((await queue(reader)).json.results.length) continue;
  const begin = Date.UTC(2016, 0, 1);
  const at = (i) => new Date(begin + i * 100).toISOString();
  let sent = 0;
  const writer = async () => {
    while (sent < ROWS) {
      const from = sent;
      sent += Math.min(2000, ROWS - from);
      const res = await give(JSON.stringify(Array.from({ length: sent - from }, (_, i) => row({ description: `many ${from + i}`, create_time: at(from + i) }))));
      assert.equal(res.status, 201, res.text);
    }
  };
  const writing = writer();
  const numbers = (rows) => rows.map((r) => Number(r.description.slice(5)));
  const queued = [];
  while (queued.length < ROWS) {
    const rows = (await queue(reader)).json.results;
    queued.push(...numbers(rows));
    if (rows.length === 0) await sleep(5);
  }
  await writing;
  assert.deepEqual((await queue(reader)).json.results, []);
  assert.deepEqual(queued, Array.from({ length: ROWS }, (_, i) => i));

  // Windows of time, each paged through to its end, while rows of the same times arrive that are none of them.
  const searched = [];
  let stop = false;
  const late = (async () => {
    for (let i = 0; !stop; i++) {
      await give(JSON.stringify([row({ description: 'late', create_time: at(i % ROWS) })]));
      await sleep(10);
    }
  })();
  for (let from = 0; from < ROWS; from += 5000) {
    const body = { criteria: { create_time: { start: at(from), end: at(Math.min(from + 5000, ROWS) - 1) } }, query: 'description:many', sort: [{ field: 'create_time', order: 'ASC' }], rows: 1000 };
    searched.push(...numbers(await iterate(body)));
  }
  stop = true;
  await late;
  assert.deepEqual(searched, queued);
});
