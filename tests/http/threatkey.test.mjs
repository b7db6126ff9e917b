// ThreatKey's audit log: four filters, five columns, as JSON and CSV, out and in.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer, stele } from './server.mjs';

const N = Number(process.env.STELE_ROWS ?? 30000);
const LOGS = '/threatkey/v1/audit-logs';
const COLUMNS = ['Timestamp', 'User', 'Action', 'IP address', 'Affected object'];
const HEAD = `${COLUMNS.join(',')}\r\n`;

let s;
before(async () => {
  s = await startServer();
});
after(() => s.close());

const logs = (params = {}, options) => s.get(`${LOGS}?${new URLSearchParams(params)}`, options);
const send = (body, headers = {}) => s.request('POST', LOGS, { body, headers });
const sendCsv = (body) => send(body, { 'Content-Type': 'text/csv' });

async function all(params = {}) {
  const rows = [];
  let cursor;
  do {
    const page = await logs({ ...params, ...(cursor ? { cursor } : {}) });
    assert.equal(page.status, 200, page.text);
    rows.push(...page.json.logs);
    cursor = page.json.next_cursor;
  } while (cursor);
  return rows;
}

const refused = (answer, status, field, message) => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.error.details.field, field);
  assert.match(answer.json.error.message, message);
};

const row = (Timestamp, User, Action, address, object) => ({ Timestamp, User, Action, 'IP address': address, 'Affected object': object });

const ROWS = [
  row('2025-01-01T10:00:00.000000Z', 'ada@example.com', 'user login', '192.0.2.7', 'console'),
  row('2025-01-01T10:01:00.000000Z', 'ada@example.com', 'password reset', '192.0.2.7', 'bob@example.com'),
  row('2025-01-01T10:02:00.000000Z', 'Bob', 'added integration', '192.0.2.8', 'AWS'),
  row('2025-01-01T10:03:00.000000Z', 'Bob', 'finding deleted', '2001:db8::1', 'S3 bucket is public'),
  row('2025-01-01T10:04:00.000000Z', 'ada@example.com', 'user logout', '192.0.2.7', 'console'),
];

test('rows that are taken in come out the same, newest first', async () => {
  const stored = await send(ROWS);
  assert.equal(stored.status, 201, stored.text);
  assert.equal(stored.json.accepted, ROWS.length);
  const page = await logs();
  assert.deepEqual(page.json, { logs: ROWS.toReversed(), next_cursor: null });
  assert.deepEqual(Object.keys(page.json.logs[0]), COLUMNS);
});

test('there are four filters, which narrow together', async () => {
  const actions = async (params) => (await all(params)).map((r) => r.Action).sort();
  assert.deepEqual(await actions({ user: 'ADA@example.com' }), ['password reset', 'user login', 'user logout']);
  assert.deepEqual(await actions({ user: 'bob' }), ['added integration', 'finding deleted']);
  assert.deepEqual(await actions({ user: 'bo' }), []);
  assert.deepEqual(await actions({ ip: '192.0.2.8' }), ['added integration']);
  assert.deepEqual(await actions({ ip: '2001:DB8::1' }), ['finding deleted']);
  assert.deepEqual(await actions({ from: '2025-01-01T10:01:00Z', to: '2025-01-01T10:03:00Z' }), ['added integration', 'password reset']);
  assert.deepEqual(await actions({ user: 'Bob', ip: '192.0.2.7' }), []);
  assert.deepEqual(await actions({ user: 'bob', action: 'source', ip: '2001:db8::1', from: '2025', to: '2026' }), ['finding deleted']);
  assert.deepEqual(await actions({ user: '" OR *' }), []);
});

test('kinds of activity are found by what events say', async () => {
  const natives = [
    ['login', { action: 'session.created' }],
    ['login', { action: 'designer-user-login' }],
    ['logout', { action: 'user.logout' }],
    ['account', { action: 'update', entity: { type: 'role' } }],
    ['account', { action: 'user.password_reset' }],
    ['configuration', { action: 'create', category: 'configuration' }],
    ['source', { action: 'create', entity: { type: 'finding' } }],
    ['metric', { action: 'system.metrics' }],
    ['access', { action: 'event.read' }],
  ];
  await s.append(natives.map(([kind, event], i) => ({ ...event, context: { ip: `198.51.100.${i}` }, attributes: { kind } })));
  for (const [i, [kind]] of natives.entries()) {
    const found = (await all({ action: kind, from: 'now-1h' })).map((r) => r['IP address']);
    assert.ok(found.includes(`198.51.100.${i}`), `${kind}: ${found}`);
    const others = natives.flatMap(([k], j) => (k === 'login' && kind !== 'login' ? [`198.51.100.${j}`] : []));
    if (kind !== 'account') for (const other of others) assert.ok(!found.includes(other), `${kind}: ${found}`);
  }
  assert.deepEqual((await all({ action: 'User Logout' })).map((r) => r.Action), ['user logout']); // an action itself
});

