// GET /v1/tail: events as they come, resumed without loss or doubles, whatever the client does.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeUser, session } from './people.mjs';
import { sleep, startServer, within } from './server.mjs';

const TAILS_MAX = 1000;
let s;
before(async () => (s = await startServer(['--heartbeat', '1', '--idle-timeout', '2', '--request-timeout', '2'])));
after(() => s.close());

// A follower. `events` are those with data, `ids` all ids in the order they came, `comments` counts signs of life.
class Tail {
  constructor(params = {}, headers = {}, server = s) {
    this.events = [];
    this.ids = [];
    this.comments = 0;
    this.text = '';
    this.isOver = false;
    this.opened = new Promise((done, fail) => {
      this.req = http.get(
        {
          host: '127.0.0.1',
          port: server.port,
          path: `/v1/tail?${new URLSearchParams(params)}`,
          agent: false,
          headers: headers.Cookie ? headers : { Authorization: `Bearer ${server.key}`, ...headers },
        },
        (res) => {
          this.res = res;
          this.over = new Promise((end) => res.on('close', () => end((this.isOver = true))));
          res.setEncoding('utf8');
          res.on('error', () => {});
          res.on('data', (d) => this.take(d));
          done(res);
        },
      );
      this.req.on('error', fail);
    });
  }

  take(text) {
    this.text += text;
    for (let end = this.text.indexOf('\n\n'); end >= 0; end = this.text.indexOf('\n\n')) {
      const event = { at: Date.now(), type: 'message' };
      for (const line of this.text.slice(0, end).split('\n')) {
        if (line.startsWith(':')) this.comments++;
        else if (line.startsWith('id: ')) event.id = line.slice(4);
        else if (line.startsWith('data: ')) event.data = JSON.parse(line.slice(6));
        else if (line.startsWith('event: ')) event.type = line.slice(7);
        else assert.equal(line, 'retry: 2000');
      }
      if (event.id) this.ids.push(event.id);
      if (event.data) this.events.push(event);
      this.text = this.text.slice(end + 2);
    }
  }

  async until(condition, ms = 10000) {
    const end = Date.now() + ms;
    while (!condition(this) && Date.now() < end) await sleep(5);
    assert.ok(condition(this), `${this.events.length} events, ${this.comments} comments: ${condition}`);
  }

  close() {
    this.req.destroy();
  }
}

async function follow(params, headers, server) {
  const tail = new Tail(params, headers, server);
  const res = await tail.opened;
  assert.equal(res.statusCode, 200);
  await tail.until((t) => t.comments > 0);
  return tail;
}

const numbers = (tail) => tail.events.map((e) => e.data.attributes.n);
const event = (n, action = 'tail') => ({ action, attributes: { n } });
const tailCount = async () => Number(/\nstele_tails (\d+)/.exec((await s.get('/metrics')).text)[1]);

async function untilTails(n, ms = 8000) {
  const end = Date.now() + ms;
  while ((await tailCount()) !== n && Date.now() < end) await sleep(50);
  assert.equal(await tailCount(), n);
}

test('begins at the end, gives the records as they are stored, within 300 ms', async () => {
  await s.append(event(-1));
  const tail = await follow();
  assert.equal(tail.res.headers['content-type'], 'text/event-stream');
  assert.equal(tail.res.headers['cache-control'], 'no-store');
  for (let n = 0; n < 5; n++) {
    const answer = await s.append(event(n));
    const answered = Date.now();
    await tail.until((t) => t.events.length > n);
    assert.ok(tail.events[n].at - answered < 300, `${tail.events[n].at - answered} ms`);
    assert.equal(tail.events[n].id, answer.json.ids[0]);
    assert.deepEqual(tail.events[n].data, (await s.get(`/v1/events/${answer.json.ids[0]}`)).json);
    assert.equal(tail.events[n].type, 'message');
  }
  tail.close();
  await untilTails(0);
});

