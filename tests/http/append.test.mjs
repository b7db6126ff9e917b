// POST /v1/events: what is taken, what is answered, and what bad input gets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startServer, zstd, zstdBomb } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

const event = (n) => ({ action: 'update', actor: { id: `u-${n}` }, attributes: { n } });

async function count(query) {
  return (await s.search({ query, limit: 1, total: 'exact' })).json.total.value;
}

function assertError(res, status, code) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.json.error.code, code, res.text);
  assert.ok(res.json.error.message.length > 0);
  assert.ok('details' in res.json.error);
  assert.equal(res.headers['content-type'], 'application/json');
}

test('one object, an array and NDJSON are taken alike', async () => {
  const before = (await s.append(event(0))).json;
  assert.deepEqual(Object.keys(before), ['accepted', 'first_index', 'ids']);
  const array = await s.append([event(1), event(2)]);
  assert.equal(array.status, 201);
  assert.equal(array.json.accepted, 2);
  assert.equal(array.json.first_index, before.first_index + 1);
  const lines = await s.append('{"action":"a"}\n\n{"action":"b"}\r\n{"action":"c"}');
  assert.equal(lines.json.accepted, 3);
  assert.equal(lines.json.first_index, before.first_index + 3);
  assert.equal(new Set([...before.ids, ...array.json.ids, ...lines.json.ids]).size, 6);
  for (const id of lines.json.ids) assert.match(id, /^[0-9a-f]{32}$/);
});

test('an id leads to the record, and ids=false leaves them out', async () => {
  const { json } = await s.append({ ...event(7), time: '2026-01-02T03:04:05.6+01:00' });
  const got = await s.get(`/v1/events/${json.ids[0]}`);
  assert.equal(got.status, 200);
  assert.equal(got.json.id, json.ids[0]);
  assert.equal(got.json.time, '2026-01-02T02:04:05.600000Z');
  assert.deepEqual(Object.keys((await s.append(event(8), '?ids=false')).json), ['accepted', 'first_index']);
});

test('gzip and zstd bodies are undone', async () => {
  const body = Array.from({ length: 500 }, (_, i) => JSON.stringify({ action: 'packed', attributes: { i } })).join('\n');
  const a = await s.append(gzipSync(body), '', { headers: { 'Content-Encoding': 'gzip' } });
  assert.equal(a.json.accepted, 500, a.text);
  const b = await s.append(zstd(body), '', { headers: { 'Content-Encoding': 'zstd' } });
  assert.equal(b.json.accepted, 500, b.text);
  assert.equal(await count('action:packed'), 1000);
  assertError(await s.append(body, '', { headers: { 'Content-Encoding': 'br' } }), 415, 'unsupported_media_type');
  assertError(await s.append(body, '', { headers: { 'Content-Encoding': 'gzip' } }), 400, 'syntax');
  assertError(await s.append(gzipSync(body).subarray(0, 100), '', { headers: { 'Content-Encoding': 'gzip' } }), 400, 'syntax');
});

const deep = (n) => '{"action":"deep","attributes":' + '{"a":'.repeat(n) + '1' + '}'.repeat(n) + '}';

const refused = [
  ['nothing', '', 400],
  ['only blanks', ' \n ', 400],
  ['broken JSON', '{"action":', 400],
  ['text behind the object', '{"action":"a"} x', 400],
  ['a duplicate key', '{"action":"a","action":"b"}', 400],
  ['a duplicate key inside', '{"action":"a","attributes":{"x":1,"x":2}}', 400],
  ['invalid UTF-8', Buffer.from([...Buffer.from('{"action":"'), 0xff, ...Buffer.from('"}')]), 400],
  ['a lone surrogate', '{"action":"\\ud800"}', 400],
  ['NaN', '{"action":"a","attributes":{"x":NaN}}', 400],
  ['a number past a double', '{"action":"a","attributes":{"x":1e999}}', 400],
  ['an unknown member', '{"action":"a","colour":"red"}', 400],
  ['a member of the server', '{"action":"a","id":"00"}', 400],
  ['no action', '{"description":"x"}', 400],
  ['an unknown severity', '{"action":"a","severity":"urgent"}', 400],
  ['a time that is none', '{"action":"a","time":"yesterday"}', 400],
  ['an actor that is no object', '{"action":"a","actor":"me"}', 400],
  ['no object', '17', 400],
  ['too deep', deep(20), 413],
  ['too long', JSON.stringify({ action: 'a', description: 'x'.repeat(70000) }), 413],
  ['too many values', JSON.stringify({ action: 'a', attributes: { list: Array(600).fill(1) } }), 413],
];

