// GET /v1/events/{id}/around: neighbours at both ends of a ledger and in between, narrowed by a query.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

const TOTAL = 40;
let s;
let ids;

before(async () => {
  s = await startServer();
  const events = Array.from({ length: TOTAL }, (_, i) => ({
    time: new Date(Date.UTC(2026, 0, 1, 0, TOTAL - i)).toISOString(), // time runs against arrival
    action: i % 2 === 0 ? 'even' : 'odd',
    attributes: { n: i },
  }));
  ids = (await s.append(events)).json.ids;
});
after(() => s.close());

const around = (i, params = {}) => s.get(`/v1/events/${ids[i]}/around?${new URLSearchParams(params)}`);
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

async function check(i, params, expectedBefore, expectedAfter) {
  const res = await around(i, params);
  assert.equal(res.status, 200, res.text);
  assert.deepEqual(Object.keys(res.json), ['before', 'event', 'after']);
  assert.deepEqual(res.json.before.map((e) => e.attributes.n), expectedBefore);
  assert.equal(res.json.event.attributes.n, i);
  assert.deepEqual(res.json.after.map((e) => e.attributes.n), expectedAfter);
}

function assertInvalid(res, field, status = 400) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.details.field, field, res.text);
}

test('ten on each side unless asked otherwise, in order of arrival', async () => {
  await check(20, {}, range(10, 20), range(21, 31));
  await check(20, { before: 2, after: 3 }, [18, 19], [21, 22, 23]);
  await check(20, { before: 0, after: 0 }, [], []);
  await check(20, { before: 1000, after: 1000 }, range(0, 20), range(21, TOTAL));
});

test('fewer at the ends', async () => {
  await check(0, {}, [], range(1, 11));
  await check(3, { before: 10, after: 1 }, [0, 1, 2], [4]);
  await check(TOTAL - 1, { before: 2 }, [TOTAL - 3, TOTAL - 2], []);
  await check(TOTAL - 2, { before: 0 }, [], [TOTAL - 1]);
});

test('a query and a range narrow the neighbours and leave the event', async () => {
  await check(21, { query: 'action:even', before: 2, after: 2 }, [18, 20], [22, 24]);
  await check(21, { query: 'action:none' }, [], []);
  await check(20, { from: '2026-01-01T00:19:00Z', to: '2026-01-01T00:23:00Z' }, range(18, 20), [21]);
});

test('the same after the records are sealed', async () => {
  await s.request('POST', '/v1/seal');
  await check(20, { before: 2, after: 2 }, [18, 19], [21, 22]);
  await s.append({ action: 'odd', attributes: { n: TOTAL } });
  await check(TOTAL - 1, { before: 1 }, [TOTAL - 2], [TOTAL]);
});

test('records are the bytes that a search gives', async () => {
  const one = (await s.get(`/v1/events/${ids[5]}`)).text.trim();
  assert.ok((await around(5)).text.includes(`"event":${one},`));
  assert.ok((await around(6)).text.includes(one));
});

test('errors', async () => {
  assertInvalid(await around(0, { before: 1001 }), 'before');
  assertInvalid(await around(0, { after: -1 }), 'after');
  assertInvalid(await around(0, { limit: 1 }), 'limit');
  assertInvalid(await around(0, { query: '(' }), 'query');
  assertInvalid(await around(0, { from: 'never' }), 'from');
  for (const path of [`${'0'.repeat(32)}/around`, `${ids[0]}/around/`, `${ids[0]}/aroun`, `/around`, `x/around`]) {
    const res = await s.get(`/v1/events/${path}`);
    assert.equal(res.status, 404, res.text);
  }
  assert.equal((await around(0, { ledger: 'self' })).status, 404);
  const method = await s.request('POST', `/v1/events/${ids[0]}/around`);
  assert.equal(method.status, 405);
  assert.equal(method.headers.allow, 'GET, HEAD');
});