test('after, and Last-Event-ID before it, say where it goes on', async () => {
  const { ids } = (await s.append(Array.from({ length: 10 }, (_, n) => event(n, 'resume')))).json;
  const a = await follow({ query: 'action:resume', after: ids[6] });
  const b = await follow({ query: 'action:resume', after: ids[6] }, { 'Last-Event-ID': ids[3] });
  const c = await follow({ query: 'action:resume', after: ids[6] }, { 'Last-Event-ID': '' });
  await a.until((t) => t.events.length === 3);
  await b.until((t) => t.events.length === 6);
  await c.until((t) => t.events.length === 3);
  assert.deepEqual(numbers(a), [7, 8, 9]);
  assert.deepEqual(numbers(b), [4, 5, 6, 7, 8, 9]);
  for (const tail of [a, b, c]) tail.close();
  await untilTails(0);
});

test('wrong parameters are refused by name', async () => {
  const bad = async (params, headers, field) => {
    const res = await s.get(`/v1/tail?${new URLSearchParams(params)}`, { headers });
    assert.equal(res.status, 400, res.text);
    assert.equal(res.json.error.details.field, field);
    return res;
  };
  await bad({ after: '0'.repeat(32) }, {}, 'after');
  await bad({ after: '' }, {}, 'after');
  await bad({}, { 'Last-Event-ID': 'x' }, 'Last-Event-ID');
  await bad({ ledger: 'other' }, {}, 'ledger');
  await bad({ from: 'now' }, {}, 'from');
  assert.equal((await bad({ query: '(' }, {}, 'query')).json.error.code, 'syntax');
  assert.equal((await s.get('/v1/tail', { key: null })).status, 401);
  assert.equal((await s.request('POST', '/v1/tail')).headers.allow, 'GET, HEAD');
  const head = await s.request('HEAD', '/v1/tail');
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-type'], 'text/event-stream');
  await untilTails(0);
});

test('a query filters; a sign of life carries where to go on', async () => {
  const tail = await follow({ query: 'action:wanted' });
  const noise = await s.append([event(1, 'noise'), event(2, 'noise')]);
  const wanted = await s.append([event(3, 'wanted'), event(4, 'noise')]);
  await tail.until((t) => t.events.length === 1);
  const last = wanted.json.ids[1];
  await tail.until((t) => t.ids.at(-1) === last, 3000);
  assert.deepEqual(numbers(tail), [3]);
  assert.ok(!tail.ids.includes(noise.json.ids[0]));
  tail.close();
  await untilTails(0);
});

test('signs of life keep an idle tail, longer than every timeout', async () => {
  const tail = await follow();
  await sleep(6000);
  assert.ok(!tail.isOver);
  assert.ok(tail.comments >= 5 && tail.comments <= 8, `${tail.comments} comments`);
  await s.append(event(1));
  await tail.until((t) => t.events.length === 1, 300);
  tail.close();
  await untilTails(0);
});

test('connections that break lose nothing and double nothing while 10,000 events come in', async () => {
  const TOTAL = 10000;
  const start = await s.append(event(-1, 'flood'));
  const seen = [];
  let last = start.json.ids[0];
  const producers = Array.from({ length: 4 }, async (_, p) => {
    for (let n = p; n < TOTAL; n += 4 * 25)
      await s.append(Array.from({ length: 25 }, (_, i) => [event(n + 4 * i, 'flood'), event(0, 'noise')]).flat(), '?ids=false');
  });
  let rounds = 0;
  while (seen.length < TOTAL && rounds++ < 500) {
    const tail = await follow({ query: 'action:flood' }, { 'Last-Event-ID': last });
    await within(20 + Math.random() * 200, tail.over);
    tail.close();
    const events = tail.events; // what came before the break was taken in order
    seen.push(...events.map((e) => e.data.attributes.n));
    last = tail.ids.at(-1) ?? last;
  }
  await Promise.all(producers);
  const stored = (await s.all({ query: 'action:flood', after: start.json.ids[0] })).map((e) => e.attributes.n);
  assert.equal(stored.length, TOTAL);
  assert.deepEqual(seen, stored);
  await untilTails(0);
});

