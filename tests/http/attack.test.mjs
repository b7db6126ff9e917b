// Requests that two readers could understand differently, tricks with paths and headers: each gets a 4xx or the plain
// answer, and never is a part of one request taken for another.
import assert from 'node:assert/strict';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';

let s, key;
before(async () => {
  s = await startServer();
  key = `Authorization: Bearer ${s.key}`;
});
after(() => s.close());

// Sends bytes as they are, and waits until the server hangs up or has said nothing for a while. Resolves with the status
// of each answer, and whether it hung up. Answers of the HTTP library itself repeat their head, which counts once.
function raw(text) {
  return new Promise((done) => {
    const socket = net.connect(s.port, '127.0.0.1');
    let all = '';
    let timer;
    const end = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      const heads = all.replace(/(HTTP\/1\.1 4\d\d [^]*?\r\n\r\n)\1/g, '$1');
      done({ text: all, statuses: [...heads.matchAll(/HTTP\/1\.1 (\d\d\d)/g)].map((m) => Number(m[1])), closed });
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(false), 300);
    };
    socket.on('data', (d) => ((all += d.toString('latin1')), wait()));
    socket.on('error', () => {});
    socket.on('close', () => end(true));
    socket.write(Buffer.from(text, 'latin1'));
    wait();
  });
}

const smuggled = () => `GET /v1/me HTTP/1.1\r\nHost: x\r\n${key}\r\n\r\n`;
const get = (target, ...headers) => ['GET ' + target + ' HTTP/1.1', 'Host: x', key, ...headers, '', ''].join('\r\n');
const post = (headers, body) => ['POST /v1/events HTTP/1.1', 'Host: x', key, ...headers, '', body].join('\r\n');

async function isRefusedAndClosed(name, text) {
  const res = await raw(text);
  assert.ok(res.closed, `${name}: still open: ${res.text}`);
  assert.ok(res.statuses.length <= 1, `${name}: ${res.statuses}: ${res.text}`);
  assert.ok(res.statuses.every((x) => (x >= 400 && x < 500) || x === 505), `${name}: ${res.text}`);
}

