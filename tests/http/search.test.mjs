// GET /v1/events and /v1/events/{id}: pages, orders, cursors, totals, parameters.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

const TOTAL = 250;
let s;
let ids;

before(async () => {
  s = await startServer();
  const events = Array.from({ length: TOTAL }, (_, i) => ({
    time: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
    action: i % 5 === 0 ? 'delete' : 'update',
    actor: { id: `u-${i % 7}`, name: 'Ada Byron' },
    outcome: { type: i % 50 === 0 ? 'failure' : 'success' },
    attributes: { n: i },
  }));
  ids = (await s.append(events)).json.ids;
});
after(() => s.close());

const numbers = (page) => page.json.events.map((e) => e.attributes.n);

function assertInvalid(res, field, status = 400) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.details.field, field, res.text);
}

test('newest first, 100 at a time, unless asked otherwise', async () => {
  const page = await s.get('/v1/events');
  assert.equal(page.status, 200);
  assert.deepEqual(numbers(page), Array.from({ length: 100 }, (_, i) => TOTAL - 1 - i));
  assert.equal(typeof page.json.next_cursor, 'string');
  assert.deepEqual(page.json.total, { value: TOTAL, relation: 'eq' });
  const oldest = await s.search({ order: 'oldest', limit: 3 });
  assert.deepEqual(numbers(oldest), [0, 1, 2]);
  assert.deepEqual(numbers(await s.search({ order: 'asc', limit: 3 })), [0, 1, 2]);
  assert.deepEqual(numbers(await s.search({ order: 'desc', limit: 1 })), [TOTAL - 1]);
});

for (const order of ['newest', 'oldest']) {
  test(`pages in order ${order} are whole and without doubles while events arrive`, async () => {
    const seen = [];
    let cursor;
    do {
      const page = await s.search({ query: 'action:update', order, limit: 17, ...(cursor ? { cursor } : {}) });
      assert.equal(page.status, 200, page.text);
      seen.push(...numbers(page));
      cursor = page.json.next_cursor;
      await s.append({ action: 'noise' });
    } while (cursor);
    const expected = Array.from({ length: TOTAL }, (_, i) => i).filter((i) => i % 5 !== 0);
    assert.deepEqual(seen, order === 'oldest' ? expected : expected.reverse());
  });
}

test('queries, ranges and totals', async () => {
  const found = async (params) => (await s.search({ limit: 1000, total: 'exact', ...params })).json.total;
  assert.deepEqual(await found({ query: 'action:delete' }), { value: 50, relation: 'eq' });
  assert.deepEqual(await found({ query: 'action:delete -outcome.type:failure' }), { value: 45, relation: 'eq' });
  assert.deepEqual(await found({ query: 'actor.name:"ada byron" AND (attributes.n:7 OR attributes.n:8)' }), { value: 2, relation: 'eq' });
  assert.deepEqual(await found({ query: 'upd*' }), { value: 200, relation: 'eq' });
  assert.deepEqual(await found({ query: 'action:delete', from: '2026-01-01T01:00:00Z', to: '2026-01-01T02:00:00Z' }), { value: 12, relation: 'eq' });
  assert.deepEqual(await found({ query: 'action:delete', from: '2026-01-02', to: 'now' }), { value: 0, relation: 'eq' });
  assert.equal((await s.search({ total: 'none' })).json.total, undefined);
});

test('after continues behind an event', async () => {
  assert.deepEqual(numbers(await s.search({ query: 'actor.id:*', order: 'oldest', after: ids[9], limit: 2 })), [10, 11]);
  assert.deepEqual(numbers(await s.search({ query: 'actor.id:*', order: 'newest', after: ids[9], limit: 2 })), [8, 7]);
  assertInvalid(await s.search({ after: '0'.repeat(32) }), 'after');
  const page = await s.search({ limit: 1 });
  assertInvalid(await s.search({ limit: 1, after: ids[0], cursor: page.json.next_cursor }), 'cursor');
});

test('a cursor fits only the search it came from', async () => {
  const cursor = (await s.search({ query: 'action:update', limit: 5 })).json.next_cursor;
  assert.equal((await s.search({ query: 'action:update', limit: 50, cursor })).status, 200);
  assertInvalid(await s.search({ query: 'action:delete', cursor }), 'cursor');
  assertInvalid(await s.search({ query: 'action:update', order: 'oldest', cursor }), 'cursor');
  assertInvalid(await s.search({ query: 'action:update', from: 'now-1d', cursor }), 'cursor');
  assertInvalid(await s.search({ query: 'action:update', ledger: 'self', cursor }), 'cursor');
  const forged = cursor.slice(0, 20) + (cursor[20] === 'A' ? 'B' : 'A') + cursor.slice(21);
  assertInvalid(await s.search({ query: 'action:update', cursor: forged }), 'cursor');
  assertInvalid(await s.search({ query: 'action:update', cursor: 'x' }), 'cursor');
});

test('parameters that are wrong or not known are named', async () => {
  assertInvalid(await s.search({ qeury: 'a' }), 'qeury');
  assertInvalid(await s.search({ limit: '0' }), 'limit');
  assertInvalid(await s.search({ limit: '10001' }), 'limit');
  assertInvalid(await s.search({ order: 'up' }), 'order');
  assertInvalid(await s.search({ from: 'never' }), 'from');
  assertInvalid(await s.search({ from: '2026-02-01', to: '2026-01-01' }), 'from');
  assertInvalid(await s.search({ total: 'all' }), 'total');
  assertInvalid(await s.search({ ledger: 'other' }), 'ledger');
  assertInvalid(await s.get('/v1/events?limit=1&limit=2'), 'limit');
  assertInvalid(await s.get('/v1/events?query=%ff'), 'query');
  assertInvalid(await s.get(`/v1/events/${ids[0]}?query=a`), 'query');
});

