// sort= of GET /v1/events: order, pages, cursors, errors.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

const TOTAL = 200;
let s;
const level = (i) => [3, '10', 'b', 'B', 'a', -1.5, true, null, undefined, 20][i % 10];

before(async () => {
  s = await startServer();
  const events = Array.from({ length: TOTAL }, (_, i) => ({
    time: new Date(Date.UTC(2026, 0, 1, 0, (i * 7) % TOTAL)).toISOString(),
    action: 'x',
    attributes: { n: i, level: level(i), list: [i % 3, 99] },
  }));
  await s.append(events.slice(0, 120), '?ids=false');
  await s.request('POST', '/v1/seal', { body: '' });
  await s.append(events.slice(120), '?ids=false');
});
after(() => s.close());

const numbers = (page) => page.json.events.map((e) => e.attributes.n);

// What docs/api.md says, written again.
function key(i) {
  const v = level(i);
  if (v === null || v === undefined) return { kind: 2 };
  return typeof v === 'number' ? { kind: 0, v } : { kind: 1, folded: String(v).toLowerCase(), text: String(v) };
}

function compare(a, b, ascending) {
  const [x, y] = [key(a), key(b)];
  if (x.kind !== y.kind && (x.kind === 2 || y.kind === 2)) return x.kind - y.kind;
  let c = x.kind - y.kind;
  if (c === 0 && x.kind === 0) c = x.v - y.v;
  if (c === 0 && x.kind === 1) c = x.folded < y.folded ? -1 : x.folded > y.folded ? 1 : x.text < y.text ? -1 : x.text > y.text ? 1 : 0;
  c = c || a - b;
  return ascending ? c : -c;
}

const expected = (ascending) => Array.from({ length: TOTAL }, (_, i) => i).sort((a, b) => compare(a, b, ascending));

for (const order of ['asc', 'desc']) {
  test(`pages by a field in order ${order} give each event once while others arrive`, async () => {
    const seen = [];
    let cursor;
    do {
      const page = await s.search({ query: `action:x -attributes.late:${order === 'asc' ? 'desc' : 'asc'}`, sort: 'attributes.level', order, limit: 17, ...(cursor ? { cursor } : {}) });
      assert.equal(page.status, 200, page.text);
      assert.deepEqual(page.json.total, { value: TOTAL, relation: 'eq' });
      seen.push(...numbers(page));
      cursor = page.json.next_cursor;
      await s.append({ action: 'x', attributes: { late: order, level: 'a' } });
    } while (cursor);
    assert.deepEqual(seen, expected(order === 'asc'));
  });

  test(`by time in order ${order}`, async () => {
    const page = await s.search({ query: 'attributes.list:99', sort: 'time', order, limit: 150 });
    const next = await s.search({ query: 'attributes.list:99', sort: 'time', order, limit: 150, cursor: page.json.next_cursor });
    const times = [...page.json.events, ...next.json.events].map((e) => e.time);
    assert.equal(times.length, TOTAL);
    assert.deepEqual(times, order === 'asc' ? times.toSorted() : times.toSorted().reverse());
    assert.equal(next.json.next_cursor, null);
  });
}

test('the first value of a list counts', async () => {
  const page = await s.search({ query: 'attributes.list:99', sort: 'attributes.list', order: 'asc', limit: 3 });
  assert.deepEqual(numbers(page), [0, 3, 6]);
});

test('goes on behind an event by its id', async () => {
  const all = await s.search({ query: 'attributes.list:99', sort: 'attributes.level', limit: 50 });
  const rest = await s.search({ query: 'attributes.list:99', sort: 'attributes.level', limit: 39, after: all.json.events[10].id });
  assert.deepEqual(numbers(rest), numbers(all).slice(11));
});

test('what cannot be sorted by is refused by name', async () => {
  for (const sort of ['id', 'a,b', 'a..b', '"open', 'a'.repeat(9000)]) {
    const res = await s.search({ sort });
    assert.ok(res.status === 400 || res.status === 413, res.text);
    assert.equal(res.json.error.details.field, 'sort', res.text);
  }
  const { next_cursor: cursor } = (await s.search({ sort: 'time', limit: 1 })).json;
  const res = await s.search({ sort: 'action', limit: 1, cursor });
  assert.equal(res.status, 400);
  assert.equal(res.json.error.details.field, 'cursor');
});

test('POST /v1/search sorts as well', async () => {
  const body = { query: 'attributes.list:99', sort: 'attributes.level', order: 'asc', limit: 20 };
  const posted = await s.request('POST', '/v1/search', { body });
  assert.deepEqual(numbers(posted), expected(true).slice(0, 20));
});