for (const [name, body, status] of refused) {
  test(`${name}: ${status}, with the place, and nothing of the batch is stored`, async () => {
    const marker = `m${name.replace(/\W/g, '')}`;
    const good = `{"action":"good","attributes":{"marker":"${marker}"}}\n`;
    const single = await s.append(body);
    assert.equal(single.status, status, single.text);
    assert.ok(single.json.error.message.length > 10, single.text);
    if (String(body).trim() === '') return;
    const batch = await s.append(Buffer.concat([Buffer.from(good + good), Buffer.from(body)]));
    assert.equal(batch.status, status, batch.text);
    assert.equal(batch.json.error.details.position, name === 'text behind the object' ? 3 : 2, batch.text);
    assert.ok('offset' in batch.json.error.details || 'field' in batch.json.error.details, batch.text);
    assert.equal(await count(`attributes.marker:${marker}`), 0);
  });
}

test('an unknown member is named, with where to put it', async () => {
  const { error } = (await s.append({ action: 'a', colour: 'red' })).json;
  assert.match(error.message, /attributes/);
  assert.match(error.message + error.details.field, /colour/);
});

test('partial=true stores the good ones and lists the bad ones', async () => {
  const body = '{"action":"keep1"}\n{"action":1}\n{"action":"keep2","x":1}\nnot json\n{"action":"keep3"}\n';
  const res = await s.append(body, '?partial=true');
  assert.equal(res.status, 201, res.text);
  assert.equal(res.json.accepted, 2);
  assert.equal(res.json.ids.length, 2);
  assert.deepEqual(res.json.refused.map((r) => r.position), [1, 2, 3]);
  for (const r of res.json.refused) assert.ok(r.error.code && r.error.message);
  assert.equal((await s.append('{"action":"fine"}', '?partial=true')).json.refused.length, 0);
  const none = await s.append('{"action":1}\n{"action":2}', '?partial=true');
  assertError(none, 400, 'invalid');
  assert.equal(none.json.refused.length, 2);
});

test('a body past 32 MiB is 413, also without Content-Length and when it inflates', async () => {
  const line = JSON.stringify({ action: 'big', description: 'x'.repeat(60000) }) + '\n';
  const body = Buffer.from(line.repeat(Math.ceil((33 << 20) / line.length)));
  const known = await s.append(body);
  assertError(known, 413, 'too_large');
  assert.match(known.json.error.message, /32 MiB/);
  const chunked = await s.append(body, '', { headers: { 'Transfer-Encoding': 'chunked', 'Content-Length': undefined } }).catch((e) => e);
  if (chunked.status) assertError(chunked, 413, 'too_large');
  const bomb = await s.append(zstdBomb(300), '', { headers: { 'Content-Encoding': 'zstd' } });
  assertError(bomb, 413, 'too_large');
  assert.match(bomb.json.error.message, /256 MiB/);
  assert.equal(await count('action:big'), 0);
});

test('a client that waits for a go-ahead is refused before it sends', async () => {
  const res = await s.request('POST', '/v1/events', {
    headers: { Expect: '100-continue', 'Content-Length': String(100 << 20) },
  }).catch((e) => e);
  assertError(res, 413, 'too_large');
});

test('100,000 events are taken, one more is not', async () => {
  const line = '{"action":"many"}\n';
  const full = await s.append(line.repeat(100000), '?ids=false');
  assert.equal(full.json.accepted, 100000, full.text);
  const more = await s.append(line.repeat(100001), '?ids=false');
  assert.ok(more.status === 413 || more.status === 400, more.text);
  assert.match(more.json.error.message, /100,?000/);
});

test('large batches come back in order, byte for byte what single ones are', async () => {
  const body = Array.from({ length: 5000 }, (_, i) => JSON.stringify({ action: 'order', attributes: { i, text: `ä€😀 ${i}` } })).join('\n');
  const res = await s.append(body);
  assert.equal(res.json.accepted, 5000);
  const events = await s.all({ query: 'action:order' });
  assert.deepEqual(events.map((e) => e.attributes.i), Array.from({ length: 5000 }, (_, i) => i));
  assert.deepEqual(events.map((e) => e.id), res.json.ids);
});
