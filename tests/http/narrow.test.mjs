// Narrowed keys: through every resource that shows events they see what a filter over all events leaves, and nothing
// tells them of the rest. Who may read the self ledger.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { cookieOf, makeUser, signIn } from './people.mjs';
import { sleep, startServer, within } from './server.mjs';
import { readZip } from './zip.mjs';

const seed = Number(process.env.STELE_TEST_SEED ?? Date.now() % 1e9);
let state = seed;
const random = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const pick = (list) => list[random(list.length)];

const ACTIONS = ['create', 'read', 'update', 'delete'];
const ACTORS = ['u1', 'u2', 'u3', 'u4', 'u5'];
const TYPES = ['role', 'user', 'file'];
const TOTAL = 600;

// A condition as text, and what it means: the twin.
const conditions = [
  ...ACTIONS.map((a) => [`action:="${a}"`, (e) => e.action === a]),
  ...ACTORS.map((a) => [`actor.id:="${a}"`, (e) => e.actor?.id === a]),
  ...TYPES.map((t) => [`entity.type:${t}`, (e) => e.entity?.type === t]),
  ['actor:*', (e) => e.actor !== undefined],
  ['attributes.n:[100 TO 400]', (e) => e.attributes.n >= 100 && e.attributes.n <= 400],
  ['description:/^x.*7/', (e) => /^x.*7/.test(e.description)],
  ['description:x1*', (e) => e.description.split(' ').some((w) => w.startsWith('x1'))],
];

function condition(depth = 2) {
  if (depth === 0 || random(3) === 0) return pick(conditions);
  const [a, b] = [condition(depth - 1), condition(depth - 1)];
  return pick([
    [`(${a[0]}) (${b[0]})`, (e) => a[1](e) && b[1](e)],
    [`(${a[0]}) OR (${b[0]})`, (e) => a[1](e) || b[1](e)],
    [`NOT (${a[0]})`, (e) => !a[1](e)],
  ]);
}

function event() {
  const n = random(1000);
  return {
    action: pick(ACTIONS),
    ...(random(5) ? { actor: { id: pick(ACTORS) } } : {}),
    ...(random(4) ? { entity: { type: pick(TYPES), id: `e${n}` } } : {}),
    description: `x${n} y${random(10)}`,
    attributes: { n },
    time: new Date(Date.now() - random(86400000)).toISOString(),
  };
}

let s;
let all; // every event of the ledger as it is stored, oldest first
before(async () => {
  console.log(`# STELE_TEST_SEED=${seed}`);
  s = await startServer();
  await s.append(Array.from({ length: TOTAL }, event), '?wait=proof');
  all = await s.all();
});
after(() => s.close());

async function make(body) {
  const res = await s.request('POST', '/v1/keys', { body: { role: 'auditor', ...body } });
  assert.equal(res.status, 201, res.text);
  return res.json;
}

const ids = (events) => events.map((e) => e.id);
const count = (events, value) => {
  const counts = new Map();
  for (const e of events) if (value(e) !== undefined) counts.set(value(e), (counts.get(value(e)) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
};

async function pages(key, params) {
  const found = [];
  let cursor;
  do {
    const res = await s.search({ ...params, limit: 37, ...(cursor ? { cursor } : {}) }, { key });
    assert.equal(res.status, 200, res.text);
    found.push(...res.json.events);
    cursor = res.json.next_cursor;
  } while (cursor);
  return found;
}

function download(path, key) {
  return new Promise((done, fail) => {
    http.get({ host: '127.0.0.1', port: s.port, path, agent: false, headers: { Authorization: `Bearer ${key}` } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => done({ status: res.statusCode, bytes: Buffer.concat(parts) }));
    }).on('error', fail);
  });
}

const lines = (bytes) => bytes.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));
const cells = (bytes) => bytes.toString().split('\r\n').slice(1).filter(Boolean);

async function job(key, body) {
  const made = await s.request('POST', '/v1/exports', { key, body });
  assert.equal(made.status, 202, made.text);
  for (let i = 0; i < 400; i++) {
    const { state } = (await s.get(`/v1/exports/${made.json.id}`, { key })).json;
    if (state === 'done') break;
    assert.ok(['queued', 'running'].includes(state), state);
    await sleep(25);
  }
  return { id: made.json.id, bytes: (await download(`/v1/exports/${made.json.id}/download`, key)).bytes };
}

