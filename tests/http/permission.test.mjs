// Every route × every role × one's own org, another org, no key: made from the route table, so that a route without a
// row in SAMPLES below fails, and one that lets the wrong one in does too.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { roles, routes } from './routes.mjs';
import { startServer } from './server.mjs';

let s;
const own = {}; // role: api_key, of the org `own`
let other; // the owner's key of the org `other`
const things = {}; // what the org `own` has
let asked = 512;

const KEEPNET_BODY = { pageNumber: 1, pageSize: 10, orderBy: 'CreateTime', ascending: false, filter: { Condition: 'AND', SearchInputTextValue: '' } };

// The paths' holes and a body that is taken, by the name of a route. `mayNot` are answers of who may, besides 2xx: a
// route that would change what later rows need is asked for something that is not there, or with a wrong body.
const SAMPLES = {
  EVENTS_APPEND: { body: { action: 'sample' } },
  EVENTS_SEARCH: {},
  SEARCH: { body: {} },
  EVENT: { id: 'event' },
  EVENT_AROUND: { id: 'event' },
  EVENT_PROOF: { id: 'event', query: '?wait=true' },
  CONSISTENCY: { query: '?from=1' },
  TAIL: {},
  SAVED_LIST: {},
  SAVED_CREATE: { body: {}, mayNot: [400] },
  SAVED: { id: 'saved' },
  SAVED_REPLACE: { id: 'saved', body: { name: 'sample' } },
  SAVED_DELETE: { id: 'saved', headers: { 'If-Match': '"999"' }, mayNot: [412] },
  CONSUMER_LIST: {},
  CONSUMER_CREATE: { body: {}, mayNot: [400] },
  CONSUMER: { name: 'consumer' },
  CONSUMER_DELETE: { name: 'consumer', headers: { 'If-Match': '"999"' }, mayNot: [412] },
  CONSUMER_EVENTS: { name: 'consumer' },
  CONSUMER_ACK: { name: 'consumer', body: {}, mayNot: [400] },
  CONSUMER_SEEK: { name: 'consumer', body: { position: 0 } },
  EXPORT: { query: '?format=ndjson' },
  EXPORT_CREATE: { body: {}, mayNot: [400] },
  EXPORT_LIST: {},
  EXPORT_JOB: { id: 'job' },
  EXPORT_DELETE: { id: 'nothing', mayNot: [404] },
  EXPORT_DOWNLOAD: { id: 'job' },
  FACETS: { query: '?fields=action' },
  HISTOGRAM: {},
  FIELDS: {},
  CATALOGUE: {},
  CATALOGUE_SET: { body: { strict: 1 }, mayNot: [400] },
  RETENTION: {},
  RETENTION_SET: { body: { days: 'x' }, mayNot: [400] },
  HOLD_CREATE: { body: {}, mayNot: [400] },
  HOLD_RELEASE: { id: 'nothing', mayNot: [404] },
  RETENTION_RUN: { query: '?dry_run=true' },
  VERIFICATION: {},
  LOG_CHECKPOINT: { org: 'own', ledger: 'main' },
  LOG_VKEY: { org: 'own', ledger: 'main' },
  LOG_KEYS: { org: 'own', ledger: 'main' },
  LOG_ENTRIES: { org: 'own', ledger: 'main', path: '000.p/1' },
  LOG_TILE: { org: 'own', ledger: 'main', path: '0/000.p/1' },
  LOG_ROTATE: { query: '?ledger=x', mayNot: [400] },
  KEY_LIST: {},
  KEY_CREATE: { body: {}, mayNot: [400] },
  KEY: { id: 'key' },
  KEY_CHANGE: { id: 'key', body: { role: 'writer', name: 'x' } },
  KEY_REVOKE: { id: 'key', headers: { 'If-Match': '"999"' }, mayNot: [412] },
  KEY_ROTATE: { id: 'key', body: { overlap: -1 }, mayNot: [400] },
  ME: {},
  TOKEN: { body: '', mayNot: [400] },
  ROLE_LIST: {},
  ROLE_CREATE: { body: {}, mayNot: [400] },
  ROLE: { name: 'role' },
  ROLE_CHANGE: { name: 'role', body: { permissions: 'events:read' } },
  ROLE_DELETE: { name: 'role', headers: { 'If-Match': '"999"' }, mayNot: [412] },
  PERMISSIONS: {},
  USER_LIST: {},
  USER_CREATE: { body: {}, mayNot: [400] },
  USER: { id: 'user' },
  USER_CHANGE: { id: 'user', body: {}, mayNot: [400] },
  USER_RESET: { id: 'user' },
  USER_TOTP_REMOVE: { id: 'user', mayNot: [404] },
  PASSWORD_SET: { body: {}, mayNot: [400, 401, 403] },
  TOTP_SET: { body: {}, mayNot: [400, 403] },
  TOTP_REMOVE: { body: {}, mayNot: [400, 403] },
  SESSION_CREATE: { body: {}, mayNot: [400, 401] },
  SESSION: { mayNot: [403, 404] },
  SESSION_END: { mayNot: [403, 404] },
  SESSION_LIST: { mayNot: [403] },
  SESSION_REVOKE: { id: 'nothing', mayNot: [403, 404] },
  ORG_LIST: {},
  ORG_CREATE: { body: {}, mayNot: [400] },
  ORG: { org: 'own' },
  ORG_CHANGE: { org: 'own', body: { name: '' }, mayNot: [400] },
  ORG_KEY_CREATE: { org: 'own', body: {}, mayNot: [400] },
  ORG_OWN: {},
  ORG_OWN_CHANGE: { body: { name: 'Own' } },
  SEAL: {},
  HEALTH: {},
  READY: {},
  METRICS: {},
  OPENAPI: {},
  DOCS_PLACE: { mayNot: [308] },
  DOCS: {},
  DOCS_ASSET: { path: 'docs.js' },
  CARBON_BLACK_QUEUE: { org: 'own' },
  CARBON_BLACK_SEARCH: { org: 'own', body: {} },
  CARBON_BLACK_EXPORT: { org: 'own', body: {}, mayNot: [400] },
  CARBON_BLACK_APPEND: { org: 'own', body: { description: 'sample' } },
  CARBON_BLACK_JOBS: { org: 'own' },
  CARBON_BLACK_JOB: { org: 'own', job: '0', mayNot: [404] },
  CARBON_BLACK_PROGRESS: { org: 'own', job: '0', mayNot: [404] },
  CARBON_BLACK_DOWNLOAD: { org: 'own', job: '0', mayNot: [404] },
  CARBON_BLACK_V3: {},
  THREATKEY_SEARCH: {},
  THREATKEY_APPEND: { body: { User: 'sample', Action: 'sample' } },
  KEEPNET_TOKEN: { body: '', mayNot: [400, 500] },
  KEEPNET_SEARCH: { body: KEEPNET_BODY },
  KEEPNET_SEARCH_ONE: { body: KEEPNET_BODY },
  KEEPNET_LIST: { body: KEEPNET_BODY },
  KEEPNET_EXPORT: { body: KEEPNET_BODY },
  KEEPNET_AUDIT: { body: { action: 'Create', logMessage: 'sample' } },
  KEEPNET_IMPORT: { body: { operation: 'Create' } },
  KORE_SEARCH: { refusedAs: 401 },
  KORE_APPEND: { body: { action: 'sample' }, refusedAs: 401 },
  THREATKEY_SEARCH: {},
  THREATKEY_APPEND: { body: { Action: 'sample' } },
  UNQORK_TOKEN: { body: '', mayNot: [415] },
  UNQORK_LIST: { query: '?startDatetime=2025-01-01T00:00:00.000Z&endDatetime=2025-01-01T01:00:00.000Z' },
  UNQORK_APPEND: { body: { action: 'sample' } },
  UNQORK_FILE: { name: 'nothing', mayNot: [403, 404] },
};