test('a query that does not parse says where', async () => {
  const res = await s.search({ query: 'action:(a OR' });
  assertInvalid(res, 'query');
  assert.equal(res.json.error.code, 'syntax');
  assert.ok(res.json.error.details.offset > 0);
  const long = await s.search({ query: 'a'.repeat(8193) });
  assertInvalid(long, 'query', 413);
  assert.equal((await s.search({ query: 'ä'.repeat(4096) })).status, 200);
});

test('one event by its id', async () => {
  const one = await s.get(`/v1/events/${ids[42]}`);
  assert.equal(one.status, 200);
  assert.equal(one.json.attributes.n, 42);
  const listed = (await s.search({ query: 'attributes.n:42' })).text;
  assert.ok(listed.includes(one.text.trim()), 'the record is the same bytes in both answers');
  for (const bad of ['0'.repeat(32), 'x', ids[42].toUpperCase().replace(/[a-f]/g, 'G'), ids[42] + '0', '%00', '%ff']) {
    const res = await s.get(`/v1/events/${bad}`);
    assert.equal(res.status, 404, res.text);
    assert.equal(res.json.error.code, 'not_found');
  }
});

test('HEAD has the headers and no body', async () => {
  for (const path of ['/v1/events?limit=1', `/v1/events/${ids[0]}`, '/healthz', '/metrics']) {
    const head = await s.request('HEAD', path);
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.ok(Number(head.headers['content-length']) > 0);
  }
});

test('the self ledger is apart', async () => {
  assert.deepEqual((await s.search({ ledger: 'self', query: '-action:(events.searched OR event.read)' })).json.events, []);
  assert.equal((await s.get(`/v1/events/${ids[0]}?ledger=self`)).status, 404);
});

test('10,000 events make one page', async () => {
  await s.append(Array.from({ length: 10001 }, () => ({ action: 'bulk' })), '?ids=false');
  const page = await s.search({ query: 'action:bulk', limit: 10000 });
  assert.equal(page.json.events.length, 10000);
  const rest = await s.search({ query: 'action:bulk', limit: 10000, cursor: page.json.next_cursor });
  assert.equal(rest.json.events.length, 1);
  assert.equal(rest.json.next_cursor, null);
});

test('a page of large events ends early and goes on by its cursor', async () => {
  const body = Array.from({ length: 600 }, () => JSON.stringify({ action: 'large', description: 'y'.repeat(60000) }));
  for (let i = 0; i < 600; i += 300) assert.equal((await s.append(body.slice(i, i + 300).join('\n'), '?ids=false')).status, 201);
  assert.equal((await s.all({ query: 'action:large' })).length, 600);
});

test('explain says how the answer was found', async () => {
  const { explain } = (await s.search({ query: 'action:update nosuchword', explain: true })).json;
  assert.equal(explain.query, 'action:"update" "nosuchword"');
  assert.deepEqual(explain.plan.and.map((t) => t.term), ['action:"update"', '"nosuchword"']);
  assert.ok(explain.blocks.seen >= explain.blocks.pruned + explain.blocks.read);
  for (const part of ['plan', 'prune', 'page', 'count']) assert.ok(explain.time_ms[part] >= 0, part);
  assert.equal((await s.search({ query: 'action:update' })).json.explain, undefined);
  assert.equal((await s.search({ limit: 1, explain: true })).json.explain.plan.all.length, 0);
});

test('now is one instant for all pages of a search', async () => {
  const query = 'received:[now-1h TO now] attributes.n:<20';
  const seen = [];
  let cursor;
  do {
    const page = await s.search({ query, order: 'oldest', limit: 7, ...(cursor ? { cursor } : {}) });
    assert.equal(page.status, 200, page.text);
    seen.push(...numbers(page));
    cursor = page.json.next_cursor;
    await s.append({ action: 'late', attributes: { n: 1 } });
  } while (cursor);
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, i) => i));
});

test('numbers, times, addresses, patterns', async () => {
  const total = async (query) => (await s.search({ query, limit: 1, total: 'exact' })).json.total.value;
  await s.append({ action: 'enter', context: { ip: '2001:db8::1' }, attributes: { door: 'north-7' } });
  assert.equal(await total('attributes.n:[10 TO 20} actor.id:*'), 10);
  assert.equal(await total('time:[2026-01-01T00:10:00Z TO 2026-01-01T00:12:00Z] actor.id:*'), 3);
  assert.equal(await total('time:2026-01-01 actor.id:*'), TOTAL);
  assert.equal(await total('context.ip:2001:db8::/32'), 1);
  assert.equal(await total('attributes.door:/^n.*-\\d$/'), 1);
  assert.equal(await total('attributes.door:n?rth-*'), 1);
});

test('a regular expression that takes too long is an error, not a wrong answer', async () => {
  await s.append({ action: 'long', attributes: { text: `${'a'.repeat(60)}!` } });
  const res = await s.search({ query: 'attributes.text:/^(a|aa)+$/' });
  assertInvalid(res, 'query', 413);
  assert.match(res.json.error.message, /\/\^\(a\|aa\)\+\$\/ takes too many steps/);
  assert.equal((await s.search({ query: '-attributes.text:/^(a|aa)+$/', total: 'exact' })).status, 413);
});
