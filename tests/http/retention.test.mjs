// /v1/retention: policies, holds, passes; and that nobody can remove an event in any other way.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeFolder, Server, startServer, stele, STELE } from './server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const ROLES = ['operator', 'owner', 'admin', 'auditor', 'analyst', 'writer'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE'];

// A key of each role, put into control.db, since no interface makes keys.
function makeKeys(folder) {
  const keys = Object.fromEntries(ROLES.map((role) => [role, { id: randomBytes(8).toString('hex'), secret: randomBytes(32).toString('hex') }]));
  const rows = ROLES.map((role) => [keys[role].id, createHash('sha256').update(keys[role].secret).digest('hex'), role]);
  execFileSync('python3', ['-c', `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for row in json.loads(sys.argv[2]):
    db.execute("INSERT INTO api_keys (client_id, secret_hash, org, role, created) VALUES (?, ?, 1, ?, 0)", row)
db.commit()`, join(folder, 'control.db'), JSON.stringify(rows)]);
  return Object.fromEntries(ROLES.map((role) => [role, `stele_${keys[role].id}_${keys[role].secret}`]));
}

let s;
let keys;
before(async () => {
  s = await startServer();
  await s.stop();
  keys = makeKeys(s.folder);
  await s.start();
});
after(() => s.close());

const get = (options) => s.get('/v1/retention', options);
const put = (body, options) => s.request('PUT', '/v1/retention', { body, ...options });
const hold = (body, options) => s.request('POST', '/v1/retention/holds', { body, ...options });
const release = (id, options) => s.request('DELETE', `/v1/retention/holds/${id}`, options);
const run = (query = '', options) => s.request('POST', `/v1/retention/run${query}`, { body: '', ...options });
const self = async (query) => (await s.all({ ledger: 'self', query }));

test('everything is kept for ever at first', async () => {
  const res = await get();
  assert.equal(res.status, 200, res.text);
  assert.deepEqual(res.json, {
    account_type: '',
    days: 'plan',
    plans: {},
    effective: { days: 0, source: 'default', held: false },
    ledger: { first_index: 0, size: 0 },
    due: { segments: 0, records: 0, bytes: 0, blocked: false },
    pending: false,
    holds: [],
  });
});

test('a policy is set, told, and kept over a restart', async () => {
  const res = await put({ account_type: 'free', plans: 'free=30,team=365' });
  assert.equal(res.status, 200, res.text);
  assert.deepEqual(res.json.effective, { days: 30, source: 'plan', held: false });
  assert.deepEqual(res.json.plans, { free: 30, team: 365 });
  assert.equal(res.json.updated_by, s.bootstrap.client_id);
  const own = await put({ account_type: 'free', days: 90 });
  assert.deepEqual(own.json.effective, { days: 90, source: 'own', held: false });
  assert.deepEqual(own.json.plans, { free: 30, team: 365 }, 'those not given stay');
  await s.stop();
  await s.start();
  assert.deepEqual((await get()).json.effective, { days: 90, source: 'own', held: false });
  const events = await self('action:retention.changed');
  assert.equal(events.length, 2);
  assert.deepEqual(events[1].before, { account_type: 'free', days: 'plan', plans: { free: 30, team: 365 } });
  assert.deepEqual(events[1].after, { account_type: 'free', days: 90, plans: { free: 30, team: 365 } });
  assert.equal(events[1].actor.id, s.bootstrap.client_id);
  assert.equal((await put({})).json.effective.days, 0, 'no account type, by plan');
});

test('what is no policy is refused and changes nothing', async () => {
  const before = (await get()).text;
  for (const [body, field] of [
    [{ days: -1 }, 'days'], [{ days: 36501 }, 'days'], [{ days: 'soon' }, 'days'], [{ days: 1.5 }, 'days'],
    [{ account_type: 'a b' }, 'account_type'], [{ plans: 'free' }, 'plans'], [{ unknown: 1 }, 'unknown'],
  ]) {
    const res = await put(body);
    assert.equal(res.status, 400, res.text);
    assert.equal(res.json.error.details.field, field, res.text);
  }
  assert.equal((await put('[]')).status, 400);
  assert.equal((await get()).text, before);
});

