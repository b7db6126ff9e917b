// GET /v1/facets, /v1/histogram, /v1/fields: counts, limits, errors; and the same numbers in the head and in segments.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

const TOTAL = 300;
let s;

const events = Array.from({ length: TOTAL }, (_, i) => ({
  time: new Date(Date.UTC(2026, 0, 5, 0, i)).toISOString(),
  action: i % 3 === 0 ? 'delete' : 'update',
  actor: { id: `u-${i % 20}`, name: 'Ada' },
  ...(i % 2 ? { outcome: { type: i % 4 === 1 ? 'failure' : 'success' } } : {}),
  attributes: { n: i, 'a.b': `x${i % 2}`, tags: ['all', `t${i % 4}`, 'all'], changes: [{ field: `f${i % 2}` }, { field: 'g' }], five: i % 2 ? 5 : '5' },
}));

before(async () => {
  s = await startServer();
  await s.append(events, '?ids=false');
});
after(() => s.close());

const ask = (path, params = {}) => s.get(`/v1/${path}?${new URLSearchParams(params)}`);

function assertInvalid(res, field, says, status = 400) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.details.field, field, res.text);
  if (says) assert.match(res.json.error.message, says);
}

async function checkAll() {
  const all = await ask('facets', { fields: 'action,actor.id,outcome.type,attributes."a.b",attributes.tags,attributes.changes.field,attributes.five,actor', limit: 3 });
  assert.equal(all.status, 200, all.text);
  assert.deepEqual(all.json.total, { value: TOTAL, relation: 'eq' });
  const [action, actor, outcome, quoted, tags, changes, five, none] = all.json.facets;
  assert.deepEqual(action, { field: 'action', values: [{ value: 'update', count: 200 }, { value: 'delete', count: 100 }], distinct: 2, missing: 0, other: 0, exact: true });
  assert.deepEqual(actor, { field: 'actor.id', values: ['u-0', 'u-1', 'u-10'].map((value) => ({ value, count: 15 })), distinct: 20, missing: 0, other: 17 * 15, exact: true });
  assert.deepEqual(outcome, { field: 'outcome.type', values: [{ value: 'failure', count: 75 }, { value: 'success', count: 75 }], distinct: 2, missing: 150, other: 0, exact: true });
  assert.deepEqual([quoted.field, quoted.values[0]], ['attributes."a.b"', { value: 'x0', count: 150 }]);
  assert.deepEqual([tags.values, tags.distinct, tags.other], [[{ value: 'all', count: 300 }, { value: 't0', count: 75 }, { value: 't1', count: 75 }], 5, 150]);
  assert.deepEqual(changes.values, [{ value: 'g', count: 300 }, { value: 'f0', count: 150 }, { value: 'f1', count: 150 }]);
  assert.deepEqual(five.values, [{ value: '5', count: 300 }]);
  assert.deepEqual([none.values, none.missing], [[], 300]);

  const some = await ask('facets', { fields: 'action', query: 'outcome.type:failure', from: '2026-01-05T01:00:00Z', to: '2026-01-05T02:00:00Z' });
  assert.deepEqual(some.json.total, { value: 15, relation: 'eq' });
  assert.deepEqual(some.json.facets[0].values, [{ value: 'update', count: 10 }, { value: 'delete', count: 5 }]);

  const hours = await ask('histogram', { interval: '1h', split: 'action' });
  assert.equal(hours.status, 200, hours.text);
  assert.equal(hours.json.interval, '1h');
  assert.deepEqual(hours.json.buckets[0], { time: '2026-01-05T00:00:00.000000Z', count: 60, split: [40, 20], other: 0 });
  assert.equal(hours.json.buckets.length, 5);
  assert.deepEqual(hours.json.split.values, ['update', 'delete']);
  assert.deepEqual(hours.json.total, { value: TOTAL, relation: 'eq' });
  const wide = await ask('histogram', { interval: '1h', query: 'action:delete', from: '2026-01-04T22:30:00Z', to: '2026-01-05T02:30:00Z' });
  assert.deepEqual(wide.json.buckets.map((b) => b.count), [0, 0, 20, 20, 10]);
  assert.equal(wide.json.split, undefined);
  const week = await ask('histogram', { interval: '1w' });
  assert.deepEqual(week.json.buckets, [{ time: '2026-01-05T00:00:00.000000Z', count: TOTAL }]);
  const chosen = await ask('histogram', {});
  assert.equal(chosen.json.interval, '5m');
  assert.equal(chosen.json.buckets.length, 60);
  assert.equal((await ask('histogram', { buckets: 3 })).json.interval, '2h');
  const other = await ask('histogram', { interval: '1d', split: 'actor.id' });
  assert.equal(other.json.buckets[0].other, 150);

  const fields = await ask('fields', {});
  assert.equal(fields.json.more, false);
  const byName = Object.fromEntries(fields.json.fields.map((f) => [f.field, f]));
  assert.deepEqual(byName['actor.id'], { field: 'actor.id', kinds: ['string'], records: TOTAL, distinct: 20, relation: 'eq' });
  assert.deepEqual(byName['attributes.five'], { field: 'attributes.five', kinds: ['string', 'number'], records: TOTAL, distinct: 1, relation: 'eq' });
  assert.deepEqual(byName['outcome.type'].records, 150);
  assert.ok(byName['attributes.tags'].kinds.includes('array'));
  assert.equal(byName.id, undefined);
  const act = await ask('fields', { prefix: 'act', limit: 2 });
  assert.deepEqual(act.json.fields.map((f) => f.field), ['action', 'actor.id']);
  assert.equal(act.json.more, true);
}

