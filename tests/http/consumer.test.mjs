// /v1/consumers: reading on, acknowledging, seeking, two readers at once, restarts and kills.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

const CONSUMERS_MAX = 100;
let s;
before(async () => {
  s = await startServer();
  await append(0, 50);
});
after(() => s.close());

const event = (n) => ({ action: n % 5 === 0 ? 'delete' : 'create', time: `2026-0${1 + (n % 9)}-01T00:00:00Z`, attributes: { n } });
async function append(from, count, server = s) {
  const res = await server.append(Array.from({ length: count }, (_, i) => event(from + i)));
  assert.equal(res.status, 201, res.text);
  return res.json.ids;
}

const make = (body, options) => s.request('POST', '/v1/consumers', { body, ...options });
const get = (name) => s.get(`/v1/consumers/${name}`);
const read = (name, query = '', server = s) => server.get(`/v1/consumers/${name}/events${query}`);
const ack = (name, position) => s.request('POST', `/v1/consumers/${name}/ack`, { body: { position } });
const seek = (name, body, options) => s.request('POST', `/v1/consumers/${name}/seek`, { body, ...options });
const remove = (name, options) => s.request('DELETE', `/v1/consumers/${name}`, options);
const numbers = (res) => res.json.events.map((e) => e.attributes.n);
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

function assertError(res, status, code, field) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.code, code);
  if (field) assert.equal(res.json.error.details.field, field, res.text);
}

async function made(body) {
  const res = await make(body);
  assert.equal(res.status, 201, res.text);
  return res;
}

test('is made, shown, listed and removed', async () => {
  const res = await made({ name: 'siem', query: 'action:delete' });
  const { created, created_by, ...rest } = res.json;
  assert.deepEqual(rest, { name: 'siem', ledger: 'main', query: 'action:delete', position: 0, size: 50, lag: 50, last_read: null, version: 1 });
  assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.equal(created_by, s.bootstrap.client_id);
  assert.equal(res.headers.location, '/v1/consumers/siem');
  assert.equal(res.headers.etag, '"1"');
  assert.deepEqual((await get('siem')).json, res.json);
  await made({ name: 'Archive.2_x-y', position: 50 });
  assert.deepEqual((await s.get('/v1/consumers')).json.consumers.map((c) => c.name), ['Archive.2_x-y', 'siem']);
  assertError(await remove('siem', { headers: { 'If-Match': '"2"' } }), 412, 'changed');
  assert.equal((await remove('siem', { headers: { 'If-Match': '"1"' } })).status, 204);
  assertError(await get('siem'), 404, 'not_found');
  assertError(await remove('siem'), 404, 'not_found');
  assert.equal((await remove('Archive.2_x-y')).status, 204);
});

test('is told of in the self ledger', async () => {
  await made({ name: 'told' });
  await seek('told', { position: 7 });
  await remove('told');
  const events = await s.all({ ledger: 'self', query: 'entity.type:=consumer entity.id:=told' });
  assert.deepEqual(events.map((e) => e.action), ['consumer.created', 'consumer.changed', 'consumer.removed']);
  assert.equal(events[1].before.position, 0);
  assert.equal(events[1].after.position, 7);
});

test('begins where it is told to', async () => {
  const ids = (await s.all()).map((e) => e.id);
  const begins = async (place) => {
    const position = (await made({ name: 'place', ...place })).json.position;
    await remove('place');
    return position;
  };
  assert.equal(await begins({}), 0);
  assert.equal(await begins({ position: 50 }), 50);
  assert.equal(await begins({ after: ids[9] }), 10);
  assert.equal(await begins({ from: '2026-03-01' }), 2);
  assert.equal(await begins({ from: '2030' }), 50);
  assertError(await make({ name: 'place', position: 51 }), 400, 'invalid', 'position');
  assertError(await make({ name: 'place', position: -1 }), 400, 'invalid', 'position');
  assertError(await make({ name: 'place', from: 'soon' }), 400, 'invalid', 'from');
  assertError(await make({ name: 'place', after: '0'.repeat(32) }), 400, 'invalid', 'after');
  assertError(await make({ name: 'place', from: 'now', position: 1 }), 400, 'invalid');
});

test('what it cannot be', async () => {
  for (const name of ['', 'a b', 'a/b', 'ä', 'x'.repeat(65)]) assertError(await make({ name }), 400, 'invalid', 'name');
  assertError(await make({}), 400, 'invalid', 'name');
  assertError(await make({ name: 'a', query: 'a:(' }), 400, 'syntax', 'query');
  assertError(await make({ name: 'a', ledger: 'other' }), 400, 'invalid', 'ledger');
  await made({ name: 'x'.repeat(64) });
  assertError(await make({ name: 'x'.repeat(64) }), 409, 'exists', 'name');
  await remove('x'.repeat(64));
  assertError(await s.get('/v1/consumers', { key: null }), 401, 'unauthorized');
});

