// The Keepnet dialect: every request and answer of the vendor's interface, its errors, its files, and rows that come back.
//
// STELE_ROWS: how many rows are paged through while others arrive (200000 in full; fewer usually, for sanitizers).
// STELE_REAL_EVENTS: a file of real events (zstd), whose rows are taken in again; it is left out when it is not there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolder, removeFolder, startServer, stele } from './server.mjs';
import { readZip } from './zip.mjs';

const ROWS = Number(process.env.STELE_ROWS ?? 20000);
const REAL = process.env.STELE_REAL_EVENTS ?? '../shared/data/real-events.jsonl.zst';
const FIELDS = ['resourceId', 'userName', 'entityResourceId', 'entityName', 'oldValue', 'newValue', 'operation', 'ip', 'userAgent', 'auditDescription', 'logDate'];
const OPERATIONS = ['Create', 'Update', 'Delete', 'CreateMany', 'UpdateMany', 'DeleteMany'];
let s; // with the rows of `sample`
let token;

// ---- as the vendor's clients call ----

const form = (fields) => new URLSearchParams(fields).toString();
const credentials = (server = s) => ({ grant_type: 'client_credentials', client_id: server.bootstrap.client_id, client_secret: server.bootstrap.client_secret, scope: 'api1' });
const connect = (body, type = 'application/x-www-form-urlencoded', server = s) =>
  server.request('POST', '/connect/token', { key: null, body: typeof body === 'string' ? body : form(body), headers: { 'Content-Type': type } });
const call = (path, body, { server = s, key = server === s ? token : server.key, headers = {} } = {}) =>
  server.request('POST', path, { key, body, headers: { 'Content-Type': 'application/json', ...headers } });
const search = (body, options) => call('/api/audit-logs/search', body, options);
const give = (rows, options) => call('/api/audit-logs/import', rows, options);
const exported = (body, options) => call('/api/audit-logs/search/export', body, options);

async function found(body, options) {
  const answer = await search(body, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.data;
}
const ids = async (body, options) => (await found({ pageSize: 1000, ...body }, options)).results.map((r) => r.resourceId);
// The ids that one item finds, sorted.
const item = async (FieldName, Operator, Value) => (await ids({ filter: { FilterItems: [{ FieldName, Operator, Value }] } })).sort();

function assertFailure(answer, httpStatus, status, message) {
  assert.equal(answer.status, httpStatus, answer.text);
  assert.deepEqual(Object.keys(answer.json), ['data', 'status', 'message', 'validationMessages', 'isSuccess', 'messages']);
  assert.equal(answer.json.data, null);
  assert.equal(answer.json.status, status, answer.text);
  assert.equal(answer.json.isSuccess, false);
  assert.match(answer.json.messages[0], message);
  if (status === 'INPUT_ERROR') {
    assert.equal(answer.json.message, 'Invalid request');
    assert.deepEqual(answer.json.validationMessages, answer.json.messages);
  } else {
    assert.equal(answer.json.message, answer.json.messages[0]);
    assert.equal(answer.json.validationMessages, null);
  }
}

async function makeKey(body) {
  const made = await s.request('POST', '/v1/keys', { body: { name: 'k', role: 'analyst', ...body } });
  assert.equal(made.status, 201, made.text);
  return made.json.api_key;
}

const row = (n, over = {}) => ({
  resourceId: `r${n}`,
  userName: `User ${n}`,
  entityResourceId: `e-${n}`,
  entityName: 'SystemUser',
  oldValue: '[{"PropertyName":"Email","OldValue":"a","NewValue":"b"}]',
  newValue: `{"Email":"b","Number":${n}}`,
  operation: OPERATIONS[n % 6],
  ip: `10.20.12.${n}`,
  userAgent: 'Mozilla/5.0',
  auditDescription: `Row number ${n}`,
  logDate: `2026-02-${String(n + 1).padStart(2, '0')}T13:40:45.2323091Z`,
  ...over,
});
const sample = Array.from({ length: 12 }, (_, n) => row(n));
sample[3] = row(3, { userName: 'Harold Finch', entityName: 'Company', auditDescription: 'looks at (everything|nothing).*' });
sample[4] = row(4, { userName: null, ip: null, entityResourceId: null, oldValue: null, newValue: null });
sample[5] = row(5, { userName: '', logDate: '2026-02-06T00:00:00' });

before(async () => {
  s = await startServer();
  const answer = await connect(credentials());
  assert.equal(answer.status, 200, answer.text);
  token = answer.json.access_token;
  assert.equal((await give(sample)).status, 200);
});
after(() => s.close());

// ---- tokens ----

test('a token is given as the vendor gives it', async () => {
  const answer = await connect(credentials());
  assert.deepEqual(Object.keys(answer.json), ['access_token', 'expires_in', 'token_type', 'scope', 'permissions']);
  assert.equal(answer.json.expires_in, 3600);
  assert.equal(answer.json.token_type, 'Bearer');
  assert.equal(answer.json.scope, 'api1');
  assert.ok(answer.json.permissions.includes('audit-logs|POST'));
  assert.ok(answer.json.permissions.includes('audit-logs/search|POST'));
  for (const entry of answer.json.permissions) assert.match(entry, /^[a-z/-]+\|POST$/);
  const claims = JSON.parse(Buffer.from(answer.json.access_token.split('.')[1], 'base64url'));
  const names = ['resourceid', 'name', 'id', 'logopath', 'industry_name', 'parentcompany_resourceid', 'parentcompany_name'].map((n) => `user_company_${n}`);
  for (const name of [...names, 'role', 'company_admin_access', 'reseller_access', 'root_access', 'client_id', 'exp', 'iat']) assert.ok(name in claims, name);
  assert.deepEqual(claims.scope, ['api1']);
  assert.equal(claims.exp - claims.iat, 3600);
  assert.equal(claims.user_company_resourceid, s.bootstrap.org_key);
});

test('any number of tokens work at a time, and what they may do is that of the key', async () => {
  const key = await makeKey({ role: 'writer' });
  const [, client_id, client_secret] = key.split('_');
  const first = (await connect({ ...credentials(), client_id, client_secret })).json;
  const second = (await connect({ ...credentials(), client_id, client_secret })).json;
  assert.deepEqual(first.permissions, ['audit-logs/import|POST', 'audit|POST']);
  for (const { access_token } of [first, second]) assertFailure(await search({}, { key: access_token }), 403, 'PRIVACY_ERROR', /events:read/);
});

test('a body that is no form breaks the token endpoint down', async () => {
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencodedx'])
    assertFailure(await connect(JSON.stringify(credentials()), type), 500, 'INTERNAL_SERVER_ERROR', /x-www-form-urlencoded/);
});

test('wrong credentials are a bad request', async () => {
  const refused = async (over, error, status = 400) => {
    const fields = { ...credentials(), ...over };
    for (const name of Object.keys(over)) if (over[name] === undefined) delete fields[name];
    const answer = await connect(fields);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.error, error);
    assert.ok(answer.json.error_description.length > 0);
    assert.equal(answer.text.includes(s.bootstrap.client_secret), false);
  };
  await refused({ client_secret: 'x' }, 'invalid_client');
  await refused({ client_id: '0123456789abcdef' }, 'invalid_client');
  await refused({ client_id: undefined, client_secret: undefined }, 'invalid_client');
  await refused({ scope: undefined }, 'invalid_scope');
  await refused({ scope: 'api2' }, 'invalid_scope');
  await refused({ grant_type: undefined }, 'unsupported_grant_type');
  await refused({ grant_type: 'password' }, 'unsupported_grant_type');
  const twice = await connect(`${form(credentials())}&scope=api1`);
  assert.deepEqual([twice.status, twice.json.error], [400, 'invalid_request']);
  assert.equal((await s.get('/connect/token', { key: null })).status, 405);
});