// What a key shows of a query, through every resource, against the events that should be seen.
async function check(key, query, visible, matches = () => true, params = {}) {
  const seen = visible.filter(matches);
  const url = (path, more) => `${path}?${new URLSearchParams({ query, ...params, ...more })}`;
  const oldest = await pages(key, { query, order: 'oldest', total: 'exact', ...params });
  assert.deepEqual(oldest, seen);
  assert.deepEqual(ids(await pages(key, { query, ...params })), ids(seen).reverse());
  const sorted = ids(await pages(key, { query, sort: 'attributes.n', order: 'asc', ...params }));
  assert.deepEqual(sorted.slice().sort(), ids(seen).sort());
  const posted = await s.request('POST', '/v1/search', { key, body: { query, total: 'exact', limit: 10000, order: 'oldest', ...params } });
  assert.deepEqual(posted.json.events, seen);
  assert.deepEqual(posted.json.total, { value: seen.length, relation: 'eq' });

  const facets = await s.get(url('/v1/facets', { fields: 'action,actor.id', limit: 100 }), { key });
  assert.deepEqual(facets.json.facets[0].values, count(seen, (e) => e.action));
  assert.deepEqual(facets.json.facets[1].values, count(seen, (e) => e.actor?.id));
  assert.equal(facets.json.facets[1].missing, seen.filter((e) => !e.actor?.id).length);
  assert.equal(facets.json.total.value, seen.length);
  const histogram = (await s.get(url('/v1/histogram', { interval: '1h', split: 'action' }), { key })).json;
  assert.equal(histogram.total.value, seen.length);
  for (const bucket of histogram.buckets) {
    const [from, to] = [Date.parse(bucket.time), Date.parse(bucket.time) + 3600000];
    assert.equal(bucket.count, seen.filter((e) => Date.parse(e.time) >= from && Date.parse(e.time) < to).length);
  }
  assert.deepEqual(histogram.split.values, count(seen, (e) => e.action).map((v) => v.value));
  // Where no period is given its ends are those of what the key sees, whether it matches or not.
  const times = visible.map((e) => Date.parse(e.time)).sort((a, b) => a - b);
  const hour = (ms) => Math.floor(ms / 3600000) * 3600000;
  if (times.length === 0) assert.deepEqual(histogram.buckets, []);
  else if (!params.from) assert.equal(Date.parse(histogram.buckets[0].time), hour(times[0]));
  if (times.length > 0 && histogram.buckets.length > 0) assert.equal(Date.parse(histogram.buckets.at(-1).time), hour(times.at(-1)));

  for (const [format, read] of [['ndjson', lines], ['json', JSON.parse], ['zip', (b) => lines(readZip(b)['events.ndjson'])]])
    assert.deepEqual(read((await download(url('/v1/export', { format }), key)).bytes), seen, format);
  assert.deepEqual(cells((await download(url('/v1/export', { format: 'csv', columns: 'id' }), key)).bytes), ids(seen));
}

test('through every resource a narrowed key sees what a filter leaves', async () => {
  for (const sealed of [false, true]) {
    if (sealed) assert.equal((await s.request('POST', '/v1/seal')).status, 200);
    for (let round = 0; round < 6; round++) {
      const [narrow, sees] = condition();
      const [query, matches] = condition();
      const { api_key: key } = await make({ query: narrow });
      const visible = all.filter(sees);
      await check(key, '', visible);
      await check(key, query, visible, matches);
      const from = new Date(Date.now() - random(86400000)).toISOString();
      await check(key, query, visible, (e) => matches(e) && Date.parse(e.time) >= Date.parse(from), { from });
    }
  }
});

