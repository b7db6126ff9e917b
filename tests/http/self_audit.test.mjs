// What is read is told of in the ledger `self`, before the reader gets it: who, from where, by which resource, what.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { makeFolder, Server, sleep } from './server.mjs';

let s;
let ids;

before(async () => {
  s = await new Server(makeFolder()).start();
  ids = (await s.append(Array.from({ length: 30 }, (_, i) => ({ action: i % 2 ? 'update' : 'delete', description: 'top-secret-content' })))).json.ids;
});
after(() => s.close());

// The events of `self` that were not made by looking at them.
async function told(query = '*') {
  const events = await s.all({ ledger: 'self', query });
  return events.filter((e) => e.attributes?.ledger !== 'self' || e.action.startsWith('tail'));
}

// What `act` adds.
async function added(act) {
  const before = (await told()).length;
  await act();
  return (await told()).slice(before);
}

const plain = ({ action, entity, attributes, context }) => ({ action, entity, attributes, where: `${context.method} ${context.url}` });

test('a search is told of: who, from where, what, for which time', async () => {
  const [e, ...more] = await added(() =>
    s.get(`/v1/events?${new URLSearchParams({ query: 'action:UPDATE  OR action:x', from: '2026-01-01T00:00:00Z', to: 'now', limit: 5, order: 'oldest', sort: 'time' })}`, { headers: { 'User-Agent': 'tester/1' } }));
  assert.deepEqual(more, []);
  assert.deepEqual(e.actor, { id: s.bootstrap.client_id, type: 'api_key' });
  assert.deepEqual(e.context, { ip: '127.0.0.1', method: 'GET', url: '/v1/events', user_agent: 'tester/1' });
  assert.deepEqual(e.entity, { id: 'main', type: 'ledger' });
  const { to, ...attributes } = e.attributes;
  assert.deepEqual(attributes, { ledger: 'main', query: 'action:"update" OR action:"x"', from: '2026-01-01T00:00:00.000000Z', limit: 5, order: 'oldest', sort: 'time' });
  assert.ok(Math.abs(Date.parse(to) - Date.now()) < 60000);
});

test('each page of a search is told of, and nothing of what is found', async () => {
  const events = await added(async () => {
    const first = await s.request('POST', '/v1/search', { body: { limit: 10 } });
    const second = await s.search({ limit: 10, cursor: first.json.next_cursor });
    assert.equal(second.json.events.length, 10);
  });
  assert.deepEqual(events.map(plain), [
    { action: 'events.searched', entity: { id: 'main', type: 'ledger' }, attributes: { ledger: 'main', query: '*', limit: 10, order: 'newest' }, where: 'POST /v1/search' },
    { action: 'events.searched', entity: { id: 'main', type: 'ledger' }, attributes: { ledger: 'main', query: '*', limit: 10, order: 'newest', after_index: 20 }, where: 'GET /v1/events' },
  ]);
  assert.ok(!JSON.stringify(await s.all({ ledger: 'self' })).includes('top-secret-content'));
});

test('counts, fields, single events and their neighbours are told of', async () => {
  const events = await added(async () => {
    await s.get('/v1/facets?fields=action,actor.id&query=action:delete');
    await s.get('/v1/histogram?split=action&from=now-1h');
    await s.get('/v1/fields?prefix=act');
    await s.get(`/v1/events/${ids[3]}`);
    await s.get(`/v1/events/${ids[4]}/around?before=1&after=2&query=action:update`);
  });
  assert.deepEqual(events.map((e) => [e.action, e.context.url]), [
    ['events.counted', '/v1/facets'],
    ['events.counted', '/v1/histogram'],
    ['fields.listed', '/v1/fields'],
    ['event.read', '/v1/events/{id}'],
    ['event.read', '/v1/events/{id}/around'],
  ]);
  assert.deepEqual(events[0].attributes, { ledger: 'main', query: 'action:"delete"', fields: 'action,actor.id' });
  assert.equal(events[1].attributes.fields, 'action');
  assert.ok(events[1].attributes.from);
  assert.deepEqual(events[2].attributes, { ledger: 'main', prefix: 'act' });
  assert.deepEqual(events[3].entity, { id: ids[3], type: 'event' });
  assert.deepEqual(events[4].attributes, { ledger: 'main', query: 'action:"update"', before: 1, after: 2 });
});

test('what is refused is not told of as read', async () => {
  const events = await added(async () => {
    for (const path of ['/v1/events?query=a:(', '/v1/events?sort=id', '/v1/events?cursor=abc', '/v1/facets?fields=', '/v1/histogram?interval=0s', `/v1/events/${'0'.repeat(32)}`, '/v1/tail?query=(', '/v1/export?format=csv&query=(', '/log/other/main/checkpoint'])
      assert.ok((await s.get(path)).status >= 400, path);
    assert.equal((await s.search({}, { key: null })).status, 401);
  });
  assert.deepEqual(events, []);
});

test('the longest query is told of whole, as it was asked when its normal form is longer', async () => {
  const long = 'a\\"'.repeat(2700);
  const [normal, asked] = await added(async () => {
    assert.equal((await s.search({ query: 'é'.repeat(4000) })).status, 200);
    assert.equal((await s.search({ query: `"${long}" ${'x '.repeat(40)}` })).status, 200);
  });
  assert.ok(normal.attributes.query.length >= 4000);
  assert.ok(asked.attributes.query.includes(long));
});

