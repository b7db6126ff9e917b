// The Kore.ai dialect: requests and answers of vendor-apis.md section 2, as the vendor's clients send them.
// STELE_ROWS: how many are paged through; STELE_REAL_EVENTS: a file of real events (zstd), whose rows are taken in again.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startServer } from './server.mjs';

const PATH = '/api/public/auditlogs';
const ROWS = Number(process.env.STELE_ROWS ?? 3000);
const REAL = process.env.STELE_REAL_EVENTS ?? fileURLToPath(new URL('../../../shared/data/real-events.jsonl.zst', import.meta.url));
let s;

const ask = (params = {}, { headers = {}, ...options } = {}) =>
  s.get(`${PATH}?${new URLSearchParams(params)}`, { key: null, headers: { auth: s.key, 'Content-Type': 'application/json', ...headers }, ...options });
const send = (rows, options = {}) => s.request('POST', PATH, { body: rows, key: null, headers: { auth: s.key }, ...options });

const ROW = {
  parentIds: [],
  _id: '67584fc8a16721a7bb876d3b',
  entity: 'nlprules',
  action: 'update',
  userId: 'u-6fd26567-2b99-5265-9b69-54fba448d26f',
  accountId: 'ac-a16b8603-4c4d-57b7-a6e2-ddf53fee4efb',
  entityId: '66a389b40e9b336c5e6edb19',
  delta: { from: {}, to: { name: 'Answer rule - 67' } },
  htmlText: 'Update business rule <b>Answer rule - 67</b>',
  userName: 'John Doe',
  emailId: 'john.doe@example.com',
  keywords: '',
  cOn: '2024-12-10T14:27:20.286Z',
  __v: 0,
};

before(async () => (s = await startServer()));
after(() => s.close());

test('rows come out as they went in, newest first', async () => {
  const rows = [ROW, { ...ROW, _id: '67584fc8a16721a7bb876d3c', entity: 'Agent', action: 'create', cOn: '2024-12-11T00:00:00.000Z' }];
  const taken = await send(rows);
  assert.equal(taken.status, 201, taken.text);
  assert.equal(taken.json.accepted, 2);
  const answer = await ask();
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(Object.keys(answer.json), ['logs']);
  assert.deepEqual(answer.json.logs, rows.toReversed());
  assert.equal(JSON.stringify(answer.json.logs[1]), JSON.stringify(ROW), 'members stand in the vendor\'s order');
});

test('each parameter narrows, and all of them together', async () => {
  const count = async (params) => (await ask(params)).json.logs.length;
  assert.equal(await count({ entity: 'nlprules' }), 1);
  assert.equal(await count({ entity: 'NLPRULES' }), 1);
  assert.equal(await count({ entity: 'agents' }), 1);
  assert.equal(await count({ entity: 'nlp' }), 0);
  assert.equal(await count({ entityId: ROW.entityId }), 2);
  assert.equal(await count({ entityId: ROW.entityId.slice(1) }), 0);
  assert.equal(await count({ userId: ROW.userId }), 2);
  assert.equal(await count({ emailId: 'John.Doe@Example.com' }), 2);
  assert.equal(await count({ action: 'create' }), 1);
  assert.equal(await count({ startTime: '2024-12-10T14:27:20.286Z' }), 2);
  assert.equal(await count({ startTime: '2024-12-10T14:27:20.287Z' }), 1);
  assert.equal(await count({ endTime: '2024-12-10T14:27:20.286Z' }), 1);
  assert.equal(await count({ endTime: '2024-12-10T14:27:20.285Z' }), 0);
  assert.equal(await count({ startTime: '2024-12-01T00:00:00Z', endTime: '2024-12-31T23:59:59Z', entity: 'Agent', entityId: ROW.entityId, userId: ROW.userId, emailId: ROW.emailId, action: 'create' }), 1);
  assert.equal(await count({ entity: '', action: '', startTime: '' }), 2, 'an empty one is as one left out');
  assert.equal(await count({ entity: 'x" OR *' }), 0, 'a value is never a query');
  assert.equal(await count({ unknown: 'x' }), 2);
  assert.equal(await count({ limit: 1 }), 1);
  assert.equal((await ask({ limit: 1, skip: 1 })).json.logs[0]._id, ROW._id);
});