test('counts of the head', checkAll);

test('the same counts of segments', async () => {
  assert.equal((await s.request('POST', '/v1/seal', { body: '' })).status, 200);
  await checkAll();
});

test('wrong parameters are refused by name', async () => {
  assertInvalid(await ask('facets'), 'fields', /expected the name of a field/);
  assertInvalid(await ask('facets', { fields: 'a,,b' }), 'fields', /byte 2/);
  assertInvalid(await ask('facets', { fields: 'time' }), 'fields', /\/v1\/histogram/);
  assertInvalid(await ask('facets', { fields: 'id' }), 'fields');
  assertInvalid(await ask('facets', { fields: 'a,a' }), 'fields', /twice/);
  assertInvalid(await ask('facets', { fields: Array.from({ length: 17 }, (_, i) => `f${i}`).join() }), 'fields', /at most 16/, 413);
  assert.equal((await ask('facets', { fields: Array.from({ length: 16 }, (_, i) => `f${i}`).join() })).status, 200);
  assertInvalid(await ask('facets', { fields: 'a', limit: 1001 }), 'limit');
  assertInvalid(await ask('facets', { fields: 'a', limit: 0 }), 'limit');
  assertInvalid(await ask('facets', { fields: 'a', query: '(' }), 'query');
  assertInvalid(await ask('facets', { fields: 'a', from: 'never' }), 'from');
  assertInvalid(await ask('facets', { fields: 'a', sort: 'a' }), 'sort');
  assertInvalid(await ask('histogram', { interval: '1y' }), 'interval', /1h/);
  assertInvalid(await ask('histogram', { interval: '1h', buckets: 5 }), 'buckets');
  assertInvalid(await ask('histogram', { buckets: 10001 }), 'buckets');
  assertInvalid(await ask('histogram', { interval: '1s' }), 'interval', /10000 buckets.*2s would do/);
  assertInvalid(await ask('histogram', { split: 'a,b' }), 'split');
  assertInvalid(await ask('fields', { query: 'a' }), 'query');
  assertInvalid(await ask('fields', { limit: 1001 }), 'limit');
  for (const path of ['facets?fields=a', 'histogram', 'fields'])
    assert.equal((await s.get(`/v1/${path}`, { key: null })).status, 401);
});

test('an empty ledger has nothing to count', async () => {
  const empty = await startServer();
  const askEmpty = (path, params = {}) => empty.get(`/v1/${path}?${new URLSearchParams(params)}`);
  const facets = await askEmpty('facets', { fields: 'action' });
  assert.deepEqual(facets.json, { facets: [{ field: 'action', values: [], distinct: 0, missing: 0, other: 0, exact: true }], total: { value: 0, relation: 'eq' } });
  assert.deepEqual((await askEmpty('histogram')).json.buckets, []);
  assert.deepEqual((await askEmpty('fields')).json, { fields: [], more: false });
  await empty.close();
});