// ---- searches ----

test('an answer has both sets of members, and rows exactly their fields', async () => {
  const answer = await search({ pageNumber: 1, pageSize: 10, orderBy: 'CreateTime', ascending: false, filter: { Condition: 'AND', SearchInputTextValue: '' } });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['content-type'], 'application/json');
  const { data, ...rest } = answer.json;
  assert.deepEqual(rest, { status: 'SUCCESS', message: null, validationMessages: null, isSuccess: true, messages: [] });
  assert.deepEqual(Object.keys(data), ['pageNumber', 'pageSize', 'totalNumberOfPages', 'totalNumberOfRecords', 'results']);
  assert.deepEqual([data.pageNumber, data.pageSize, data.totalNumberOfPages, data.totalNumberOfRecords], [1, 10, 2, 12]);
  for (const r of data.results) assert.deepEqual(Object.keys(r), FIELDS);
  assert.deepEqual(data.results, sample.slice(2).reverse());
  assert.deepEqual((await call('/api/audit-log/search', { pageSize: 10 })).json.data, data);
});

test('the body that the interface of the vendor sends', async () => {
  const body = {
    pageNumber: 1,
    pageSize: 10,
    orderBy: 'LogDate',
    ascending: false,
    filter: {
      Condition: 'AND',
      FilterGroups: [
        {
          Condition: 'AND',
          FilterItems: [
            { Value: '01/02/2026 00:00', FieldName: 'logDate', Operator: '>=' },
            { value: '06/02/2026 00:00', FieldName: 'logDate', Operator: '<=' },
          ],
          FilterGroups: [],
        },
        { Condition: 'OR', FilterItems: [], FilterGroups: [] },
      ],
    },
  };
  assert.deepEqual(await ids(body), ['r5', 'r4', 'r3', 'r2', 'r1', 'r0']);
  body.filter.FilterGroups[1].FilterItems = ['UserName', 'EntityName', 'OldValue', 'Ip', 'LogDate', 'Operation', 'AuditDescription', 'UserAgent'].map((FieldName) => ({ FieldName, Operator: 'Contains', Value: 'finch' }));
  assert.deepEqual(await ids(body), ['r3']);
});

