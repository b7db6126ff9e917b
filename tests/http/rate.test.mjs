// Rate limits: of keys, orgs and addresses, in requests and events a second; what answers say of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

let s;

before(async () => {
  s = await startServer();
});
after(() => s.close());

async function makeKey(body) {
  const res = await s.request('POST', '/v1/keys', { body: { name: 'limited', role: 'owner', ...body } });
  assert.equal(res.status, 201, res.text);
  return res.json.api_key;
}

// So many requests as fast as they go; how many of each status.
async function burst(count, ask) {
  const statuses = {};
  const answers = await Promise.all(Array.from({ length: count }, (_, i) => ask(i)));
  for (const a of answers) statuses[a.status] = (statuses[a.status] ?? 0) + 1;
  return [statuses, answers];
}

test('without a limit nothing is said of one', async () => {
  const res = await s.search();
  assert.equal(res.headers['ratelimit-limit'], undefined);
});

test('a key has so many requests a second, and hears how many are left', async () => {
  const key = await makeKey({ request_rate: 5 });
  const first = await s.search({}, { key });
  assert.equal(first.status, 200);
  assert.deepEqual(['limit', 'remaining', 'reset'].map((f) => first.headers[`ratelimit-${f}`]), ['5', '4', '1']);
  const [statuses, answers] = await burst(20, () => s.search({}, { key }));
  assert.ok(statuses[200] >= 4 && statuses[200] <= 12, JSON.stringify(statuses)); // on a slow machine some come back meanwhile
  assert.ok(statuses[429] >= 8);
  const refused = answers.find((a) => a.status === 429);
  assert.equal(refused.json.error.code, 'rate_limited');
  assert.match(refused.json.error.message, /5 requests a second.*go on in 1/);
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.headers['ratelimit-remaining'], '0');
  assert.equal((await s.search()).status, 200); // nobody else
  await sleep(1100);
  assert.equal((await s.search({}, { key })).status, 200);
});

test('events are counted apart; a batch beyond a second is taken and owed', async () => {
  const key = await makeKey({ event_rate: 100 });
  const events = (n) => Array.from({ length: n }, () => ({ action: 'counted' }));
  const first = await s.append(events(250), '?ids=false', { key });
  assert.equal(first.status, 201, first.text);
  assert.deepEqual([first.headers['ratelimit-limit'], first.headers['ratelimit-remaining']], ['100', '0']);
  const refused = await s.append(events(1), '', { key });
  assert.equal(refused.status, 429, refused.text);
  assert.match(refused.json.error.message, /100 events a second/);
  assert.ok(['1', '2'].includes(refused.headers['retry-after']));
  assert.equal((await s.search({ query: 'action:counted', total: 'exact', limit: 1 }, { key })).json.total.value, 250);
  assert.equal((await s.append(events(1))).status, 201);
});

test('an org has so many over all its keys', async () => {
  const made = await s.request('POST', '/v1/orgs', { body: { org_key: 'small', name: 'Small', request_rate: 4 } });
  assert.equal(made.status, 201, made.text);
  const first = await s.request('POST', '/v1/orgs/small/keys', { body: { name: 'one', role: 'owner' } });
  assert.equal(first.status, 201, first.text);
  const key = first.json.api_key;
  const second = await s.request('POST', '/v1/keys', { key, body: { name: 'two', role: 'owner' } });
  assert.equal(second.status, 201, second.text);
  const [statuses, answers] = await burst(16, (i) => s.search({}, { key: i % 2 ? key : second.json.api_key }));
  assert.ok(statuses[429] >= 6, JSON.stringify(statuses));
  assert.match(answers.find((a) => a.status === 429).json.error.message, /this org may send 4 requests/);
  assert.equal((await s.search()).status, 200); // another org
});

test('the node has limits for those who have none, and for addresses that do not say who they are', async () => {
  const other = await startServer(['--request-rate', '6', '--event-rate', '10']);
  const [statuses, answers] = await burst(20, () => other.get('/healthz', { key: null }));
  assert.ok(statuses[429] >= 6, JSON.stringify(statuses));
  assert.match(answers.find((a) => a.status === 429).json.error.message, /this address/);
  const [wrong] = await burst(10, () => other.search({}, { key: `stele_${'0'.repeat(16)}_${'0'.repeat(64)}` }));
  assert.ok(wrong[429] >= 3, JSON.stringify(wrong));
  const known = await other.search();
  assert.equal(known.status, 200); // who has a key does not wait for others of the same address
  assert.equal(known.headers['ratelimit-limit'], '6');
  assert.equal((await other.append(Array.from({ length: 10 }, () => ({ action: 'x' })))).status, 201);
  assert.equal((await other.append({ action: 'x' })).status, 429);
  await other.close();
});