test('the other interface answers on the same path', async () => {
  const answer = await ask({ size: 1, offset: 0, fromDate: '2024-12-10', toDate: '2024-12-11' });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(Object.keys(answer.json), ['total', 'auditlogs', 'moreAvailable']);
  assert.equal(answer.json.total, 2);
  assert.equal(answer.json.moreAvailable, true);
  const [row] = answer.json.auditlogs;
  assert.deepEqual(Object.keys(row), ['timestampValue', 'Date/Time', 'Description', 'Name', 'Category', 'AuditLogId']);
  assert.equal(row.timestampValue, Date.parse('2024-12-11T00:00:00.000Z'));
  assert.equal(row.Description, 'Update business rule Answer rule - 67');
  const next = await ask({ size: 1, offset: 1, fromDate: '2024-12-10', toDate: '2024-12-11' });
  assert.equal(next.json.auditlogs[0].Name, 'update');
  assert.equal(next.json.moreAvailable, false);
  const behind = await ask({ fetchAfter: row.AuditLogId });
  assert.deepEqual(behind.json.auditlogs.map((r) => r.Name), ['update']);
  const real = await ask({ size: 50, offset: 10, fromDate: '2024-12-01T00:00:00.000Z', toDate: new Date().toISOString() });
  assert.equal(real.status, 200);
  assert.deepEqual(real.json.auditlogs, []);
  assert.equal((await ask({ toDate: '2024-12-10' })).json.total, 1, 'a date as the end means all of that day');
  const xo = { timestampValue: 1733840840286, 'Date/Time': '2024-12-10T14:27:20.286Z', Description: 'User logged out', Name: 'Logout', Category: 'Login/Logout', AuditLogId: 'al-7' };
  assert.equal((await send(xo)).status, 201);
  assert.deepEqual((await ask({ size: 1 })).json.auditlogs, [xo]);
});

test('a client that signs JWTs with its secret is taken, and one that signs wrongly is not', async () => {
  const key = (await s.request('POST', '/v1/keys', { body: { name: 'signs', role: 'analyst' } })).json;
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (secret) => {
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: '1234567890', appId: key.client_id })}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const answer = await ask({ size: 50, offset: 0 }, { headers: { auth: sign(key.jwt_secret) } });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.json.auditlogs.length > 0);
  const wrong = await ask({ size: 50 }, { headers: { auth: sign('another secret') } });
  assert.equal(wrong.status, 401);
  assert.deepEqual(wrong.json.errors, [{ msg: 'Invalid JWT token', code: 4002 }]);
});

test('errors have the vendor\'s form', async () => {
  const unknown = { errors: [{ msg: 'Invalid SDK credentials', code: 4002 }] };
  const only = ({ errors }) => ({ errors });
  const none = await s.get(PATH, { key: null });
  assert.deepEqual([none.status, only(none.json)], [401, unknown]);
  const wrong = await ask({}, { headers: { auth: s.key.replace(/.$/, (c) => (c === '0' ? '1' : '0')) } });
  assert.deepEqual([wrong.status, only(wrong.json)], [401, unknown]);
  const malformed = await ask({}, { headers: { auth: 'eyJhbGciOi.x.y' } });
  assert.deepEqual([malformed.status, only(malformed.json)], [401, { errors: [{ msg: 'Invalid JWT token', code: 4002 }] }]);
  const method = await s.request('PUT', PATH, { key: null, headers: { auth: s.key }, body: '{}' });
  assert.deepEqual([method.status, only(method.json)], [405, { errors: [{ msg: 'Method Not Allowed', code: 405 }] }]);
  assert.equal(method.headers.allow, 'GET, HEAD, POST');
  for (const params of [{ startTime: 'yesterday' }, { endTime: '1' }, { size: 101 }, { size: 0 }, { size: 'x' }, { offset: -1 }, { fromDate: '2024-13-01' }, { fetchAfter: 'x' }, { startTime: '2025', endTime: '2024' }, { limit: 10001 }, { userId: 'x'.repeat(1025) }]) {
    const answer = await ask(params);
    assert.equal(answer.status, 412, JSON.stringify(params) + answer.text);
    assert.deepEqual(only(answer.json), { errors: [{ msg: 'Validation errors/ Invalid arguments', code: 412 }] });
    assert.ok(answer.json.details.details.field, JSON.stringify(params));
  }
  const writer = (await s.request('POST', '/v1/keys', { body: { name: 'w', role: 'writer' } })).json;
  const scope = await ask({}, { headers: { auth: writer.api_key } });
  assert.deepEqual([scope.status, only(scope.json)], [401, { errors: [{ msg: 'Permission denied. Scope is incorrect!', code: 4002 }] }]);
  assert.equal((await s.get('/api/public/other', { key: null })).status, 404);
});