test('bodies of all types and with names in any case are taken', async () => {
  for (const type of ['application/json', 'application/json-patch+json', 'text/json', 'application/vnd.x+json', 'application/x-www-form-urlencoded'])
    assert.equal((await search({ PAGESIZE: 2, pagenumber: 2, Extra: {} }, { headers: { 'Content-Type': type } })).json.data.results.length, 2, type);
  assert.equal((await found({})).results.length, 10);
});

test('each operator on text', async () => {
  const others = (...not) => sample.map((r) => r.resourceId).filter((id) => !not.includes(id)).sort();
  assert.deepEqual(await item('userName', 'Contains', 'ROLD f'), ['r3']);
  assert.deepEqual(await item('AuditDescription', 'Contains', '(everything|nothing).*'), ['r3']);
  assert.deepEqual(await item('auditDescription', 'Contains', ''), others());
  assert.deepEqual(await item('userName', '=', 'harold FINCH'), ['r3']);
  assert.deepEqual(await item('userName', '=', 'harold'), []);
  assert.deepEqual(await item('userName', '!=', 'harold finch'), others('r3'));
  assert.deepEqual(await item('userName', '=', ''), ['r4', 'r5']);
  assert.deepEqual(await item('userName', '!=', null), others('r4', 'r5'));
  assert.deepEqual(await item('userName', '>', 'user 8'), ['r9']);
  assert.deepEqual(await item('userName', '>=', 'user 8'), ['r8', 'r9']);
  assert.deepEqual(await item('userName', '<', 'user'), ['r3', 'r5']);
  assert.deepEqual(await item('IP', '=', '10.20.12.7'), ['r7']);
  assert.deepEqual(await item('entityResourceId', 'Include', 'e-1, E-2,,e-11'), ['r1', 'r11', 'r2']);
  assert.deepEqual(await item('entityResourceId', 'Include', ''), others());
  assert.deepEqual(await item('resourceId', 'Include', 'r1,r2'), ['r1', 'r2']);
  assert.deepEqual(await item('newValue', 'Contains', '7'), ['r7']);
  assert.deepEqual(await item('oldValue', 'Contains', 'Email'), others('r4')); // the name of a property
  assert.deepEqual(await item('oldValue', 'Contains', 'Number'), []);
  assert.deepEqual(await item('newValue', 'Contains', 'Number'), others('r4'));
});

test('operations by name and by number', async () => {
  for (const [number, name] of OPERATIONS.entries()) {
    const want = [`r${number}`, `r${number + 6}`].sort();
    assert.deepEqual(await item('operation', '=', String(number)), want);
    assert.deepEqual(await item('Operation', '=', number), want);
    assert.deepEqual(await item('operation', '=', name.toLowerCase()), want);
  }
  assert.deepEqual(await item('operation', 'Include', '0,2'), ['r0', 'r2', 'r6', 'r8']);
  assert.deepEqual(await item('operation', 'Contains', 'many'), ['r10', 'r11', 'r3', 'r4', 'r5', 'r9']);
});

test('dates in the formats of users', async () => {
  assert.deepEqual(await item('logDate', '>', '2026-02-11'), ['r10', 'r11'].sort());
  assert.deepEqual(await item('logDate', '=', '2026-02-11'), ['r10']);
  assert.deepEqual(await item('logDate', '=', '11/02/2026'), ['r10']); // nothing tells: the day is first
  assert.deepEqual(await item('logDate', '=', '02/03/2026'), []);
  assert.deepEqual(await item('logDate', '>=', '2026/02/12 01:40 PM'), ['r11']);
  assert.deepEqual(await item('CreateTime', '=', '2026-02-12T13:40:45.2323091Z'), ['r11']);
  const between = (a, b) => ids({ filter: { filterItems: [['>=', a], ['<=', b]].map(([operator, value]) => ({ fieldName: 'logDate', operator, value })) } });
  assert.deepEqual(await between('02/03/2026 12:00 am', '02/15/2026 11:59 PM'), ['r11', 'r10', 'r9', 'r8', 'r7', 'r6', 'r5', 'r4', 'r3', 'r2']); // the second tells
  assert.deepEqual(await between('09/02/2026 00:00', '13/02/2026 00:00'), ['r11', 'r10', 'r9', 'r8']);
});