test('single events: what is not seen is not there', async () => {
  const { api_key: key } = await make({ query: 'action:="delete" OR actor.id:="u1"' });
  const sees = (e) => e.action === 'delete' || e.actor?.id === 'u1';
  const none = (await s.get(`/v1/events/${'0'.repeat(32)}`, { key })).text;
  const noneAround = (await s.get(`/v1/events/${'0'.repeat(32)}/around`, { key })).text;
  for (const e of all.filter((_, i) => i % 7 === 0)) {
    const [one, around, proof] = await Promise.all(['', '/around?before=3&after=3', '/proof'].map((tail) => s.get(`/v1/events/${e.id}${tail}`, { key })));
    const after = await s.search({ after: e.id, order: 'oldest', limit: 5 }, { key });
    const unproved = await s.get(`/v1/events/${e.id}/proof?wait=true`, { key });
    if (!sees(e)) {
      assert.deepEqual([one.status, around.status, proof.status, unproved.status, after.status], [404, 404, 404, 404, 400]);
      assert.equal(one.text, none);
      assert.equal(around.text, noneAround);
      continue;
    }
    assert.deepEqual([one.json, proof.status, unproved.status], [e, 200, 200]);
    const at = all.findIndex((x) => x.id === e.id);
    const behind = all.slice(at + 1).filter(sees);
    assert.deepEqual(around.json.before, all.slice(0, at).filter(sees).slice(-3));
    assert.deepEqual(around.json.after, behind.slice(0, 3));
    assert.deepEqual(ids(after.json.events), ids(behind.slice(0, 5)));
  }
});