const holes = (route, of) => route.path.replace(/{(\w+)\*?}/g, (_, hole) => (hole === 'path' ? of.path : (things[of[hole]] ?? of[hole])));

// The status, and the first bytes of the answer: some never end.
function ask(route, of, key) {
  const body = of.body === undefined ? undefined : typeof of.body === 'string' ? of.body : JSON.stringify(of.body);
  return new Promise((done, fail) => {
    const req = http.request(
      {
        host: '127.0.0.1',
        port: s.port,
        method: route.method,
        path: holes(route, of) + (of.query ?? ''),
        agent: false,
        localAddress: `127.0.${++asked >> 8}.${asked & 255}`, // guesses are throttled by address
        headers: { ...(key ? { Authorization: `Bearer ${key}` } : {}), 'Content-Length': body ? Buffer.byteLength(body) : 0, ...of.headers },
      },
      (res) => {
        let text = '';
        const end = () => {
          clearTimeout(timer);
          res.destroy();
          done({ status: res.statusCode, text });
        };
        const timer = setTimeout(end, 200);
        res.on('data', (d) => (text += d));
        res.on('end', end);
        res.on('error', end);
      },
    );
    req.on('error', fail);
    req.end(body);
  });
}

const make = async (path, body, key) => {
  const answer = await s.request('POST', path, { body, key });
  assert.ok(answer.status < 300, `${path}: ${answer.text}`);
  return answer.json;
};