test('filters are trees', async () => {
  const by = (fieldName, value) => ({ fieldName, operator: '=', value });
  const filter = {
    condition: 'or',
    filterItems: [by('ip', '10.20.12.1')],
    filterGroups: [{ condition: 'AND', filterItems: [by('entityName', 'systemuser')], filterGroups: [{ condition: 'OR', filterItems: [by('ip', '10.20.12.3'), by('ip', '10.20.12.9')] }] }],
  };
  assert.deepEqual((await ids({ filter })).sort(), ['r1', 'r9']);
  assert.deepEqual(await ids({ filter: { ...filter, searchInputTextValue: 'number 9' } }), ['r9']);
  assert.deepEqual(await ids({ filter: { searchInputTextValue: 'CREATEMANY' } }), ['r9', 'r3']);
  assert.equal((await found({ filter: {} })).totalNumberOfRecords, 12);
});

test('rows in the order of any field', async () => {
  for (const field of FIELDS) {
    const up = await ids({ orderBy: field, ascending: true });
    const down = await ids({ orderBy: field.toUpperCase() });
    assert.deepEqual([...up].sort(), sample.map((r) => r.resourceId).sort(), field);
    assert.deepEqual([...down].sort(), [...up].sort(), field);
  }
  assert.deepEqual((await ids({ orderBy: 'userName', ascending: true })).slice(0, 3), ['r5', 'r3', 'r0']);
  assert.deepEqual((await ids({ orderBy: 'LogDate', ascending: true })).slice(0, 2), ['r0', 'r1']);
});

test('records of other products are rows too, with their secrets masked', async () => {
  const event = {
    action: 'role.grant', actor: { id: 'u-1', email: 'ada@example.org' }, entity: { type: 'role', id: 'r-9' },
    context: { ip: '203.0.113.7', user_agent: 'curl' }, description: 'Granted', time: '2020-01-01T00:00:00Z',
    before: { PasswordHash: 'AQAAAA', level: 1 }, after: { PasswordHash: 'AQBBBB', level: 2, nested: [{ securityStamp: 'x' }] },
  };
  const id = (await s.append([event])).json.ids[0];
  const [r] = (await found({ filter: { filterItems: [{ fieldName: 'resourceId', operator: '=', value: id.toUpperCase() }] } })).results;
  assert.deepEqual(r, {
    resourceId: id, userName: 'ada@example.org', entityResourceId: 'r-9', entityName: 'role',
    oldValue: JSON.stringify([
      { PropertyName: 'PasswordHash', OldValue: '********', NewValue: '********' },
      { PropertyName: 'level', OldValue: '1', NewValue: '2' },
      { PropertyName: 'nested', OldValue: null, NewValue: '[{"securityStamp":"********"}]' },
    ]),
    newValue: '{"PasswordHash":"********","level":2,"nested":[{"securityStamp":"********"}]}',
    operation: 'role.grant', ip: '203.0.113.7', userAgent: 'curl', auditDescription: 'Granted', logDate: '2020-01-01T00:00:00.000000Z',
  });
});

// ---- sister endpoints ----

test("the log of one's own company", async () => {
  const answer = await call('/api/audit-logs', { pageNumber: 2, pageSize: 3, orderBy: 'LogDate', ascending: true });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.status, 'SUCCESS');
  assert.deepEqual(answer.json.data.results[1], {
    logId: 'r3', userId: 0, logDate: sample[3].logDate, entityResourceId: 'e-3', entityName: 'Company', companyId: 1,
    operation: 'CreateMany', oldValue: sample[3].oldValue, newValue: sample[3].newValue,
  });
});

test('what a producer tells is found', async () => {
  const event = {
    application: 'Phishing', module: 'Campaign', url: 'https://x/y', clientIp: '192.0.2.9', username: 'producer', email: 'p@x.org', logMessage: 'Made a campaign',
    correlationId: 'c-1', browserInfo: 'Firefox', extraLogMessage: 'more', action: 'Create', duration: '12', parameter: null, changeSet: '[]',
  };
  const headers = { 'Idempotency-Key': 'once' };
  const told = await call('/api/audit', event, { headers });
  assert.equal(told.status, 200, told.text);
  assert.equal(told.json.isSuccess, true);
  assert.deepEqual((await call('/api/audit', event, { headers })).json, told.json);
  const rows = (await found({ filter: { filterItems: [{ fieldName: 'userName', operator: '=', value: 'producer' }] } })).results;
  assert.equal(rows.length, 1);
  const { logDate, ...rest } = rows[0];
  assert.ok(Math.abs(Date.parse(logDate) - Date.now()) < 60000);
  assert.deepEqual(rest, {
    resourceId: told.json.data.resourceId, userName: 'producer', entityResourceId: null, entityName: null, oldValue: '[]', newValue: null,
    operation: 'Create', ip: '192.0.2.9', userAgent: 'Firefox', auditDescription: 'Made a campaign',
  });
  const [record] = (await s.search({ query: 'actor.name:producer' })).json.events;
  assert.equal(record.context.request_id, 'c-1');
  assert.deepEqual(record.attributes.keepnet, { duration: '12', extraLogMessage: 'more', newValue: null, parameter: null });
  assertFailure(await call('/api/audit', { username: 7 }), 400, 'INPUT_ERROR', /a string or null/);
  assertFailure(await call('/api/audit', '{'), 400, 'INPUT_ERROR', /./);
  assertFailure(await call('/api/audit', event, { key: await makeKey({ role: 'analyst' }) }), 403, 'PRIVACY_ERROR', /events:append/);
});