test('answers the same until it is acknowledged', async () => {
  await made({ name: 'slow' });
  const first = await read('slow', '?limit=20');
  assert.deepEqual(numbers(first), range(0, 20));
  assert.deepEqual([first.json.from, first.json.position, first.json.lag], [0, 20, 30]);
  assert.deepEqual(numbers(await read('slow', '?limit=20')), range(0, 20));
  assert.equal((await ack('slow', 20)).json.position, 20);
  assert.equal((await ack('slow', 10)).json.position, 20);
  assertError(await ack('slow', 51), 400, 'invalid', 'position');
  assertError(await s.request('POST', '/v1/consumers/slow/ack', { body: {} }), 400, 'invalid', 'position');
  assert.deepEqual(numbers(await read('slow')), range(20, 50));
  assert.equal((await ack('slow', 50)).json.lag, 0);
  assert.deepEqual((await read('slow')).json.events, []);
  assert.equal((await get('slow')).json.version, 1);
  assert.notEqual((await get('slow')).json.last_read, null);
  await remove('slow');
});

test('moves by itself when asked to, and a HEAD reads nothing', async () => {
  await made({ name: 'auto', query: 'action:delete' });
  assert.equal((await s.request('HEAD', '/v1/consumers/auto/events?ack=auto')).status, 200);
  const res = await read('auto', '?ack=auto&limit=4');
  assert.deepEqual(numbers(res), [0, 5, 10, 15]);
  assert.equal(res.json.position, 16);
  assert.deepEqual(numbers(await read('auto', '?ack=auto')), [20, 25, 30, 35, 40, 45]);
  assert.equal((await get('auto')).json.position, 50);
  assert.deepEqual(numbers(await read('auto', '?ack=auto')), []);
  assertError(await read('auto', '?ack=maybe'), 400, 'invalid', 'ack');
  assertError(await read('auto', '?limit=0'), 400, 'invalid', 'limit');
  await remove('auto');
});

test('goes back and ahead', async () => {
  await made({ name: 'seek' });
  await read('seek', '?ack=auto');
  const back = await seek('seek', { position: 48 });
  assert.deepEqual([back.json.position, back.json.version, back.headers.etag], [48, 2, '"2"']);
  assert.deepEqual(numbers(await read('seek', '?ack=auto')), [48, 49]);
  assertError(await seek('seek', { position: 1 }, { headers: { 'If-Match': '"1"' } }), 412, 'changed');
  assertError(await seek('seek', {}), 400, 'invalid');
  assert.equal((await seek('seek', { from: 'now' })).json.position, 50);
  assertError(await seek('none', { position: 1 }), 404, 'not_found');
  await remove('seek');
});

test('of the self ledger reads what was done', async () => {
  await made({ name: 'watcher', ledger: 'self' });
  const actions = (await read('watcher', '?ack=auto')).json.events.map((e) => e.action);
  assert.equal(actions.at(-1), 'consumer.created');
  const again = (await read('watcher', '?ack=auto')).json.events;
  assert.deepEqual(again.map((e) => [e.action, e.entity.id]), [['consumer.read', 'watcher']]);
  assert.deepEqual((await read('watcher', '?ack=auto')).json.events, [], 'polling comes to an end');
  await remove('watcher');
});

test('two readers at once share the events', async () => {
  await made({ name: 'shared' });
  const seen = [];
  const reader = async () => {
    for (;;) {
      const res = await read('shared', '?ack=auto&limit=3');
      assert.equal(res.status, 200, res.text);
      if (res.json.events.length === 0) return;
      seen.push(...numbers(res));
    }
  };
  await Promise.all(Array.from({ length: 8 }, reader));
  assert.deepEqual(seen.sort((a, b) => a - b), range(0, 50));
  await remove('shared');
});

test('an org has at most so many', async () => {
  for (let i = 0; i < CONSUMERS_MAX; i++) await made({ name: `c${i}` });
  const res = await make({ name: 'more' });
  assertError(res, 413, 'too_large');
  assert.match(res.json.error.message, /100 consumers/);
  for (let i = 0; i < CONSUMERS_MAX; i++) await remove(`c${i}`);
});

// What was answered before the kill is not answered again, and nothing between is left out: the last answer alone may
// be lost on its way.
test('a killed server neither repeats nor skips what it has answered', async () => {
  const k = await startServer();
  await append(0, 300, k);
  assert.equal((await k.request('POST', '/v1/consumers', { body: { name: 'k' } })).status, 201);
  const seen = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 10; i++) seen.push(...numbers(await read('k', '?ack=auto&limit=7', k)));
    await k.kill();
    await k.start();
  }
  for (;;) {
    const more = numbers(await read('k', '?ack=auto&limit=100', k));
    if (more.length === 0) break;
    seen.push(...more);
  }
  assert.deepEqual(seen, range(0, 300));
  await k.close();
});

test('a kill in the middle of reads skips no more than was under way', async () => {
  const k = await startServer();
  await append(0, 2000, k);
  assert.equal((await k.request('POST', '/v1/consumers', { body: { name: 'k' } })).status, 201);
  const seen = [];
  let dead = false;
  const reader = async () => {
    while (!dead) {
      const res = await read('k', '?ack=auto&limit=5', k).catch(() => null);
      if (!res || res.status !== 200) return;
      seen.push(...numbers(res));
    }
  };
  const readers = [reader(), reader(), reader()];
  while (seen.length < 100) await new Promise((done) => setTimeout(done, 2));
  dead = true;
  await k.kill();
  await Promise.all(readers);
  await k.start();
  const rest = numbers(await read('k', '?ack=auto&limit=2000', k));
  const all = [...seen, ...rest];
  assert.equal(new Set(all).size, all.length, 'nothing twice');
  assert.ok(rest.at(-1) === 1999 && all.length >= 2000 - 3 * 5, `${all.length}`);
  await k.close();
});