test('an event of ours has a user by address, name or id, and an object by name, id or type', async () => {
  const time = '2025-02-01T00:00:00.123456Z';
  await s.append([
    { action: 'a', time, actor: { id: 'u-1', name: 'Ada', email: 'a@b.c' }, entity: { type: 'role', id: 'r-1', name: 'Admin' } },
    { action: 'b', time, actor: { id: 'u-1', name: 'Ada' }, entity: { type: 'role', id: 'r-1' } },
    { action: 'c', time, actor: { id: 'u-1' }, entity: { type: 'role' } },
    { action: 'd', time },
  ]);
  const rows = await all({ from: '2025-02-01', to: '2025-02-02' });
  assert.deepEqual(rows.reverse(), [
    row(time, 'a@b.c', 'a', null, 'Admin'),
    row(time, 'Ada', 'b', null, 'r-1'),
    row(time, 'u-1', 'c', null, 'role'),
    row(time, null, 'd', null, null),
  ]);
});

test('a table does not grow without end: its names are in each row', async () => {
  const names = Array.from({ length: 32 }, (_, i) => `${i}${'n'.repeat(1000)}`).join(',');
  const res = await sendCsv(`${names}\n${`${','.repeat(31)}\n`.repeat(20000)}`);
  assert.equal(res.status, 413, res.text);
  assert.match(res.json.error.message, /64 MiB/);
});

test('CSV has all rows under the names of the columns, and comes in as it went out', async () => {
  const table = await logs({ format: 'csv', from: '2025-01-01', to: '2025-01-02' });
  assert.equal(table.status, 200);
  assert.match(table.headers['content-type'], /^text\/csv; charset=utf-8/);
  assert.match(table.headers['content-disposition'], /filename="audit-logs\.csv"/);
  const lines = ROWS.toReversed().map((r) => COLUMNS.map((c) => r[c]).join(','));
  assert.equal(table.text, HEAD + lines.map((l) => `${l}\r\n`).join(''));
  const moved = table.text.replaceAll('2025-01-01', '2025-01-03');
  const stored = await sendCsv(moved);
  assert.equal(stored.json.accepted, ROWS.length, stored.text);
  const again = await logs({ format: 'csv', from: '2025-01-03', to: '2025-01-04' });
  assert.deepEqual(again.text.split('\r\n').sort(), moved.split('\r\n').sort());
});

test('no cell can be run or break out, and what was written so is read back', async () => {
  const hostile = ['=cmd|calc', '+1+1', '-1+1', '@SUM(A1)', '\tx', 'a,b', 'say "hi"', 'two\r\nlines', '<script>alert(1)</script>', '"]}', "'=1", "' quoted", ' blank ', '\u2028', '\u0000', '-12.5'];
  const rows = hostile.map((text, i) => row(`2025-03-01T00:00:${String(i).padStart(2, '0')}.000000Z`, text, text, text, text));
  assert.equal((await send(rows)).status, 201);
  const params = { from: '2025-03-01', to: '2025-03-02' };
  assert.deepEqual((await all(params)).reverse(), rows);
  const table = (await logs({ format: 'csv', ...params })).text;
  for (const cell of table.slice(HEAD.length).split(/[,\n]/)) assert.doesNotMatch(cell, /^"?[=+@\t]|^"?-[^\d]/);
  const stored = await sendCsv(table.replaceAll('2025-03-01', '2025-03-03'));
  assert.equal(stored.json.accepted, rows.length, stored.text);
  const again = (await all({ from: '2025-03-03', to: '2025-03-04' })).map((r) => r.Action);
  assert.deepEqual(again, hostile.map((t) => (t === "'=1" ? '=1' : t))); // an apostrophe before a formula is CSV's own
});

test('a file of rows is taken in by the command', async () => {
  const rows = [row('2025-06-01T00:00:00.000000Z', 'Ada', 'moved', '::1', 'x')];
  const done = await stele(['append', '--url', s.url, '--key', s.key, '--format', 'threatkey'], { input: rows.map((r) => JSON.stringify(r)).join('\n') });
  assert.deepEqual([done.code, done.stdout], [0, '1 events\n'], done.stderr);
  assert.deepEqual(await all({ action: 'moved' }), rows);
});

