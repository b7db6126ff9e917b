// Clients that are slow, stall, break off, or are many: others are served, and memory stays small.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { sleep, startServer, within } from './server.mjs';

const IDLE = 2500;
let s;
before(async () => (s = await startServer(['--idle-timeout', '2'])));
after(() => s.close());

function connect() {
  return new Promise((done, fail) => {
    const socket = net.connect(s.port, '127.0.0.1', () => done(socket));
    socket.on('error', fail);
    socket.received = '';
    socket.on('data', (d) => (socket.received += d));
    socket.gone = new Promise((end) => socket.on('close', end));
  });
}

const post = (length) =>
  `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Length: ${length}\r\n\r\n`;

const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${s.child.pid}/status`, 'utf8'))[1]) / 1024;

test('thousands of idle connections do not keep others out, and are closed in the end', async () => {
  const before = resident();
  const sockets = [];
  for (let i = 0; i < IDLE; i += 250) sockets.push(...(await Promise.all(Array.from({ length: 250 }, connect))));
  const start = Date.now();
  for (let i = 0; i < 20; i++) assert.equal((await s.append({ action: 'served' })).status, 201);
  assert.ok(Date.now() - start < 3000);
  assert.ok(resident() - before < 60, `${resident() - before} MiB for ${IDLE} idle connections`);
  await within(15000, Promise.all(sockets.map((socket) => socket.gone)));
  assert.equal(sockets.filter((socket) => !socket.destroyed).length, 0);
});

test('a body that comes byte by byte is taken', async () => {
  const socket = await connect();
  const body = '{"action":"slow"}';
  socket.write(post(body.length));
  for (const c of body) {
    socket.write(c);
    await sleep(20);
  }
  while (!socket.received.includes('\r\n\r\n')) await sleep(10);
  assert.match(socket.received, /^HTTP\/1\.1 201/);
  socket.destroy();
});

test('stalled headers and bodies are cut off, and others do not wait for them', async () => {
  const stalled = await Promise.all(Array.from({ length: 40 }, connect));
  stalled.forEach((socket, i) => socket.write(i % 2 ? 'POST /v1/ev' : post(1000) + '{"act'));
  const start = Date.now();
  assert.equal((await s.append({ action: 'quick' })).status, 201);
  assert.ok(Date.now() - start < 1000);
  await within(10000, Promise.all(stalled.map((socket) => socket.gone)));
  assert.equal(stalled.filter((socket) => !socket.destroyed).length, 0);
});

test('clients that break off leave nothing behind', async () => {
  for (let i = 0; i < 50; i++) {
    const socket = await connect();
    socket.write(post(50000) + '{"action":"broken","description":"' + 'x'.repeat(i * 500));
    await sleep(2);
    socket.resetAndDestroy();
  }
  for (let i = 0; i < 50; i++) {
    const socket = await connect();
    const body = JSON.stringify({ action: 'gone', attributes: { i } });
    socket.write(post(body.length) + body);
    await sleep(1);
    socket.resetAndDestroy(); /* perhaps stored, never answered */
  }
  await sleep(300);
  assert.equal((await s.search({ query: 'action:broken', total: 'exact' })).json.total.value, 0);
  const figures = (await s.get('/metrics')).text;
  assert.match(figures, /stele_http_memory_bytes 0\n/);
  assert.match(figures, /stele_http_requests_in_flight 1\n/);
});

test('pipelined requests are answered in order', async () => {
  const socket = await connect();
  const bodies = Array.from({ length: 20 }, (_, i) => JSON.stringify({ action: 'piped', attributes: { i } }));
  socket.write(bodies.map((b) => post(b.length) + b).join(''));
  const indexes = () => [...socket.received.matchAll(/"first_index":(\d+)/g)].map((m) => Number(m[1]));
  for (let i = 0; i < 200 && indexes().length < 20; i++) await sleep(10);
  const got = indexes();
  assert.equal(got.length, 20);
  assert.deepEqual(got, Array.from({ length: 20 }, (_, i) => got[0] + i));
  socket.destroy();
});

test('garbage is refused and the server goes on', async () => {
  for (const garbage of ['\x00\x01\x02\x03\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'A'.repeat(70000), 'GET /' + 'a'.repeat(40000) + ' HTTP/1.1\r\n\r\n',
    'POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', 'POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n']) {
    const socket = await connect();
    socket.on('error', () => {});
    socket.write(garbage);
    await within(400, socket.gone);
    assert.ok(!/ 20\d /.test(socket.received.split('\r\n')[0]), socket.received);
    socket.destroy();
  }
  assert.equal((await s.get('/healthz')).status, 200);
});

test('a slow search does not keep a health check waiting', async () => {
  const line = JSON.stringify({ action: 'bulk', description: 'some words to look through again and again' }) + '\n';
  for (let i = 0; i < 3; i++) await s.append(line.repeat(50000), '?ids=false');
  const searches = Array.from({ length: 16 }, () => s.search({ query: 'description:"nothing like it" OR again', total: 'exact', limit: 10000 }));
  const start = Date.now();
  assert.equal((await s.get('/healthz')).status, 200);
  assert.ok(Date.now() - start < 1000, `${Date.now() - start} ms`);
  for (const answer of await Promise.all(searches)) assert.equal(answer.status, 200);
});
