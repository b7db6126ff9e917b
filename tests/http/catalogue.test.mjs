// The catalogue of an org: served as it was put, told of, and kept to when it is strict.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startServer } from './server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
let s;

before(async () => (s = await startServer()));
after(() => s.close());

const get = () => s.get('/v1/catalogue');
const put = (body, headers) => s.request('PUT', '/v1/catalogue', { body, headers });

test('an org without one has an empty one that refuses nothing', async () => {
  const answer = await get();
  assert.deepEqual(answer.json, { strict: false, entities: [], actions: [], version: 0 });
  assert.equal(answer.headers.etag, undefined);
  assert.equal((await s.append({ action: 'anything', entity: { type: 'any' } })).status, 201);
});

test('the example can be put; it comes back sorted, with its version as ETag', async () => {
  const example = JSON.parse(readFileSync(resolve(here, '../../docs/examples/catalogue-kore.json'), 'utf8'));
  const answer = await put(example);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.etag, '"1"');
  const { version, updated, updated_by, ...content } = answer.json;
  assert.equal(version, 1);
  assert.match(updated, /^2\d{3}-/);
  assert.equal(updated_by, s.bootstrap.client_id);
  for (const entity of example.entities) entity.actions.sort();
  example.entities.sort((a, b) => (a.key < b.key ? -1 : 1));
  assert.deepEqual(content, example);
  const [event] = (await s.search({ ledger: 'self', query: 'action:catalogue.changed' })).json.events;
  assert.equal(event.after.entities, example.entities.length);
  assert.equal(event.after.version, 1);
  assert.notEqual(event.after.sha256, event.before.sha256);
});

test('a change of another version than the one seen is refused', async () => {
  const { version } = (await get()).json;
  assert.equal((await put({}, { 'If-Match': `"${version + 1}"` })).status, 412);
  assert.equal((await put({}, { 'If-Match': 'x' })).status, 400);
  assert.equal((await get()).json.version, version);
  assert.equal((await put({}, { 'If-Match': `"${version}"` })).json.version, version + 1);
});

const STRICT = {
  strict: true,
  entities: [
    { key: 'role', actions: ['create', 'delete'] },
    { key: 'a "b" ü\n', name: 'x', actions: ['do "it"'] },
  ],
  actions: ['login'],
};

test('a strict one refuses what is not in it, and says what', async () => {
  assert.equal((await put(STRICT)).status, 200);
  const good = [
    { action: 'create', entity: { type: 'role', id: '1' } },
    { action: 'do "it"', entity: { type: 'a "b" ü\n' } },
    { action: 'login' },
    { action: 'login', entity: { id: 'no type' } },
    { action: 'login', entity: { type: null } },
  ];
  const bad = [
    [{ action: 'update', entity: { type: 'role' } }, 'action'],
    [{ action: 'create', entity: { type: 'Role' } }, 'entity.type'],
    [{ action: 'login', entity: { type: 'role' } }, 'action'],
    [{ action: 'create' }, 'action'],
    [{ action: 'it', entity: { type: 'a "b" ü\n' } }, 'action'],
  ];
  for (const event of good) assert.equal((await s.append(event)).status, 201, JSON.stringify(event));
  for (const [event, field] of bad) {
    const answer = await s.append([good[0], event]);
    assert.equal(answer.status, 400, JSON.stringify(event));
    assert.equal(answer.json.error.details.field, field);
    assert.equal(answer.json.error.details.position, 1);
    assert.match(answer.json.error.message, /not in the org's catalogue.*PUT \/v1\/catalogue/);
  }
  const partial = await s.append([bad[0][0], good[0], bad[1][0], good[2]], '?partial=true');
  assert.equal(partial.status, 201);
  assert.equal(partial.json.accepted, 2);
  assert.deepEqual(partial.json.refused.map((r) => r.position), [0, 2]);
});

test('it holds across a restart, and until it is strict no more', async () => {
  await s.stop();
  await s.start();
  assert.equal((await s.append({ action: 'create' })).status, 400);
  assert.equal((await put({ ...STRICT, strict: false })).status, 200);
  assert.equal((await s.append({ action: 'create' })).status, 201);
});

test('what is no catalogue is refused, and nothing changes', async () => {
  const was = (await get()).text;
  const cases = [
    ['', 400],
    ['[]', 400],
    ['{"strict":1}', 400, 'strict'],
    ['{"strikt":true}', 400, 'strikt'],
    ['{"entities":{}}', 400, 'entities'],
    ['{"entities":[1]}', 400, 'entities'],
    ['{"entities":[{"name":"x"}]}', 400, 'entities.key'],
    ['{"entities":[{"key":"x","action":[]}]}', 400, 'action'],
    ['{"entities":[{"key":"x","actions":[""]}]}', 400, 'entities.actions'],
    ['{"entities":[{"key":"x","actions":["a","a"]}]}', 400, 'entities.actions'],
    ['{"entities":[{"key":"x"},{"key":"x"}]}', 400, 'entities.key'],
    [JSON.stringify({ actions: ['x'.repeat(201)] }), 400, 'actions'],
    [JSON.stringify({ actions: Array.from({ length: 201 }, (_, i) => `a${i}`) }), 413, 'actions'],
    [JSON.stringify({ entities: Array.from({ length: 1001 }, (_, i) => ({ key: `e${i}` })) }), 413, 'entities'],
    [JSON.stringify({ actions: [], entities: [{ key: 'x', name: 'y' }] }) + ' '.repeat(256 << 10), 413],
  ];
  for (const [body, status, field] of cases) {
    const answer = await put(body);
    assert.equal(answer.status, status, body.slice(0, 80) + answer.text);
    if (field !== undefined) assert.equal(answer.json.error.details.field, field, body.slice(0, 80));
  }
  assert.equal((await get()).text, was);
  const largest = { actions: Array.from({ length: 200 }, (_, i) => String(i).padStart(200, 'a')), entities: Array.from({ length: 1000 }, (_, i) => ({ key: `e${i}` })) };
  assert.equal((await put(largest)).status, 200);
});