test('what is wrong is refused by name', async () => {
  refused(await logs({ usr: 'x' }), 400, 'usr', /unknown parameter/);
  refused(await s.get(`${LOGS}?user=a&user=b`), 400, 'user', /given twice/);
  refused(await logs({ limit: '0' }), 400, 'limit', /1 to 1,000/);
  refused(await logs({ limit: '1001' }), 400, 'limit', /1 to 1,000/);
  refused(await logs({ limit: '99999999999999999999' }), 400, 'limit', /1 to 1,000/);
  refused(await logs({ limit: 'ten' }), 400, 'limit', /1 to 1,000/);
  refused(await logs({ from: 'yesterday' }), 400, 'from', /./);
  refused(await logs({ from: '2025-02-01', to: '2025-01-01' }), 400, 'from', /after 'to'/);
  refused(await logs({ cursor: 'x' }), 400, 'cursor', /none that a page/);
  refused(await logs({ format: 'pdf' }), 400, 'format', /json, csv/);
  refused(await logs({ format: 'csv', limit: '5' }), 400, 'format', /leave limit/);
  refused(await logs({ user: 'x'.repeat(1025) }), 400, 'user', /1,024/);
  refused(await s.get(`${LOGS}?user=%ff`), 400, 'user', /UTF-8/);
  refused(await send([{ Timestamp: '2025-01-01T00:00:00Z' }]), 400, 'Action', /needs an 'Action'/);
  refused(await send([{ Action: '' }]), 400, 'Action', /needs an 'Action'/);
  refused(await send([{ Action: 'a', Timestamp: 'x' }]), 400, 'Timestamp', /RFC 3339/);
  refused(await sendCsv(''), 400, undefined, /table is empty/);
  refused(await sendCsv('Action,User\na\n'), 400, undefined, /fewer cells/);
  refused(await sendCsv('Action\na,b\n'), 400, undefined, /more cells/);
  refused(await sendCsv('Action\n"a\n'), 400, undefined, /not closed/);
  refused(await sendCsv('Action\n"a"b\n'), 400, undefined, /comma or a line end/);
  refused(await sendCsv('Action,Action\na,b\n'), 400, 'Action', /twice/);
  refused(await sendCsv(`${'a,'.repeat(32)}Action\n`), 413, undefined, /at most 32 columns/);
  refused(await sendCsv(Buffer.from([0x41, 0x0a, 0xff])), 400, undefined, /UTF-8/);
});

test('who may not is told so', async () => {
  const make = async (body) => (await s.request('POST', '/v1/keys', { body })).json.api_key;
  const writer = await make({ name: 'tk-writer', role: 'writer' });
  assert.equal((await logs({}, { key: null })).status, 401);
  assert.equal((await logs({}, { key: writer })).status, 403);
  assert.equal((await s.request('POST', LOGS, { body: ROWS, key: await make({ name: 'tk-reader', role: 'auditor' }) })).status, 403);
  const narrow = await make({ name: 'tk-narrow', role: 'auditor', query: 'actor.name:Bob' });
  const seen = (await logs({ from: '2025-01-01', to: '2025-01-02' }, { key: narrow })).json.logs;
  assert.deepEqual(seen.map((r) => r.User), ['Bob', 'Bob']);
  const table = await logs({ format: 'csv', from: '2025-01-01', to: '2025-01-02' }, { key: narrow });
  assert.equal(table.text.split('\r\n').length, 4);
});

test('a table may end anywhere, and hold any numbers where texts belong', { timeout: 20000 }, async () => {
  for (const table of ['Action,User\nends,', 'Action,User,\nends,,', 'User,Action\n,ends', 'Action\nends\n\n\n']) {
    const stored = await sendCsv(table);
    assert.equal(stored.json.accepted, 1, stored.text);
  }
  assert.equal((await all({ action: 'ends' })).length, 4);
  for (const User of [1234567890, [1, 2, 3, 4, 5, 6, 7, 8], { a: 1 }, true]) assert.equal((await send([{ Action: 'odd', User }])).status, 201);
});

test('what has no column is kept beside them', async () => {
  const rows = [{ ...row('2025-04-01T00:00:00Z', 7, 'a', { x: 1 }, ['y']), Severity: 'High', 'a.b': null }];
  assert.equal((await send(rows)).status, 201);
  assert.deepEqual(await all({ from: '2025-04-01', to: '2025-04-02' }), rows);
});

test(`${N} rows are paged through without loss or repeat while others arrive`, { timeout: 600000 }, async () => {
  const events = (first, count) => Array.from({ length: count }, (_, i) => ({ action: 'paged', time: '2025-05-01T00:00:00Z', entity: { name: `${first + i}` } }));
  for (let at = 0; at < N; at += 10000) assert.equal((await s.append(events(at, 10000), '?ids=false')).status, 201);
  let isDone = false;
  const arriving = (async () => {
    for (let i = 0; !isDone; i++) await s.append(events(N + i * 100, 100), '?ids=false');
  })();
  const rows = await all({ action: 'paged', limit: 1000 });
  isDone = true;
  await arriving;
  const own = rows.map((r) => Number(r['Affected object'])).filter((n) => n < N);
  assert.equal(own.length, N);
  assert.deepEqual(own, Array.from({ length: N }, (_, i) => N - 1 - i));
  assert.equal(new Set(rows.map((r) => r['Affected object'])).size, rows.length);
  const table = (await logs({ format: 'csv', action: 'paged' })).text.trimEnd().split('\r\n').slice(1);
  assert.equal(table.filter((line) => Number(line.split(',').at(-1)) < N).length, N);
});