test('holds are made and released, never deleted', async () => {
  const made = await hold({ reason: 'Case 17, ä' });
  assert.equal(made.status, 201, made.text);
  assert.match(made.json.id, /^[0-9a-f]{16}$/);
  assert.equal((await get()).json.effective.held, true);
  const gone = await release(made.json.id);
  assert.equal(gone.status, 200, gone.text);
  assert.equal(gone.json.released_by, s.bootstrap.client_id);
  assert.equal((await release(made.json.id)).status, 404);
  assert.equal((await release('0123456789abcdef')).status, 404);
  const { holds, effective } = (await get()).json;
  assert.equal(effective.held, false);
  assert.deepEqual(holds, [gone.json]);
  assert.equal((await hold({})).status, 400);
  assert.equal((await hold({ reason: 'x'.repeat(501) })).json.error.details.field, 'reason');
  const [created] = await self('action:retention.hold_created');
  assert.deepEqual(created.after, { id: made.json.id, reason: 'Case 17, ä', released: false });
  const [released] = await self('action:retention.hold_released');
  assert.deepEqual([released.before.released, released.after.released], [false, true]);
});

test('only the owner says how long events are kept', async () => {
  for (const role of ROLES) {
    const key = keys[role];
    const may = ['operator', 'owner'].includes(role);
    assert.equal((await get({ key })).status, role === 'writer' ? 403 : 200, role);
    assert.equal((await put({}, { key })).status, may ? 200 : 403, role);
    const made = await hold({ reason: role }, { key });
    assert.equal(made.status, may ? 201 : 403, role);
    assert.equal((await release(made.json.id ?? '0123456789abcdef', { key })).status, may ? 200 : 403, role);
    assert.equal((await run('?dry_run=true', { key })).status, role === 'operator' ? 200 : 403, role);
  }
});

// ---- nothing else removes events ----

// Everything of a ledger, byte for byte as far as JSON has it.
const contents = async (ledger) => (await s.all({ ledger })).map((e) => JSON.stringify(e));