test('exports are told of before they begin, jobs with their file', async () => {
  let job;
  const events = await added(async () => {
    assert.equal((await s.get('/v1/export?format=csv&columns=action&query=action:update')).status, 200);
    job = (await s.request('POST', '/v1/exports', { body: { format: 'ndjson' } })).json;
    for (let i = 0; i < 100 && job.state !== 'done'; i++) {
      await sleep(50);
      job = (await s.get(`/v1/exports/${job.id}`)).json;
    }
    assert.equal((await s.get(`/v1/exports/${job.id}/download`, { headers: { Range: 'bytes=0-9' } })).status, 206);
    assert.equal((await s.request('DELETE', `/v1/exports/${job.id}`)).status, 204);
  });
  const entity = { id: job.id, type: 'export' };
  assert.deepEqual(events.map((e) => e.action), ['events.exported', 'events.exported', 'export.downloaded', 'export.removed']);
  assert.deepEqual(events[0].attributes, { ledger: 'main', query: 'action:"update"', format: 'csv', columns: 'action', order: 'oldest', ledger_size: 30 });
  assert.deepEqual([events[1].entity, events[1].attributes.format], [entity, 'ndjson']);
  assert.deepEqual([events[2].entity, events[2].attributes], [entity, { ledger: 'main', format: 'ndjson', bytes: job.bytes }]);
  assert.deepEqual(events[3].entity, entity);
});

test('changes of saved searches are told of, with what they look for', async () => {
  const events = await added(async () => {
    const made = await s.request('POST', '/v1/searches', { body: { name: 'Mine', query: 'action:delete' } });
    assert.equal(made.status, 201, made.text);
    const path = `/v1/searches/${made.json.id}`;
    assert.equal((await s.request('PUT', path, { body: { name: 'Ours', query: 'action:update' } })).status, 200);
    assert.equal((await s.request('POST', '/v1/searches', { body: { name: 'Ours', query: '' } })).status, 409); // and not told of
    assert.equal((await s.request('DELETE', path)).status, 204);
    assert.equal((await s.request('DELETE', path)).status, 404);
  });
  assert.deepEqual(events.map((e) => [e.action, e.entity.type, e.entity.name, e.after?.query]), [
    ['search.created', 'saved_search', 'Mine', 'action:delete'],
    ['search.changed', 'saved_search', 'Ours', 'action:update'],
    ['search.removed', 'saved_search', undefined, undefined],
  ]);
});

test('a tail is told of when it begins and when it ends; one of `self` does not wake itself', async () => {
  for (const ledger of ['main', 'self']) {
    const before = (await told('action:(tail.begun OR tail.ended)')).length;
    const seen = await new Promise((done, fail) => {
      const req = http.get({ host: '127.0.0.1', port: s.port, path: `/v1/tail?ledger=${ledger}&query=*`, headers: { Authorization: `Bearer ${s.key}` } }, (res) => {
        let text = '';
        res.on('data', (d) => (text += d));
        res.on('error', () => {});
        setTimeout(() => {
          req.destroy();
          done(text);
        }, 700);
      });
      req.on('error', fail);
      setTimeout(() => s.append({ action: 'followed' }), 150);
    });
    const events = (seen.match(/^data: /gm) ?? []).length;
    assert.equal(events, 1, seen); // of main: what was sent; of self: that the tail began
    let ends;
    for (let i = 0; i < 60; i++) {
      ends = (await told('action:(tail.begun OR tail.ended)')).slice(before);
      if (ends.length === 2) break;
      await sleep(100);
    }
    assert.deepEqual(ends.map((e) => [e.action, e.attributes.ledger]), [['tail.begun', ledger], ['tail.ended', ledger]]);
    if (ledger === 'main') assert.equal(ends[1].attributes.events, 1); // of self: also what looking for its end added
  }
});

test('what a key reads of a log in a minute is told of together', async () => {
  for (let i = 0; i < 40 && (await s.get(`/v1/events/${ids[29]}/proof`)).status !== 200; i++) await sleep(50);
  await Promise.all(Array.from({ length: 20 }, () => s.get('/log/default/main/checkpoint')));
  await s.get('/log/default/main/tile/0/000.p/30');
  await s.get('/log/default/main/tile/entries/000.p/30');
  await s.get('/v1/log/consistency?from=1&to=30');
  assert.equal((await s.get('/log/default/main/vkey')).status, 200);
  await s.get('/log/default/self/checkpoint');
  const begun = await told('action:log.verified');
  assert.deepEqual(begun.map((e) => [e.entity.id, e.attributes.phase]), [['main', 'begun']]);
  const all = await s.all({ ledger: 'self', query: 'action:log.verified' });
  assert.deepEqual(all.map((e) => e.entity.id), ['main', 'self']);

  await s.stop(); // the counts are told of at the end, at the latest
  await s.start();
  const [ended, ...more] = (await s.all({ ledger: 'self', query: 'action:log.verified attributes.phase:ended' }));
  assert.deepEqual(more, []); // one request is told of by its first event
  const { since, requests, proofs, checkpoints, ...rest } = ended.attributes;
  assert.deepEqual(rest, { ledger: 'main', phase: 'ended', tiles: 1, entry_bundles: 1, consistency: 1, keys: 1, first_index: 0, last_index: 29 });
  assert.equal(checkpoints, 20);
  assert.ok(proofs >= 1);
  assert.equal(requests, checkpoints + proofs + 4);
  assert.ok(Date.parse(since) <= Date.parse(ended.received));
});

test('a search is in `self` once it is answered, also after kill -9', async () => {
  const marks = Array.from({ length: 40 }, (_, i) => `mark${i}`);
  await Promise.all(marks.map((query) => s.search({ query })));
  await s.kill();
  await s.start();
  const queries = (await s.all({ ledger: 'self', query: 'action:events.searched' })).map((e) => e.attributes.query);
  for (const mark of marks) assert.equal(queries.filter((q) => q === `"${mark}"`).length, 1, mark);
});