// The cells of a workbook's sheet, row by row.
function readSheet(bytes) {
  const text = (xml) => xml.replace(/<[^>]*>/g, '').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&amp;/g, '&');
  const xml = readZip(bytes)['xl/worksheets/sheet1.xml'].toString('utf8');
  return [...xml.matchAll(/<row .*?<\/row>/gs)].map(([r]) =>
    Object.fromEntries([...r.matchAll(/<c r="([A-Z])\d+"([^>]*)>(.*?)<\/c>/gs)].map(([, column, type, cell]) => {
      assert.match(type, /t="inlineStr"/); // a text, never a formula
      assert.doesNotMatch(cell, /<f>/);
      return [column, text(cell)];
    })),
  );
}

function readCsv(csv) {
  const rows = [];
  const cell = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/gy;
  for (let line = [], m; (m = cell.exec(csv)); ) {
    line.push(m[1].startsWith('"') ? m[1].slice(1, -1).replace(/""/g, '"') : m[1]);
    if (m[2] === ',') continue;
    rows.push(line);
    line = [];
  }
  return rows;
}

const TITLES = ['Log Date', 'User Name', 'Entity Name', 'Operation', 'Changed Set', 'New Value', 'IP', 'Browser User Agent', 'Description', 'Entity ID', 'Log ID'];
const ORDER = ['logDate', 'userName', 'entityName', 'operation', 'oldValue', 'newValue', 'ip', 'userAgent', 'auditDescription', 'entityResourceId', 'resourceId'];
const cellsOf = (r) => ORDER.map((f) => r[f] ?? '');
const own = { filter: { filterItems: [{ fieldName: 'resourceId', operator: 'Contains', value: 'r' }] } };

test('rows as CSV: all of them, or of one page', async () => {
  const all = await exported({ ...own, ascending: true, pageSize: 2, reportAllPages: true, exportType: 'CSV' });
  assert.equal(all.status, 200, all.text);
  assert.match(all.headers['content-type'], /^text\/csv/);
  assert.equal(all.headers['content-disposition'], 'attachment; filename="Audit Log.csv"');
  assert.deepEqual(readCsv(all.text), [TITLES, ...sample.map(cellsOf)]);
  const page = await exported({ ...own, pageSize: 2, pageNumber: 2, exportType: 'csv' });
  assert.deepEqual(readCsv(page.text), [TITLES, ...[sample[9], sample[8]].map(cellsOf)]);
});

test('rows as a workbook', async () => {
  const answer = await exported({ ...own, ascending: true, reportAllPages: true, exportType: 'Excel' });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['content-type'], 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet');
  assert.equal(answer.headers['content-disposition'], 'attachment; filename="Audit Log.xlsx"');
  const rows = readSheet(answer.bytes);
  assert.deepEqual(Object.values(rows[0]), TITLES);
  assert.deepEqual(rows.slice(1).map((r) => [...'ABCDEFGHIJK'].map((c) => r[c] ?? '')), sample.map(cellsOf));
});

test('a file is told of once, as an export', async () => {
  const before = (await s.search({ ledger: 'self', query: 'action:events.exported', total: 'exact' })).json.total.value;
  await exported({ reportAllPages: true });
  await exported({ pageNumber: 2, pageSize: 2 });
  const told = (await s.search({ ledger: 'self', query: 'action:events.exported', total: 'exact' })).json;
  assert.equal(told.total.value, before + 2);
  assert.equal(told.events[0].context.url, '/api/audit-logs/search/export');
});

test('what cannot be exported is said', async () => {
  assertFailure(await exported({ exportType: 'PDF' }), 400, 'INPUT_ERROR', /PDF is not made/);
  assertFailure(await exported({ reportAllPages: 'yes' }), 400, 'INPUT_ERROR', /'reportAllPages' takes true or false/);
  assertFailure(await exported({ filter: null }), 500, 'INTERNAL_SERVER_ERROR', /'filter' is null/);
  assertFailure(await exported({}, { key: await makeKey({ role: 'writer' }) }), 403, 'PRIVACY_ERROR', /events:export/);
});

// ---- companies and errors ----

