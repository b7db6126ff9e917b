// Idempotency-Key: the same request again gets the same answer and adds nothing, across a kill -9 too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

const send = (key, body, query = '') => s.append(body, query, { headers: { 'Idempotency-Key': key } });
const count = async () => (await s.search({ total: 'exact', limit: 1 })).json.total.value;

test('the same request again gets the same answer and adds nothing', async () => {
  const body = '{"action":"a"}\n{"action":"b"}';
  const first = await send('k1', body);
  const total = await count();
  assert.equal(first.headers['idempotency-replayed'], undefined);
  const again = await send('k1', body);
  assert.equal(again.status, 201);
  assert.deepEqual(again.json, first.json);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.deepEqual((await send('k1', body, '?ids=false')).json, { accepted: 2, first_index: first.json.first_index });
  assert.equal(await count(), total);
  assert.notEqual((await send('k2', body)).json.first_index, first.json.first_index);
});

test('partial answers are repeated with what was refused', async () => {
  const body = '{"action":"a"}\n{"action":1}\n{"action":"c"}';
  const first = await send('k3', body, '?partial=true');
  assert.equal(first.json.refused.length, 1);
  assert.deepEqual((await send('k3', body, '?partial=true')).json, first.json);
});

test('the key with another request is 422', async () => {
  await send('k4', '{"action":"a"}');
  const other = await send('k4', '{"action":"b"}');
  assert.equal(other.status, 422, other.text);
  assert.equal(other.json.error.code, 'conflict');
});

test('keys that are none are refused', async () => {
  for (const key of ['', 'a b', 'x'.repeat(256)]) {
    const res = await send(key, '{"action":"a"}');
    assert.equal(res.status, 400, JSON.stringify(key) + res.text);
    assert.equal(res.json.error.details.field, 'Idempotency-Key');
  }
  assert.equal((await send('x'.repeat(255), '{"action":"a"}')).status, 201);
});

test('the same request many times at once is stored once', async () => {
  const total = await count();
  const answers = await Promise.all(Array.from({ length: 30 }, () => send('k5', '{"action":"race"}')));
  assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([201]));
  assert.equal(new Set(answers.map((a) => a.json.ids[0])).size, 1);
  assert.equal(await count(), total + 1);
});

test('keys survive kill -9', async () => {
  const first = await send('k6', '{"action":"survivor"}');
  const total = await count();
  await s.kill();
  await s.start();
  const again = await send('k6', '{"action":"survivor"}');
  assert.deepEqual(again.json, first.json);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal((await send('k6', '{"action":"stranger"}')).status, 422);
  assert.equal(await count(), total);
});