async function makeThings(key) {
  things.event = (await make('/v1/events', { action: 'secret of own' }, key)).ids[0];
  things.saved = (await make('/v1/searches', { name: 'sample' }, key)).id;
  things.consumer = (await make('/v1/consumers', { name: 'sample' }, key)).name;
  things.role = (await make('/v1/roles', { name: 'sample', permissions: 'events:read' }, key)).name;
  things.key = (await make('/v1/keys', { name: 'sample', role: 'writer' }, key)).client_id;
  things.user = (await make('/v1/users', { email: 'sample@example.com', name: 'Sample', role: 'writer' }, key)).id;
  things.job = (await make('/v1/exports', { format: 'ndjson' }, key)).id;
  for (let i = 0; i < 100; i++) {
    if ((await s.get(`/v1/exports/${things.job}`, { key })).json.state === 'done') return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

before(async () => {
  s = await startServer();
  const made = await make('/v1/orgs', { org_key: 'own', name: 'Own', key: true });
  own.owner = made.key?.api_key ?? made.api_key;
  const second = await make('/v1/orgs', { org_key: 'other', name: 'Other', key: true });
  other = second.key?.api_key ?? second.api_key;
  for (const role of Object.keys(roles())) {
    if (role === 'owner' || role === 'operator') continue;
    own[role] = (await make('/v1/keys', { name: role, role }, own.owner)).api_key;
  }
  await makeThings(own.owner);
});

after(() => s.close());

test('every route has a sample here', () => {
  assert.deepEqual(Object.keys(SAMPLES).toSorted(), routes().map((r) => r.name).toSorted());
});

test('who may is let in, and nobody else', async () => {
  for (const route of routes()) {
    const of = SAMPLES[route.name];
    for (const [role, rights] of Object.entries(roles())) {
      const key = role === 'operator' ? s.key : own[role];
      if (role === 'operator' && route.path.includes('{') && !route.permission.startsWith('ORGS')) continue; // of another org
      const { status, text } = await ask(route, of, key);
      const where = `${route.name} as ${role}: ${status} ${text.slice(0, 200)}`;
      if (route.permission === 'NONE' || rights.has(route.permission))
        assert.ok((status >= 200 && status < 300) || (of.mayNot ?? []).includes(status), where);
      else assert.equal(status, of.refusedAs ?? 403, where);
    }
  }
});

test('without a key nothing is told but what is for everybody', async () => {
  for (const route of routes()) {
    const of = SAMPLES[route.name];
    for (const key of [undefined, 'x', `stele_${'0'.repeat(16)}_${'0'.repeat(64)}`]) {
      const { status, text } = await ask(route, of, key);
      const where = `${route.name}: ${status} ${text.slice(0, 200)}`;
      if (route.isOpen) assert.ok(status < 300 || (of.mayNot ?? []).includes(status), where);
      else assert.equal(status, 401, where);
      assert.doesNotMatch(text, /secret of own/);
    }
  }
});

test('what another org has is as if it were not there', async () => {
  for (const route of routes()) {
    const of = SAMPLES[route.name];
    const { status, text } = await ask(route, of, other);
    const where = `${route.name}: ${status} ${text.slice(0, 200)}`;
    assert.doesNotMatch(text, /secret of own/, where);
    if (!route.path.includes('{') || route.permission === 'NONE') continue;
    if (route.permission === 'ORGS' || route.name === 'UNQORK_FILE') assert.ok([403, 404].includes(status), where);
    else assert.ok([404, 400].includes(status) && !(status === 400 && !(of.mayNot ?? []).includes(400)), where);
    const nowhere = await ask(route, { ...of, ...Object.fromEntries(['id', 'name', 'org'].filter((h) => of[h]).map((h) => [h, h === 'org' ? 'nobody' : 'f'.repeat(things[of[h]]?.length ?? 8)])) }, other);
    assert.equal(nowhere.status, status, `${where}, and of what is not there ${nowhere.status}`);
  }
  assert.equal((await ask({ method: 'GET', path: '/v1/events/{id}' }, { id: 'event' }, own.owner)).status, 200, 'all of it is still there');
});