test('a company that is named must be that of who asks', async () => {
  const mine = s.bootstrap.org_key;
  for (const name of ['X-KEEPNET-Company-Id', 'x-keepnet-company-id', 'X-IR-COMPANY-ID', 'x-ir-company-id'])
    assert.equal((await search({}, { headers: { [name]: mine, 'X-IR-API-KEY': 'anything' } })).status, 200, name);
  assert.equal((await call(`/api/audit-logs/search?companyId=${mine}&x=1`, {})).status, 200);
  assert.equal((await s.request('POST', '/v1/orgs', { body: { org_key: 'other', name: 'Other' } })).status, 201);
  const plain = await makeKey({ role: 'owner' });
  for (const path of ['/api/audit-logs/search', '/api/audit-log/search', '/api/audit-logs', '/api/audit-logs/search/export', '/api/audit', '/api/audit-logs/import']) {
    assertFailure(await call(`${path}?companyId=other`, {}), 403, 'PRIVACY_ERROR', /not that of your credentials/);
    assertFailure(await call(path, {}, { headers: { 'X-IR-COMPANY-ID': 'nobody' } }), 404, 'FAILED', /no company 'nobody'/);
    // who may not see all orgs does not learn which there are
    for (const name of ['other', 'nobody', 'x'.repeat(1000)]) assertFailure(await call(path, {}, { key: plain, headers: { 'X-KEEPNET-Company-Id': name } }), 403, 'PRIVACY_ERROR', /not that of/);
  }
});

test('bodies that are wrong are refused by what is wrong', async () => {
  const wrong = async (body, message) => assertFailure(await search(body), 400, 'INPUT_ERROR', message);
  await wrong('{', /Malformed JSON/);
  await wrong('[]', /not an object/);
  await wrong({ pageNumber: 0 }, /'pageNumber' begins with 1/);
  await wrong({ pageNumber: -1 }, /'pageNumber' takes a whole number/);
  await wrong({ pageNumber: 1.5 }, /'pageNumber'/);
  await wrong({ pageSize: 0 }, /'pageSize' begins with 1/);
  await wrong({ pageSize: 10001 }, /'pageSize' is at most 10000/);
  await wrong({ orderBy: null }, /'orderBy' takes the name/);
  await wrong({ orderBy: '' }, /'orderBy' takes the name/);
  await wrong({ orderBy: 'nope' }, /'orderBy' takes the name/);
  await wrong({ orderBy: 7 }, /'orderBy' takes a string/);
  await wrong({ ascending: 'true' }, /'ascending' takes true or false/);
  await wrong({ filter: [] }, /'filter' takes an object/);
  await wrong({ filter: { condition: 'NOR' } }, /condition 'NOR'/);
  await wrong({ filter: { filterItems: [{ fieldName: 'x', operator: '=', value: '' }] } }, /fieldName 'x'/);
  await wrong({ filter: { filterItems: [{ fieldName: 'ip', operator: 'LIKE', value: '' }] } }, /operator 'LIKE'/);
  await wrong({ filter: { filterItems: [{ fieldName: 'logDate', operator: '>', value: 'yesterday' }] } }, /'yesterday' is no date/);
  await wrong({ filter: { filterItems: [{ fieldName: 'entityResourceId', operator: 'Include', value: 'a,'.repeat(600) }] } }, /512/);
  await wrong({ filter: { filterItems: Array.from({ length: 17 }, (_, n) => ({ fieldName: 'ip', operator: 'Contains', value: `x${n}` })) } }, /16/);
});

test('a filter that is null breaks down, as does nothing else', async () => {
  assertFailure(await search({ filter: null }), 500, 'INTERNAL_SERVER_ERROR', /'filter' is null/);
  assert.equal((await search({ filter: { filterGroups: null, filterItems: null, condition: null, searchInputTextValue: null } })).status, 200);
  assert.equal((await call('/api/audit-logs', { filter: null })).status, 200);
});

test('who may not is told so', async () => {
  assertFailure(await search({}, { key: null }), 401, 'FAILED', /API key/);
  const wrong = await search({}, { key: 'nonsense' });
  assertFailure(wrong, 401, 'FAILED', /./);
  assert.ok(wrong.headers['www-authenticate']);
  assertFailure(await search({}, { key: `${token.slice(0, -4)}AAAA` }), 401, 'FAILED', /./);
  assertFailure(await search({}, { key: await makeKey({ networks: ['192.0.2.0/24'] }) }), 403, 'IP_RESTRICTED', /from the address/);
  const slow = await makeKey({ request_rate: 1 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => search({}, { key: slow })));
  const limited = answers.find((a) => a.status !== 200);
  assertFailure(limited, 429, 'FAILED', /./);
  assert.ok(limited.headers['retry-after']);
  assertFailure(await call('/api/audit-nothing', {}), 404, 'FAILED', /no resource/);
  assertFailure(await s.get('/api/audit-logs/search', { key: token }), 405, 'FAILED', /POST/);
});

test('a narrowed key sees its rows alone', async () => {
  const key = await makeKey({ query: 'actor.name:harold' });
  const data = await found({}, { key });
  assert.deepEqual([data.totalNumberOfRecords, data.results.map((r) => r.resourceId)], [1, ['r3']]);
  assert.equal(readCsv((await exported({ reportAllPages: true }, { key })).text).length, 2);
});

// ---- pages ----

async function startWith(rows) {
  const server = await startServer();
  for (let at = 0; at < rows.length; at += 5000) assert.equal((await give(rows.slice(at, at + 5000), { server })).status, 200);
  return server;
}

