// Orgs take turns: while one floods the server with slow searches and exports, another one's are answered meanwhile.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

const FLOOD = 150;
const SLOW = { query: 'description:/(a|b)[^z]*q.*[0-9]{3}x/', total: 'exact', limit: 1 };

let s;
let other;

before(async () => {
  s = await startServer();
  for (let part = 0; part < 4; part++) {
    const events = Array.from({ length: 10000 }, (_, i) => JSON.stringify({ action: 'flood', description: `a${i * 7919} some words to look through, one by one: q${i % 997}` }));
    assert.equal((await s.append(events.join('\n'), '?ids=false')).status, 201);
  }
  await s.request('POST', '/v1/orgs', { body: { org_key: 'other', name: 'Other' } });
  other = (await s.request('POST', '/v1/orgs/other/keys', { body: { name: 'one', role: 'owner' } })).json.api_key;
  assert.equal((await s.append({ action: 'quiet' }, '', { key: other })).status, 201);
});
after(() => s.close());

test('a search of another org does not wait for those of one that floods', async () => {
  let done = 0;
  const flood = Array.from({ length: FLOOD }, () => s.search(SLOW).then((res) => {
    done++;
    return res.status;
  }));
  await sleep(200);
  for (let i = 0; i < 5; i++) {
    const res = await s.search({ query: 'action:quiet' }, { key: other });
    assert.equal(res.status, 200);
    assert.equal(res.json.events.length, 1);
  }
  assert.ok(done < FLOOD / 2, `${done} of ${FLOOD} slow ones were first`);
  assert.ok((await Promise.all(flood)).every((status) => status === 200));
});

test('an export job of another org is taken up before the many of one', async () => {
  const asked = await Promise.all(Array.from({ length: 60 }, () => s.request('POST', '/v1/exports', { body: { format: 'zip' } })));
  assert.ok(asked.every((res) => res.status === 202));
  const made = (await s.request('POST', '/v1/exports', { key: other, body: { format: 'json' } })).json;
  let job;
  for (let i = 0; i < 600; i++) {
    job = (await s.get(`/v1/exports/${made.id}`, { key: other })).json;
    if (job.state === 'done') break;
    await sleep(20);
  }
  assert.equal(job.state, 'done');
  const states = (await s.get('/v1/exports')).json.exports.map((e) => e.state);
  assert.ok(states.filter((state) => state === 'queued').length > 0, states.join());
});