// A follower: `events` that came, `over` once the server ends it.
function follow(key, params = {}, headers = { Authorization: `Bearer ${key}` }) {
  return new Promise((done, fail) => {
    const path = `/v1/tail?${new URLSearchParams(params)}`;
    const tail = { events: [], text: '' };
    tail.req = http.get({ host: '127.0.0.1', port: s.port, path, agent: false, headers }, (res) => {
      tail.over = new Promise((end) => res.on('close', end));
      res.on('error', () => {});
      res.on('data', (d) => {
        tail.text += d;
        tail.events = [...tail.text.matchAll(/^data: (\{"action".*)$/gm)].map((m) => JSON.parse(m[1]));
      });
      res.once('data', () => done(tail));
    });
    tail.req.on('error', fail);
  });
}

test('a follower gets what its key sees, until the key ends or sees something else', async () => {
  const { api_key: key, client_id } = await make({ query: 'action:="delete"' });
  const tail = await follow(key);
  const narrower = await follow(key, { query: 'actor.id:u1' });
  const unseen = all.find((e) => e.action !== 'delete');
  assert.equal((await s.get(`/v1/tail?after=${unseen.id}`, { key })).status, 400);
  const sent = Array.from({ length: 60 }, event);
  await s.append(sent);
  const due = sent.filter((e) => e.action === 'delete');
  for (let i = 0; i < 200 && tail.events.length < due.length; i++) await sleep(25);
  await sleep(300);
  assert.deepEqual(tail.events.map((e) => e.description), due.map((e) => e.description));
  assert.deepEqual(
    narrower.events.map((e) => e.description),
    due.filter((e) => e.actor?.id === 'u1').map((e) => e.description),
  );
  await s.request('PUT', `/v1/keys/${client_id}`, { body: { query: 'action:="create"' } });
  await s.append({ action: 'delete', description: 'late' });
  await within(5000, tail.over);
  assert.match(tail.text, /event: error/);
  assert.equal(tail.text.includes('late'), false);
  narrower.req.destroy();

  const ended = await make({ query: 'action:="delete"' });
  const last = await follow(ended.api_key);
  await s.request('DELETE', `/v1/keys/${ended.client_id}`);
  await s.append({ action: 'delete', description: 'later' });
  await within(5000, last.over);
  assert.match(last.text, /revoked/);
  assert.equal(last.text.includes('later'), false);
  all = await s.all();
});

test('a follower who signed in is cut off with the user, the session and the role', async () => {
  const ends = [
    ({ id }) => s.request('PUT', `/v1/users/${id}`, { body: { disabled: true } }),
    ({ id }) => s.request('PUT', `/v1/users/${id}`, { body: { role: 'writer' } }),
    ({ session }) => s.request('DELETE', `/v1/sessions/${session}`),
  ];
  for (const [i, end] of ends.entries()) {
    const email = `follower${i}@example.com`;
    const { id } = await makeUser(s, email, { role: 'analyst' });
    const answer = await signIn(s, { org: 'default', email });
    assert.equal(answer.status, 201, answer.text);
    const tail = await follow(null, {}, { Cookie: cookieOf(answer) });
    await s.append({ action: 'create', description: 'seen' });
    for (let k = 0; k < 200 && tail.events.length < 1; k++) await sleep(25);
    assert.equal(tail.events.length, 1);
    const session = (await s.get('/v1/sessions')).json.sessions.find((x) => x.email === email || x.user?.email === email)?.id;
    const done = await end({ id, session });
    assert.ok([200, 204].includes(done.status), done.text);
    await s.append({ action: 'create', description: 'unseen' });
    await within(5000, tail.over);
    assert.match(tail.text, /event: error/);
    assert.equal(tail.text.includes('unseen'), false);
  }
  all = await s.all();
});

test('export jobs: their file is narrowed, and only those narrowed alike see the job', async () => {
  const a = await make({ query: 'action:="read"' });
  const alike = await make({ query: 'action:="read"' });
  const b = await make({ query: 'action:="update"' });
  const own = await job(a.api_key, { format: 'ndjson', query: 'actor:*' });
  assert.deepEqual(lines(own.bytes), all.filter((e) => e.action === 'read' && e.actor));
  const zip = await job(a.api_key, { format: 'zip' });
  assert.deepEqual(lines(readZip(zip.bytes)['events.ndjson']), all.filter((e) => e.action === 'read'));
  const whole = await job(s.key, { format: 'ndjson' });
  const seen = async (key) => (await s.get('/v1/exports', { key })).json.exports.map((x) => x.id).sort();
  assert.deepEqual(await seen(s.key), [own.id, zip.id, whole.id].sort());
  assert.deepEqual(await seen(a.api_key), [own.id, zip.id].sort());
  assert.deepEqual(await seen(alike.api_key), [own.id, zip.id].sort());
  assert.deepEqual(await seen(b.api_key), []);
  const none = (await s.get(`/v1/exports/${'0'.repeat(32)}`, { key: b.api_key })).text;
  for (const [method, tail] of [['GET', ''], ['GET', '/download'], ['DELETE', '']]) {
    const res = await s.request(method, `/v1/exports/${own.id}${tail}`, { key: b.api_key });
    assert.deepEqual([res.status, res.text], [404, none]);
    assert.equal((await s.request(method, `/v1/exports/${whole.id}${tail}`, { key: a.api_key })).status, 404);
  }
  assert.equal((await s.get(`/v1/exports/${whole.id}`)).status, 200);
});

test('consumers read what the key sees, and only those narrowed alike see them', async () => {
  const read = async (name, key) => {
    const found = [];
    for (;;) {
      const res = await s.get(`/v1/consumers/${name}/events?ack=auto&limit=50`, { key });
      assert.equal(res.status, 200, res.text);
      if (res.json.events.length === 0) return found;
      found.push(...res.json.events);
    }
  };
  const a = await make({ query: 'action:="read"' });
  const alike = await make({ query: 'action:="read"' });
  const b = await make({ query: 'action:="update"' });
  assert.equal((await s.request('POST', '/v1/consumers', { key: a.api_key, body: { name: 'narrow', query: 'actor:*' } })).status, 201);
  assert.equal((await s.request('POST', '/v1/consumers', { body: { name: 'whole' } })).status, 201);
  const due = all.filter((e) => e.action === 'read' && e.actor);
  assert.deepEqual(await read('narrow', a.api_key), due);
  assert.deepEqual(await read('whole', s.key), all);
  const names = async (key) => (await s.get('/v1/consumers', { key })).json.consumers.map((c) => c.name);
  assert.deepEqual([await names(a.api_key), await names(alike.api_key), await names(b.api_key)], [['narrow'], ['narrow'], []]);
  for (const [key, name] of [[b.api_key, 'narrow'], [a.api_key, 'whole']]) {
    for (const tail of ['', '/events']) assert.equal((await s.get(`/v1/consumers/${name}${tail}`, { key })).status, 404);
    assert.equal((await s.request('POST', `/v1/consumers/${name}/seek`, { key, body: { position: 0 } })).status, 404);
    assert.equal((await s.request('DELETE', `/v1/consumers/${name}`, { key })).status, 404);
  }
});

test('cursors are bound to what the key sees', async () => {
  const key = await make({ query: 'action:="read"' });
  const first = await s.search({ limit: 3 }, { key: key.api_key });
  const cursor = first.json.next_cursor;
  assert.equal((await s.search({ limit: 3, cursor }, { key: key.api_key })).status, 200);
  assert.equal((await s.search({ limit: 3, cursor })).status, 400);
  await s.request('PUT', `/v1/keys/${key.client_id}`, { body: { query: 'action:="update"' } });
  assert.equal((await s.search({ limit: 3, cursor }, { key: key.api_key })).status, 400);
  const now = await s.search({ limit: 1000 }, { key: key.api_key });
  assert.deepEqual(ids(now.json.events), ids(all.filter((e) => e.action === 'update')).reverse());
});

test('no query gets out of what narrows it', async () => {
  const { api_key: key } = await make({ query: 'action:="read"' });
  const reads = all.filter((e) => e.action === 'read').length;
  for (const query of ['*', 'a OR *', '-zzz', 'NOT action:read OR NOT zzz', '(*) OR (*)'])
    assert.equal((await s.search({ query, total: 'exact', limit: 1 }, { key })).json.total.value <= reads, true, query);
  for (const query of [') OR (*', '*) OR (*', '"', 'a) OR (b'])
    assert.equal((await s.search({ query }, { key })).status, 400, query);
});

test('what cannot be narrowed is refused', async () => {
  const { api_key: key } = await make({ query: 'action:="read"' });
  for (const path of ['/v1/fields', '/log/default/main/tile/entries/000.p/1']) {
    const res = await s.get(path, { key });
    assert.equal(res.status, 403, res.text);
    assert.equal((await s.get(path)).status, 200, path);
  }
  assert.equal((await s.get('/log/default/main/checkpoint', { key })).status, 200);
  assert.equal((await s.get('/log/default/main/tile/0/000.p/1', { key })).status, 200);
});

test('the self ledger needs self:read, through every resource', async () => {
  const analyst = (await make({ role: 'analyst' })).api_key;
  const auditor = (await make({ role: 'auditor' })).api_key;
  const narrow = (await make({ role: 'auditor', query: 'action:key.created' })).api_key;
  const event = (await s.search({ ledger: 'self', query: 'action:key.created' })).json.events[0];
  const other = (await s.search({ ledger: 'self', query: 'action:key.changed' })).json.events[0];
  const paths = [
    '/v1/events?ledger=self',
    `/v1/events/${event.id}?ledger=self`,
    `/v1/events/${event.id}/around?ledger=self`,
    `/v1/events/${event.id}/proof?ledger=self&wait=true`,
    '/v1/facets?ledger=self&fields=action',
    '/v1/histogram?ledger=self',
    '/v1/fields?ledger=self',
    '/v1/export?ledger=self&format=ndjson',
    '/log/default/self/tile/entries/000.p/1',
  ];
  for (const path of paths) {
    assert.equal((await s.get(path, { key: analyst })).status, 403, path);
    assert.equal((await s.get(path, { key: auditor })).status, 200, path);
  }
  assert.equal((await s.get('/v1/tail?ledger=self', { key: analyst })).status, 403);
  for (const body of [{ ledger: 'self' }, { ledger: 'self', query: 'a' }])
    assert.equal((await s.request('POST', '/v1/search', { key: analyst, body })).status, 403);
  assert.equal((await s.request('POST', '/v1/exports', { key: analyst, body: { ledger: 'self', format: 'json' } })).status, 403);
  const made = await job(auditor, { ledger: 'self', format: 'ndjson' });
  assert.equal((await s.get(`/v1/exports/${made.id}`, { key: analyst })).status, 404);
  assert.equal((await s.get(`/v1/exports/${made.id}/download`, { key: analyst })).status, 404);

  assert.equal((await s.get(`/v1/events/${event.id}?ledger=self`, { key: narrow })).status, 200);
  assert.equal((await s.get(`/v1/events/${other.id}?ledger=self`, { key: narrow })).status, 404);
  const seen = (await s.search({ ledger: 'self', limit: 1000 }, { key: narrow })).json.events;
  assert.deepEqual([...new Set(seen.map((e) => e.action))], ['key.created']);
});