test('many tails at once, up to the limit, past it 503', async () => {
  const tails = [];
  for (let i = 0; i < TAILS_MAX; i += 100)
    tails.push(...(await Promise.all(Array.from({ length: 100 }, (_, k) => follow({ query: `attributes.n:${(i + k) % 10}` })))));
  assert.equal(await tailCount(), TAILS_MAX);
  const refused = await s.get('/v1/tail');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers['retry-after'], '1');
  assert.match(refused.json.error.message, /1000/);
  await s.append(Array.from({ length: 20 }, (_, n) => event(n % 10, 'many')));
  await Promise.all(tails.map((t) => t.until((tail) => tail.events.length === 2, 20000)));
  tails.forEach((t, i) => assert.deepEqual(numbers(t), [i % 10, i % 10]));
  for (const t of tails) t.close();
  await untilTails(0, 20000);
});

test('a client that is gone frees its place, whether it says goodbye or not', async () => {
  const tails = await Promise.all(Array.from({ length: 5 }, () => follow()));
  assert.equal(await tailCount(), 5);
  tails[0].req.destroy();
  tails[1].req.socket.resetAndDestroy();
  await untilTails(3, 3000);
  for (const t of tails) t.close();
  await untilTails(0, 3000);
});

function rawTail(path) {
  const socket = net.connect(s.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.received = '';
  socket.on('data', (d) => (socket.received += d));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\n\r\n`);
  return socket;
}

const chunked = (text) => text.slice(text.indexOf('\r\n\r\n') + 4).replace(/\r\n[0-9a-fA-F]+\r\n/g, '');

test('a client that reads slowly is behind and misses nothing', async () => {
  const { ids } = (await s.append(event(-1, 'slow'))).json;
  const socket = rawTail(`/v1/tail?query=action:slow&after=${ids[0]}`);
  socket.pause();
  const big = Array.from({ length: 400 }, (_, n) => ({ ...event(n, 'slow'), description: 'x'.repeat(40000) }));
  for (let i = 0; i < 400; i += 100) await s.append(big.slice(i, i + 100), '?ids=false');
  const end = Date.now() + 60000;
  const count = () => chunked(socket.received).split('"n":').length - 1;
  while (count() < 400 && Date.now() < end) {
    socket.resume();
    await sleep(100);
    socket.pause();
    await sleep(200); // never longer than the deadline
  }
  const seen = [...chunked(socket.received).matchAll(/"n":(\d+)/g)].map((m) => Number(m[1]));
  assert.deepEqual(seen, Array.from({ length: 400 }, (_, n) => n));
  socket.destroy();
  await untilTails(0);
});

test('a client that reads nothing is cut off, and others go on meanwhile', async () => {
  const { ids } = (await s.append(event(-1, 'stuck'))).json;
  const other = await follow({ query: 'action:small' });
  const socket = rawTail(`/v1/tail?query=action:stuck&after=${ids[0]}`);
  socket.pause();
  await untilTails(2);
  const big = Array.from({ length: 300 }, (_, n) => ({ ...event(n, 'stuck'), description: 'y'.repeat(60000) }));
  for (let i = 0; i < 300; i += 100) await s.append(big.slice(i, i + 100), '?ids=false');
  await s.append(event(1, 'small'));
  await other.until((t) => t.events.length === 1);
  await untilTails(1, 20000);
  other.close();
  socket.destroy();
  await untilTails(0);
});

test('records that cannot be read are said, and the rest comes', async () => {
  const server = await startServer();
  const wide = (n) => ({ ...event(n), context: { session: createHash('sha512').update(`${n}`).digest('base64') } }); // a block of many boxes
  try {
    const { ids } = (await server.append(Array.from({ length: 400 }, (_, n) => wide(n)))).json;
    await server.request('POST', '/v1/seal');
    await server.append([event(400), event(401)]);
    await server.stop();
    const ledger = join(server.folder, 'segments', '1');
    const path = join(ledger, readdirSync(ledger)[0]);
    const bytes = readFileSync(path);
    bytes[200] ^= 0x10;
    writeFileSync(path, bytes);
    await server.start();
    const tail = await follow({ after: ids[0] }, {}, server);
    await tail.until((t) => t.events.length === 3);
    assert.deepEqual(tail.events.map((e) => e.type), ['damaged', 'message', 'message']);
    assert.deepEqual(tail.events[0].data, { first: 0, next: 400 });
    assert.deepEqual(tail.events.slice(1).map((e) => e.data.attributes.n), [400, 401]);
    tail.close();
  } finally {
    await server.close();
  }
});

test('a stopping server ends idle and stuck tails promptly', async () => {
  const server = await startServer();
  const idle = await Promise.all(Array.from({ length: 20 }, () => follow({ query: 'action:idle' }, {}, server)));
  const { ids } = (await server.append(event(-1))).json;
  const stuck = net.connect(server.port, '127.0.0.1');
  stuck.on('error', () => {});
  stuck.write(`GET /v1/tail?after=${ids[0]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n\r\n`);
  stuck.pause();
  const big = Array.from({ length: 300 }, (_, n) => ({ ...event(n), description: 'z'.repeat(60000) }));
  for (let i = 0; i < 300; i += 100) await server.append(big.slice(i, i + 100), '?ids=false');
  await server.append(event(1, 'idle'));
  await Promise.all(idle.map((t) => t.until((tail) => tail.events.length === 1)));
  const start = Date.now();
  await server.stop();
  assert.ok(Date.now() - start < 6000, `${Date.now() - start} ms`);
  for (const t of idle) {
    await within(1000, t.over);
    assert.ok(t.isOver && t.res.complete, 'the answer ends as it should');
  }
  stuck.destroy();
  await server.close();
});

// What ends a follower ends it before it gets another event.
async function isEnded(tail, why) {
  await s.append({ action: 'after the end' });
  await within(5000, tail.over);
  assert.deepEqual(
    tail.events.map((e) => e.type),
    ['error'],
    why,
  );
}

test('a follower by a session ends with it, with its user, and with the role', async () => {
  const make = async (email, role = 'analyst') => {
    const user = await makeUser(s, email, { role });
    const signed = await session(s, { email });
    return { ...user, session: signed, tail: await follow({}, { Cookie: signed.cookie }) };
  };
  const disabled = await make('disabled@example.com');
  await s.request('PUT', `/v1/users/${disabled.id}`, { body: { disabled: true } });
  await isEnded(disabled.tail, 'disabled');
  const out = await make('out@example.com');
  assert.equal((await out.session.request('DELETE', '/v1/session')).status, 204);
  await isEnded(out.tail, 'signed out');
  const less = await make('less@example.com');
  await s.request('PUT', `/v1/users/${less.id}`, { body: { role: 'writer' } });
  await isEnded(less.tail, 'another role');
  const stays = await make('stays@example.com');
  await s.append({ action: 'seen' });
  await stays.tail.until((t) => t.events.some((e) => e.data.action === 'seen'));
  stays.tail.close();
});

test('a follower of the self ledger ends when the role has it no more', async () => {
  const role = await s.request('POST', '/v1/roles', { body: { name: 'looks', permissions: ['events:read', 'self:read'] } });
  assert.equal(role.status, 201, role.text);
  const key = (await s.request('POST', '/v1/keys', { body: { name: 'looks', role: 'looks' } })).json;
  const tail = await follow({ ledger: 'self' }, { Authorization: `Bearer ${key.api_key}` });
  await s.request('PUT', '/v1/roles/looks', { body: { permissions: ['events:read'] } });
  await s.request('POST', '/v1/keys', { body: { name: 'told', role: 'writer' } });
  await within(5000, tail.over);
  assert.equal(tail.text.includes('key.created'), false);
  assert.equal(tail.events.at(-1).type, 'error');
  assert.equal(
    tail.events.some((e) => e.data.action === 'key.created'),
    false,
  );
});

test('a follower ends with the secret that it came with', async () => {
  const key = (await s.request('POST', '/v1/keys', { body: { name: 'rotates', role: 'analyst' } })).json;
  const rotate = async (overlap) => (await s.request('POST', `/v1/keys/${key.client_id}/rotate`, { body: { overlap } })).json;
  const first = await follow({}, { Authorization: `Bearer ${key.api_key}` });
  const second = await rotate(3600);
  await s.append({ action: 'within the overlap' });
  await first.until((t) => t.events.length === 1);
  assert.equal(first.events[0].data.action, 'within the overlap');
  const before = await follow({}, { Authorization: `Bearer ${key.api_key}` });
  const present = await follow({}, { Authorization: `Bearer ${second.api_key}` });
  await rotate(0);
  await isEnded(before, 'the secret before');
  await isEnded(present, 'the present one');
  await within(5000, first.over);
});