test('a body whose end is not sure is refused, and what follows is not read', async () => {
  const before = (await s.search({ total: 'exact' })).json.total.value;
  const event = '{"action":"smuggled"}';
  const chunked = `${event.length.toString(16)}\r\n${event}\r\n0\r\n\r\n`;
  const cases = {
    'length and chunks': [['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    'chunks and length': [['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'],
    'the same length twice': [[`Content-Length: ${event.length}`, `Content-Length: ${event.length}`], event],
    'two lengths': [[`Content-Length: ${event.length}`, 'Content-Length: 0'], event],
    'two lengths, the other way round': [['Content-Length: 0', `Content-Length: ${event.length}`], event],
    'a list of lengths': [['Content-Length: 21, 21'], event],
    'a sign': [['Content-Length: +21'], event],
    'a negative length': [['Content-Length: -1'], event],
    'a hex length': [['Content-Length: 0x15'], event],
    'a length with a fraction': [['Content-Length: 21.0'], event],
    'an empty length': [['Content-Length: '], event],
    'a length beyond 64 bits': [['Content-Length: 99999999999999999999999'], event],
    'a blank before the colon': [['Content-Length : 21'], event],
    'a tab before the colon': [['Transfer-Encoding\t: chunked'], chunked],
    'a name that goes on': [['Content: 21', ' -Length'], event],
    'a length that goes on': [['Content-Length:', ' 21'], event],
    'a length that goes on elsewhere': [['Content-Length: 2', ' 1'], event],
    'a header that goes on': [['X: a', '\tb', 'Content-Length: 21'], event],
    'a header that goes on with nothing': [['Content-Length: 21', ' '], event],
    'an encoding that goes on': [['Transfer', ' -Encoding: chunked'], chunked],
    'a carriage return in a value': [['X: a\rContent-Length: 0', 'Content-Length: 21'], event],
    'an unknown encoding': [['Transfer-Encoding: xchunked'], chunked],
    'an encoding before chunked': [['Transfer-Encoding: gzip, chunked'], chunked],
    'an encoding behind chunked': [['Transfer-Encoding: chunked, identity'], chunked],
    'identity': [['Transfer-Encoding: identity'], chunked],
    'chunked twice': [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunked],
    'chunked with a parameter': [['Transfer-Encoding: chunked;a=b'], chunked],
    'chunked with a vertical tab': [['Transfer-Encoding: \x0bchunked'], chunked],
    'a name with a NUL': [['Content-Length\0: 21'], event],
    'a line without a colon': [['Content-Length'], event],
    'a second Host': [['Host: y', 'Content-Length: 21'], event],
  };
  await Promise.all(Object.entries(cases).map(([name, [headers, body]]) => isRefusedAndClosed(name, post(headers, body + smuggled()))));
  await isRefusedAndClosed('chunks before HTTP/1.1', post(['Transfer-Encoding: chunked'], chunked + smuggled()).replace('HTTP/1.1', 'HTTP/1.0'));
  await isRefusedAndClosed('no Host', `POST /v1/events HTTP/1.1\r\n${key}\r\nContent-Length: 21\r\n\r\n${event}${smuggled()}`);
  await isRefusedAndClosed('a first line that goes on', `POST /v1/events HTTP/1.1\r\n Host: x\r\n${key}\r\n\r\n${smuggled()}`);
  assert.equal((await s.search({ total: 'exact' })).json.total.value, before, 'nothing of them was stored');
});

test('wrong chunks are refused, and what follows is not read', async () => {
  const event = '{"action":"smuggled"}';
  const cases = ['zz', '-1', '0x15', '15 ', '+15', '', '1.5', 'fffffffffffffffff', '5', '20', '15\0']
    .map((size) => `${size}\r\n${event}\r\n0\r\n\r\n`)
    .concat(`15\r\n${event}0\r\n\r\n`, `15\r\n${event}\r\n`.replace('\r\n0', '0') + 'x\r\n\r\n');
  const answers = await Promise.all(cases.map((body) => raw(post(['Transfer-Encoding: chunked'], body + smuggled()))));
  for (const [i, res] of answers.entries()) {
    const body = cases[i];
    assert.ok(!res.text.includes('"permissions"'), `${JSON.stringify(body)}: ${res.text}`);
    assert.ok(res.statuses.every((x) => x >= 400 && x < 500), `${JSON.stringify(body)}: ${res.text}`);
  }
  assert.equal((await s.search({ query: 'action:smuggled', total: 'exact' })).json.total.value, 0);
});

test('what is whole is taken, and what follows it is another request', async () => {
  const event = '{"action":"whole"}';
  const size = event.length.toString(16);
  const chunks = `${size}\r\n${event}\r\n0\r\nContent-Length: 99\r\n\r\n`;
  // libmicrohttpd 1.0 refuses extensions of chunks, which nobody uses.
  const extended = await raw(post(['Transfer-Encoding: chunked'], `${size};name=value\r\n${event}\r\n0\r\n\r\n${smuggled()}`));
  assert.ok(['201,200', '400'].includes(`${extended.statuses}`), extended.text);
  assert.deepEqual((await raw(post(['Transfer-Encoding: chunked'], chunks + smuggled()))).statuses, [201, 200]);
  assert.deepEqual((await raw(post(['transfer-encoding: CHUNKED'], chunks + smuggled()))).statuses, [201, 200]);
  assert.deepEqual((await raw(post([`Content-Length: ${event.length}`], event + smuggled()))).statuses, [201, 200]);
  // The body of a GET is a body, whatever it looks like.
  const inner = smuggled();
  assert.deepEqual((await raw(get('/v1/me', `Content-Length: ${inner.length}`) + inner)).statuses, [200]);
  assert.deepEqual((await raw(get('/v1/me').repeat(5))).statuses, [200, 200, 200, 200, 200]);
});

test('a refused body is not taken for a request', async () => {
  const inner = smuggled();
  const res = await raw(`POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`);
  assert.deepEqual(res.statuses, [401]);
  const wrong = await raw(post([`Content-Length: ${inner.length}`], inner));
  assert.deepEqual(wrong.statuses, [400]);
});

test('header names and values are what RFC 9110 lets them be', async () => {
  for (const line of ['a b: x', 'a(b: x', 'a"b: x', 'a\x7f: x', 'a\xe4: x', 'nonsense', 'X: a\x01b', 'X: a\x7fb', 'X: a\x0bb'])
    await isRefusedAndClosed(JSON.stringify(line), get('/v1/me', line) + smuggled());
  for (const line of ['X: a\tb', "!#$%&'*+-.^_`|~: x", 'X: \xe4\xf6\xfc', 'X:', 'X: {"a": "b"}'])
    assert.deepEqual((await raw(get('/v1/me', line))).statuses, [200], JSON.stringify(line));
});

test('versions and first lines that are none are refused', async () => {
  for (const version of ['HTTP/2.0', 'HTTP/1.1x', 'http/1.1', 'HTTP/1', 'HTTP/0.9', 'XTTP/1.1'])
    await isRefusedAndClosed(version, get('/v1/me').replace('HTTP/1.1', version));
  await isRefusedAndClosed('none', 'GET /v1/me\r\n\r\n');
  await isRefusedAndClosed('h2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  for (const line of ['CONNECT x:80', 'OPTIONS *', 'GET http://x/v1/me', 'GET http://other.example/v1/me', 'TRACE /v1/me']) {
    const res = await raw(`${line} HTTP/1.1\r\nHost: x\r\n${key}\r\n\r\n`);
    assert.ok(res.statuses.length === 1 && [404, 405].includes(res.statuses[0]), `${line}: ${res.text}`);
    assert.ok(!res.text.includes(s.key), 'nothing of a request is sent back');
  }
  // No other protocol is spoken, however one is asked for.
  const upgrade = await raw(get('/v1/me', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'));
  assert.deepEqual(upgrade.statuses, [200]);
  for (const header of ['X-HTTP-Method-Override: DELETE', 'X-Method-Override: POST', 'X-Original-URL: /v1/events', 'X-Rewrite-URL: /v1/events'])
    assert.match((await raw(get('/v1/me', header))).text, /"permissions"/, header);
});

test('only the path itself is a path', async () => {
  const none = ['/v1/../v1/me', '/v1/./me', '/v1//me', '//v1/me', '/v1/me/', '/v1/me;a=b', '/v1;x/me', '/v1\\me', '/v1/me%20', '/V1/me', '/v1/ME',
    '/v1/%2e%2e/v1/me', '/v1/%2E/me', '/%2e%2e/%2e%2e/etc/passwd', '/v1/me%0a', '/v1/me%0d%0aX:y', '/v1/me%3f', '/v1/me%23', '/v1/me#x', '/v1/%c0%af', '/%zz', '/v1/m%6',
    '/v1/me%00', '/v1/me%00/x', '/v1%00/me', '/v1%2fme', '/v1%2Fme', '/v1/me%2f', '/v1%5cme', '/v1%5Cme', '/v1/events%2f..%2fme', '/docs/%2e%2e%2fopenapi.json', '/docs/..%2f..%2fbootstrap.json',
    '/log/default/main/tile/%2e%2e/checkpoint', '/log/default/main/tile/../checkpoint', '/log/default%2fmain/checkpoint', '/v1/exports/%2e%2e%2f%2e%2e%2fmaster.key/download', '/v1/exports/../../master.key/download'];
  const gives = async (path, text, statuses) => assert.deepEqual((await raw(text)).statuses, statuses, path);
  await Promise.all(none.map((path) => gives(path, get(path), [404])));
  for (const path of ['/v1/me', '/v1/%6de', '/%761/me', '/v1/me?']) assert.deepEqual((await raw(get(path))).statuses, [200], path);
  // They are no way around the key either.
  await Promise.all([...none, '/healthz/../v1/me', '/healthz%2f..%2fv1/me', '/healthz/..;/v1/me', '/metrics%00/v1/me'].map(async (path) => {
    const res = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.ok(res.statuses.length === 1 && [401, 404].includes(res.statuses[0]), `${path}: ${res.text}`);
  }));
  // In parameters these bytes are text.
  assert.deepEqual((await raw(get('/v1/events?query=%22a%2fb%5c%5c%22'))).statuses, [200]);
});

test('nothing that is sent comes back as a header', async () => {
  const crlf = '%0d%0aX-Injected:%20yes%0d%0a%0d%0a<script>';
  const tries = [`/v1/events?limit=${crlf}`, `/v1/events?${crlf}=1`, `/v1/events?cursor=${crlf}`, `/v1/export?format=${crlf}`, `/v1/export?format=csv&from=${crlf}`,
    `/v1/export?format=csv&columns=${crlf}`, `/v1/export?format=ndjson&query=${crlf}`, `/v1/events/${crlf}`, `/v1/searches/${crlf}`, `/log/${crlf}/main/checkpoint`, `/docs/${crlf}`, `/${crlf}`];
  for (const path of tries) {
    const res = await raw(get(path));
    assert.ok(res.statuses.length === 1 && (res.statuses[0] < 500), `${path}: ${res.text}`);
    const head = res.text.split('\r\n\r\n')[0];
    assert.ok(!/X-Injected/i.test(head), `${path}: ${head}`);
    assert.ok(!/^Content-Type: text\/html/im.test(head), `${path}: ${head}`);
    assert.match(head, /X-Content-Type-Options: nosniff/);
  }
  const made = await s.request('POST', '/v1/searches', { body: { name: 'a\r\nX-Injected: yes', query: 'action:a' } });
  assert.ok(!('x-injected' in made.headers));
  const ids = { 'Idempotency-Key': 'a', 'If-Match': '"x"', 'X-Request-Id': 'y', Origin: 'https://evil.example' };
  const res = await s.append({ action: 'a' }, '', { headers: ids });
  assert.ok(!JSON.stringify(res.headers).includes('evil.example'));
});

test('other origins are let read nothing', async () => {
  const origin = { Origin: 'https://evil.example' };
  for (const [method, headers] of [['GET', origin], ['OPTIONS', { ...origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization' }]]) {
    for (const path of ['/v1/events', '/v1/me', '/healthz', '/metrics', '/openapi.json', '/nope', '/oauth/token']) {
      const res = await s.request(method, path, { headers });
      assert.ok(!Object.keys(res.headers).some((name) => name.startsWith('access-control-')), path);
      assert.equal(res.headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(res.headers['cross-origin-opener-policy'], 'same-origin');
      assert.equal(res.headers['x-frame-options'], 'DENY');
      assert.equal(res.headers['x-content-type-options'], 'nosniff');
      assert.equal(res.headers['referrer-policy'], 'no-referrer');
      assert.ok(res.headers['content-security-policy'].includes("frame-ancestors 'none'"), path);
      assert.ok(!('strict-transport-security' in res.headers), 'not without TLS');
      assert.ok(!('server' in res.headers));
    }
  }
});

test('what is too large is refused and costs nothing more', async () => {
  for (const text of [
    get(`/v1/me?${'a'.repeat(100000)}`),
    get('/v1/me', `X: ${'a'.repeat(100000)}`),
    get('/v1/me', ...Array(10000).fill('X: a')),
    get(`/v1/me?${'a&'.repeat(8000)}`),
    `${'A'.repeat(100000)} / HTTP/1.1\r\nHost: x\r\n\r\n`,
    get('/v1/me', `${'N'.repeat(100000)}: a`),
    get('/v1/me', `Authorization: Basic ${'A'.repeat(30000)}`),
    get('/v1/me', `Cookie: ${'a=b; '.repeat(20000)}`),
  ]) {
    const res = await raw(text);
    assert.ok(res.statuses.every((x) => x >= 400 && x < 500), `${text.slice(0, 60)}: ${res.text.slice(0, 300)}`);
    assert.ok(!res.text.includes('"permissions"'));
  }
  assert.deepEqual((await raw(get('/v1/me', ...Array(300).fill('X: a')))).statuses, [200]);
  assert.equal((await s.get('/healthz')).status, 200);
});

test('random bytes and cut requests get 4xx or nothing', async () => {
  const seed = Number(process.env.STELE_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`STELE_SEED=${seed}`);
  let state = seed >>> 0;
  const below = (n) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
  const pieces = ['\r\n', '\n', '\r', '\0', ' ', '\t', ':', 'Host: x', 'Content-Length: 5', 'Transfer-Encoding: chunked', '0\r\n\r\n', 'HTTP/1.1', 'GET /v1/me ', '%2f', '\xff', 'POST /v1/events ', ';', ','];
  const runs = Array.from({ length: 300 }, () => {
    let text = `GET /v1/me HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n`;
    for (let i = below(4) + 1; i > 0; i--) {
      const at = below(text.length);
      text = text.slice(0, at) + pieces[below(pieces.length)] + text.slice(at + below(3));
    }
    return text;
  });
  for (let i = 0; i < runs.length; i += 30) {
    for (const res of await Promise.all(runs.slice(i, i + 30).map(raw)))
      assert.ok(res.statuses.every((x) => (x >= 400 && x < 500) || x === 505 || x === 501), res.text);
  }
  assert.equal((await s.get('/v1/me')).status, 200);
});

test('a search in a body is small, in whichever dialect, packed or not', async () => {
  const paths = [
    '/v1/search',
    '/api/audit-logs',
    '/api/audit-logs/search',
    '/api/audit-log/search',
    '/api/audit-logs/search/export',
    '/audit_log/v1/orgs/default/logs/_search',
    '/audit_log/v1/orgs/default/logs/_export',
  ];
  const body = `{${' '.repeat(64 * 1024)}}`;
  for (const path of paths) {
    for (const [bytes, headers] of [[body, {}], [gzipSync(body), { 'Content-Encoding': 'gzip' }]]) {
      const res = await s.request('POST', path, { body: bytes, headers });
      assert.ok(res.status === 413 || (res.status === 400 && path.startsWith('/api/audit')), `${path}: ${res.status} ${res.text}`);
      assert.match(res.text, /64 KiB/, path);
    }
  }
});