function routes() {
  const text = readFileSync(resolve(here, '../../src/api/route.tbl'), 'utf8');
  return [...new Set([...text.matchAll(/^ROUTE\(\w+, \w+,\s+"([^"]+)"/gm)].map((m) => m[1]))];
}

// Sends a request and takes the first bytes of its answer: some answers never end.
function poke(method, path, key, body) {
  return new Promise((done) => {
    const req = http.request({ host: '127.0.0.1', port: s.port, method, path, agent: false, headers: { Authorization: `Bearer ${key}`, 'Content-Length': Buffer.byteLength(body) } }, (res) => {
      const end = () => {
        clearTimeout(timer);
        res.destroy();
        done(res.statusCode);
      };
      const timer = setTimeout(end, 300);
      res.on('data', () => {});
      res.on('end', end);
      res.on('error', end);
    });
    req.on('error', () => done(0));
    req.end(body);
  });
}

test('no method of any resource, as any role, removes or changes an event', async () => {
  await s.append(Array.from({ length: 700 }, (_, i) => ({ action: 'kept', attributes: { i } })), '?ids=false');
  await s.request('POST', '/v1/seal', { body: '' });
  const made = await s.append([{ action: 'kept too' }, { action: 'and this' }]);
  const was = await contents('main');
  let selfWas = await contents('self');
  let seen = was.length;
  const paths = routes();
  assert.ok(paths.length > 15 && paths.includes('/v1/events/{id}'), paths.join(' '));
  const bodies = ['', '{}', '{"action":"appended"}', '{"query":"","reason":"x","days":1,"dry_run":false}'];

  for (const pattern of paths) {
    const path = pattern.replace('{id}', made.json.ids[0]);
    for (const method of METHODS) {
      for (const role of ROLES) for (const body of bodies) await poke(method, path, keys[role], body);
    }
    const now = await contents('main');
    assert.deepEqual(now.slice(0, was.length), was, `${pattern} changed what was there`);
    if (pattern.startsWith('/v1/')) assert.ok(now.slice(seen).every((e) => JSON.parse(e).action === 'appended'), pattern); // dialects take rows in
    seen = now.length;
    const selfNow = await contents('self');
    assert.deepEqual(selfNow.slice(0, selfWas.length), selfWas, pattern);
    selfWas = selfNow;
    assert.equal((await get()).json.ledger.first_index, 0, pattern);
  }
  for (const path of ['/v1/events', `/v1/events/${made.json.ids[0]}`]) {
    for (const method of ['DELETE', 'PUT', 'PATCH']) {
      for (const role of ROLES) assert.equal(await poke(method, path, keys[role], '{}'), 405, `${method} ${path} ${role}`);
    }
  }
  await s.stop();
  assert.equal((await stele(['verify', '--data', s.folder])).code, 0);
  await s.start();
  assert.deepEqual((await contents('main')).slice(0, was.length), was);
});

// ---- expiry, in a folder whose events are old ----

const maker = join(dirname(STELE), 'tests/service/old_folder');

function diskBytes(folder) {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).blocks * 512, 0);
}

test('what is older than the policy goes, and what is left still verifies', { skip: !existsSync(maker) }, async () => {
  const folder = makeFolder();
  execFileSync(maker, [folder, '20']);
  const t = await new Server(folder).start();
  try {
    const segments = join(folder, 'segments', '1');
    const bytes = diskBytes(segments);
    const [oldest] = (await t.search({ order: 'oldest', limit: 1 })).json.events;
    assert.equal(oldest.attributes.day, 20);
    await t.request('PUT', '/v1/retention', { body: { days: 9 } });
    const { due } = (await t.get('/v1/retention')).json;
    assert.equal(due.records, 12 * 300);
    assert.deepEqual([due.segments, due.first_index, due.last_index], [12, 0, 12 * 300 - 1]);
    const dry = await stele(['retention', '--url', t.url, '--key', t.key, '--dry-run', '--json']);
    assert.deepEqual(JSON.parse(dry.stdout), { dry_run: true, orgs: 2, segments: 12, records: 3600, bytes: due.bytes, failed: 0 });
    const held = await t.request('POST', '/v1/retention/holds', { body: { reason: 'wait' } });
    assert.equal((await t.request('POST', '/v1/retention/run', { body: '' })).json.records, 0);
    await t.request('DELETE', `/v1/retention/holds/${held.json.id}`);

    const ran = await t.request('POST', '/v1/retention/run', { body: '' });
    assert.deepEqual(ran.json, { dry_run: false, orgs: 2, segments: 12, records: 3600, bytes: due.bytes, failed: 0 });
    assert.ok(diskBytes(segments) < bytes * 0.6, 'the disk is freed');
    const gone = await t.get(`/v1/events/${oldest.id}`);
    assert.equal(gone.status, 404);
    assert.match(gone.json.error.message, /has expired/);
    const all = await t.all();
    assert.equal(all.length, 8 * 300);
    assert.ok(all.every((e) => e.attributes.day < 9));
    const counted = await t.search({ limit: 1, total: 'exact', query: 'action:old' });
    assert.deepEqual(counted.json.total, { value: 2400, relation: 'eq' });
    const around = await t.get(`/v1/events/${all[0].id}/around?before=5&after=5`);
    assert.equal(around.json.before.length, 0);
    assert.equal(around.json.after.length, 5);
    const facets = await t.get('/v1/facets?fields=action');
    assert.equal(facets.json.facets[0].values[0].count, 2400);
    const [certificate] = await t.all({ ledger: 'self', query: 'action:retention.expired' });
    assert.equal(certificate.attributes.records, 3600);
    assert.equal(certificate.attributes.last_index, 3599);
    assert.match(certificate.attributes.root, /^[0-9a-f]{64}$/);
    assert.deepEqual(certificate.attributes.policy, { account_type: '', days: 9, source: 'own' });
    assert.match((await t.get('/metrics')).text, /^stele_records_expired_total 3600$/m);
    const journal = readdirSync(join(folder, 'journal')).map((name) => readFileSync(join(folder, 'journal', name)));
    assert.ok(journal.every((b) => b.length < 1 << 23), 'the journal was freed');

    await t.append({ action: 'new' }, '?wait=proof');
    for (const from of [0, 256, 3584, 3600, 4001, 6000]) assert.equal((await t.get(`/v1/log/consistency?from=${from}`)).status, 200, from);
    for (const from of [1, 1000, 3599]) {
      const none = await t.get(`/v1/log/consistency?from=${from}`);
      assert.equal(none.status, 404);
      assert.match(none.json.error.message, /retention removed the records before 3600/);
    }
    await t.stop();
    const checked = await stele(['verify', '--data', folder]);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
    const offline = await stele(['retention', '--data', folder, '--json']);
    assert.equal(JSON.parse(offline.stdout).records, 0, offline.stderr);
    await t.start();
    assert.equal((await t.all()).length, 2401);
    const res = await t.get('/v1/retention');
    assert.deepEqual(res.json.ledger, { first_index: 3600, size: 6001 });
  } finally {
    await t.close();
  }
});

test('the command says what it cannot do', async () => {
  assert.equal((await stele(['retention', '--data', '/nonexistent'])).code, 3);
  assert.equal((await stele(['retention', '--data', s.folder])).code, 3, 'a server has it open');
});