test('HTML reaches nobody but a few plain elements', async () => {
  const evil = ['<script>alert(1)</script>', '<b onmouseover=alert(1)>x</b>', '<img src=x onerror=alert(1)>', '"><svg/onload=alert(1)>', '=cmd|\' /C calc\'!A0'];
  await send(evil.map((htmlText, i) => ({ ...ROW, _id: `evil${i}`, userName: htmlText, emailId: htmlText, htmlText, cOn: '2025-01-01T00:00:00.000Z' })));
  await s.append(evil.map((description) => ({ action: description, description })));
  const logs = (await ask({ limit: 2 * evil.length })).json.logs;
  assert.equal(logs.length, 2 * evil.length);
  for (const row of logs) assert.doesNotMatch(row.htmlText, /<(?!\/?(b|i|em|strong|u|code|br|p)>)/, row.htmlText);
  assert.deepEqual(logs.filter((r) => r._id.startsWith('evil')).map((r) => r.userName).toSorted(), evil.toSorted(), 'other members are as they came');
});

test('native events are rows as well', async () => {
  const { ids } = (await s.append({ action: 'delete', actor: { id: 'u-1', name: 'Ada', email: 'ada@example.com' }, entity: { type: 'role', id: 'r-1', parents: ['w'] }, before: { a: 1 }, time: '2026-01-01T00:00:00Z' })).json;
  const [row] = (await ask({ entity: 'role' })).json.logs;
  assert.equal(row._id, ids[0].slice(0, 24));
  assert.match(row.accountId, /^ac-[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(row.delta, { from: { a: 1 }, to: {} });
  assert.deepEqual([row.parentIds, row.userName, row.emailId, row.cOn], [['w'], 'Ada', 'ada@example.com', '2026-01-01T00:00:00.000Z']);
});

test('pages neither lose nor repeat a row while others arrive', async () => {
  for (let at = 0; at < ROWS; at += 1000)
    await s.append(Array.from({ length: Math.min(1000, ROWS - at) }, (_, i) => ({ action: 'paged', entity: { id: String(at + i) } })), '?ids=false');
  const seen = new Map();
  let offset = 0;
  let page;
  do {
    page = (await ask({ size: 100, offset: offset++, action: 'paged' })).json;
    for (const row of page.auditlogs) seen.set(row.AuditLogId, (seen.get(row.AuditLogId) ?? 0) + 1);
    await s.append({ action: 'paged', entity: { id: 'new' } });
  } while (page.moreAvailable);
  assert.equal(seen.size, ROWS);
  assert.ok([...seen.values()].every((n) => n === 1));
  assert.equal(page.total, ROWS);
});

// All rows, oldest first.
async function rowsOf(server, ask) {
  const rows = [];
  for (;;) {
    const page = (await server.get(`${PATH}?${new URLSearchParams(ask(rows.length))}`, { key: null, headers: { auth: server.key } })).json;
    const found = page.logs ?? page.auditlogs;
    rows.push(...found);
    if (found.length === 0 || page.moreAvailable === false) return rows.toReversed();
  }
}

test('rows of real events go out, in and out again', { skip: !existsSync(REAL) }, async () => {
  const [first, second] = [await startServer(), await startServer()];
  const stored = await first.append(readFileSync(REAL), '?ids=false', { headers: { 'Content-Encoding': 'zstd' } });
  assert.equal(stored.status, 201, stored.text);
  const rows = await rowsOf(first, (skip) => ({ skip }));
  assert.equal(rows.length, stored.json.accepted);
  for (let i = 0; i < rows.length; i += 5000) {
    const taken = await second.request('POST', PATH, { body: JSON.stringify(rows.slice(i, i + 5000)) });
    assert.equal(taken.status, 201, taken.text);
  }
  assert.deepEqual(await rowsOf(second, (skip) => ({ skip })), rows);
  await first.close();
  await second.close();
});
