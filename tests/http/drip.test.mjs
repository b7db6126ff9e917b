// Clients that keep moving, but too slowly: headers, bodies and answers have a deadline, and what they held is freed.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { sleep, startServer } from './server.mjs';

let s;
before(async () => (s = await startServer(['--idle-timeout', '2', '--request-timeout', '1'])));
after(() => s.close());

function connect(options = {}) {
  return new Promise((done, fail) => {
    const socket = net.connect({ port: s.port, host: '127.0.0.1', ...options }, () => done(socket));
    socket.on('error', fail);
    socket.received = '';
    socket.gone = new Promise((end) => socket.on('close', () => end((socket.isGone = true))));
  });
}

const post = (headers, query = '') =>
  `POST /v1/events${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\n${headers}\r\n\r\n`;

// Writes a piece every 200 ms, far within the idle timeout; resolves with the milliseconds until it was cut off.
async function drip(socket, piece, most = 12000) {
  const start = Date.now();
  socket.on('data', (d) => (socket.received += d));
  socket.on('error', () => {});
  while (!socket.isGone && Date.now() - start < most) {
    socket.write(piece);
    await sleep(200);
  }
  socket.destroy();
  return Date.now() - start;
}

test('a header, a body of a length and one in chunks that drip for ever are cut off', async () => {
  const starts = ['GET /healthz HTTP/1.1\r\nHost: x\r\nX-Drip: ', post('Content-Length: 100000'), post('Transfer-Encoding: chunked')];
  const pieces = ['a', ' ', '1\r\n \r\n'];
  const took = await Promise.all(
    starts.map(async (start, i) => {
      const socket = await connect();
      socket.on('error', () => {});
      socket.write(start);
      return drip(socket, pieces[i]);
    }),
  );
  assert.ok(took[0] > 2500 && took[0] < 6000, `${took[0]} ms for a header`);
  for (const ms of took.slice(1)) assert.ok(ms > 800 && ms < 4000, `${ms} ms for a body`);
  await sleep(100);
  const figures = (await s.get('/metrics')).text;
  assert.match(figures, /stele_http_memory_bytes 0\n/);
  assert.match(figures, /stele_http_requests_in_flight 1\n/);
});

test('a refused body that drips is cut off too', async () => {
  const socket = await connect();
  socket.write('POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
  assert.ok((await drip(socket, ' ')) < 4000);
});

test('a connection that asks again and again lives on', async () => {
  const socket = await connect();
  let answers = 0;
  socket.on('data', (d) => (answers += d.toString().split('HTTP/1.1 200').length - 1));
  for (let i = 0; i < 10; i++) {
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await sleep(500);
  }
  assert.equal(answers, 10);
  socket.destroy();
});

test('an answer that is not taken counts against the memory of all, and not for ever', async () => {
  const body = '{"action":1}\n'.repeat(100000);
  const socket = await connect();
  socket.on('error', () => {});
  socket.pause();
  socket.write(post(`Content-Length: ${body.length}`, '?partial=true') + body);
  let held = 0;
  const value = async () => Number(/stele_http_memory_bytes (\d+)/.exec((await s.get('/metrics')).text)[1]);
  for (let i = 0; i < 100 && held < 10 << 20; i++) {
    held = await value();
    await sleep(50);
  }
  assert.ok(held > 10 << 20, `${held} bytes of answer`);
  for (let i = 0; i < 200 && held > 0; i++) {
    held = await value();
    await sleep(100);
  }
  assert.equal(held, 0);
  socket.destroy();
});