const brief = (n) => ({ resourceId: `n${n}`, userName: `user ${n % 7}`, operation: OPERATIONS[n % 6], logDate: new Date(1.7e12 + n * 500).toISOString() });

test(`${ROWS} rows are paged through without loss or repeat while others arrive`, async () => {
  const server = await startWith(Array.from({ length: ROWS }, (_, n) => brief(n)));
  for (const [ascending, filter] of [[false, {}], [true, { searchInputTextValue: 'user 3' }]]) {
    const want = [];
    for (let n = 0; n < ROWS; n++) if (!filter.searchInputTextValue || n % 7 === 3) want.push(`n${n}`);
    if (!ascending) want.reverse();
    const seen = [];
    const pageSize = Math.max(100, Math.ceil(want.length / 200));
    let total;
    for (let pageNumber = 1; ; pageNumber++) {
      const data = await found({ pageNumber, pageSize, ascending, filter }, { server });
      total ??= data.totalNumberOfRecords;
      const isEnd = pageNumber * pageSize > total;
      if (!isEnd || !ascending) assert.equal(data.totalNumberOfRecords, total);
      assert.equal(data.totalNumberOfPages, Math.ceil(data.totalNumberOfRecords / pageSize));
      if (data.results.length === 0) break;
      seen.push(...data.results.map((r) => r.resourceId));
      assert.equal((await give([{ resourceId: `late-${pageNumber}-${ascending}`, userName: 'user 3', operation: 'Create' }], { server })).status, 200);
    }
    assert.deepEqual(seen.filter((id) => !id.startsWith('late')), want);
    assert.equal(new Set(seen).size, seen.length);
    if (ascending) assert.ok(seen.length > total); // the end is where new rows come
    else assert.equal(seen.length, total);
  }
  await server.close();
});

test('damaged records are told of', async () => {
  const server = await startWith(Array.from({ length: 20000 }, (_, n) => brief(n)));
  await server.request('POST', '/v1/seal');
  await server.stop();
  const ledger = join(server.folder, 'segments', readdirSync(join(server.folder, 'segments'))[0]);
  const file = join(ledger, readdirSync(ledger)[0]);
  const bytes = readFileSync(file);
  let told = 0;
  for (const part of [0.05, 0.1, 0.2, 0.3]) {
    const damaged = Buffer.from(bytes);
    damaged[Math.floor(bytes.length * part)] ^= 1;
    writeFileSync(file, damaged);
    await server.start();
    const { json } = await search({ pageSize: 10000, ascending: true }, { server });
    const csv = await exported({ reportAllPages: true, ascending: true, pageSize: 10 }, { server });
    const workbook = await exported({ pageSize: 5000, ascending: true, exportType: 'Excel' }, { server });
    await server.stop();
    assert.equal(json.status, 'SUCCESS');
    assert.deepEqual(json.messages, json.message === null ? [] : [json.message]);
    if (json.message === null) continue; // nothing of it was asked for
    assert.match(json.message, /^[1-9]\d* records of the log are damaged/);
    for (const { headers } of [csv, workbook]) assert.match(headers['stele-damaged'], /^\d+-\d+/);
    told++;
  }
  assert.ok(told > 0);
  removeFolder(server.folder);
});

test('who waits at the end of the ascending order gets new rows', async () => {
  const server = await startWith([0, 1, 2, 3, 4].map(brief));
  const page = async (pageNumber) => (await found({ pageNumber, pageSize: 2, ascending: true }, { server })).results.map((r) => r.resourceId);
  for (const [n, want] of [[1, ['n0', 'n1']], [2, ['n2', 'n3']], [3, ['n4']], [3, ['n4']], [4, []]]) assert.deepEqual(await page(n), want);
  await give([5, 6, 7].map(brief), { server });
  for (const [n, want] of [[3, ['n4', 'n5']], [4, ['n6', 'n7']], [5, []], [2, ['n2', 'n3']]]) assert.deepEqual(await page(n), want);
  await server.close();
});

test('pages are found again, ahead, from the end, and from many at once', async () => {
  const rows = Array.from({ length: 25000 }, (_, n) => brief(n));
  const server = await startWith(rows);
  const page = async (pageNumber, over = {}) => {
    const data = await found({ pageNumber, pageSize: 50, ascending: true, ...over }, { server });
    assert.equal(data.totalNumberOfRecords, 25000);
    return data.results.map((r) => r.resourceId);
  };
  const want = (n) => rows.slice((n - 1) * 50, n * 50).map((r) => r.resourceId);
  for (const n of [1, 2, 3, 3, 2, 200, 201, 201, 500, 499, 301, 350]) assert.deepEqual(await page(n), want(n), `page ${n}`);
  assert.deepEqual(await page(501), []);
  assert.deepEqual(await page(2 ** 31 - 1), []);
  for (let n = 1; n < 500; n += 8) {
    const pages = await Promise.all(Array.from({ length: 8 }, (_, k) => page(n + k)));
    for (let k = 0; k < 8; k++) assert.deepEqual(pages[k], want(n + k), `page ${n + k}`);
  }
  const narrowed = (await server.request('POST', '/v1/keys', { body: { name: 'k', role: 'analyst', query: 'actor.name:("user 3" OR "user 4")' } })).json.api_key;
  const all = readCsv((await exported({ reportAllPages: true }, { server, key: narrowed })).text);
  assert.equal(all.length, 1 + rows.filter((r) => /user [34]/.test(r.userName)).length);
  assert.equal(readCsv((await exported({ reportAllPages: true, orderBy: 'userName' }, { server })).text).length, 1 + rows.length);
  const far = await search({ pageNumber: 250, pageSize: 50, ascending: true, orderBy: 'userName' }, { server });
  assertFailure(far, 400, 'INPUT_ERROR', /page 250 begins with row 12450 of 25000/);
  await server.close();
});

// ---- hostile content and round trips ----

const HOSTILE = [
  '<script>alert(1)</script><img src=x onerror=alert(1)>', '=cmd|\' /C calc\'!A0', '+1+1', '@SUM(1)', '-2+3', '"},{"resourceId":"forged"', '\\', '\\u0000', '\u0000\u0001\u001f\u007f',
  'a\r\nb,"c",d\te', '\u2028\u2029\ufeff', '\ud83d\ude00', '*?/[]{}()|^$.+', "' OR 1=1 --", '%00%0a', '${7*7}{{7*7}}', 'x'.repeat(5000), ' ', '[{"PropertyName":"a","OldValue":"<b>","NewValue":"=1"}]', '{"__proto__":{"a":1}}',
];

test('hostile content in every field comes back as it was, in rows and in files', async () => {
  const rows = HOSTILE.flatMap((text, i) => FIELDS.filter((f) => f !== 'logDate').map((f, k) => row(i % 20, { resourceId: `h-${i}-${k}`, [f]: f === 'resourceId' ? `${text}-${i}` : text })));
  const server = await startWith(rows);
  assert.deepEqual((await found({ pageSize: 1000, orderBy: 'resourceId', ascending: true }, { server })).results, rows);
  for (const [i, value] of HOSTILE.entries()) {
    for (const operator of value.length > 1000 ? ['='] : ['Contains', '=']) {
      assert.equal((await search({ filter: { filterItems: [{ fieldName: 'oldValue', operator, value }], searchInputTextValue: value.slice(0, 100) } }, { server })).status, 200);
      const got = await found({ pageSize: 1000, filter: { filterItems: [{ fieldName: 'auditDescription', operator, value }] } }, { server });
      assert.ok(got.results.some((r) => r.resourceId === `h-${i}-9`), `${operator} ${value}`);
    }
  }
  const csv = readCsv((await exported({ orderBy: 'resourceId', ascending: true, reportAllPages: true }, { server })).text);
  assert.equal(csv.length, rows.length + 1);
  for (const line of csv) {
    assert.equal(line.length, TITLES.length);
    for (const cell of line) assert.doesNotMatch(cell, /^\s*[=+@-](?!\d+$)/);
  }
  const sheet = readSheet((await exported({ orderBy: 'resourceId', ascending: true, reportAllPages: true, exportType: 'Excel' }, { server })).bytes);
  assert.equal(sheet.length, rows.length + 1);
  await server.close();
});

test('rows of the command line come back as they were', async () => {
  const server = await startServer();
  const folder = makeFolder();
  const file = join(folder, 'rows.ndjson');
  writeFileSync(file, sample.map((r) => JSON.stringify(r)).join('\n'));
  const sent = await stele(['append', '--url', server.url, '--key', server.key, '--format', 'keepnet', file]);
  assert.equal(sent.code, 0, sent.stderr);
  assert.deepEqual((await found({ pageSize: 100, ascending: true }, { server })).results, sample);
  removeFolder(folder);
  await server.close();
});

test('rows of real records can be moved to another server', { skip: !existsSync(REAL) }, async () => {
  const events = execFileSync('zstd', ['-dcq', REAL], { maxBuffer: 1 << 28 }).toString('utf8').trim().split('\n').filter((_, n) => n % 10 === 0);
  const one = await startServer();
  const two = await startServer();
  assert.equal((await one.append(events.join('\n'))).status, 201);
  let moved = 0;
  for (let pageNumber = 1; ; pageNumber++) {
    const body = { pageNumber, pageSize: 1000, orderBy: 'resourceId', ascending: true };
    const { results } = await found(body, { server: one });
    if (results.length === 0) break;
    assert.equal((await give(results, { server: two })).status, 200);
    assert.deepEqual((await found(body, { server: two })).results, results);
    moved += results.length;
  }
  assert.equal(moved, events.length);
  await one.close();
  await two.close();
});
