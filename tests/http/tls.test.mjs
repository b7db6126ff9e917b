// The server's own TLS: versions, suites, certificates that change, and that whatever waits or streams does so here too.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { Server, makeFolder, removeFolder, sleep, stele, within } from './server.mjs';

const pems = makeFolder();
const pem = (name) => join(pems, name);
let s;

function makeCertificate(name, algorithm = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], days = 30) {
  execFileSync('openssl', ['req', '-x509', '-newkey', ...algorithm, '-nodes', '-keyout', pem(`${name}.key`), '-out', pem(`${name}.pem`),
    '-days', `${days}`, '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
}

// Puts a pair where the server looks, each file at once.
function show(name) {
  for (const [from, to] of [[`${name}.pem`, 'live.pem'], [`${name}.key`, 'live.key']]) {
    copyFileSync(pem(from), pem('next'));
    renameSync(pem('next'), pem(to));
  }
}

const trusted = () => ['first', 'second', 'rsa', 'ed'].map((n) => readFileSync(pem(`${n}.pem`)));

before(async () => {
  for (const name of ['first', 'second']) makeCertificate(name);
  makeCertificate('rsa', ['rsa:2048']);
  makeCertificate('ed', ['ed25519']);
  show('first');
  s = await new Server(makeFolder(), ['--tls-cert', pem('live.pem'), '--tls-key', pem('live.key')], trusted()).start();
});
after(async () => {
  await s.close();
  removeFolder(pems);
});

function dial(options = {}) {
  return new Promise((done, fail) => {
    const socket = tls.connect({ port: s.port, host: '127.0.0.1', ca: trusted(), ...options }, () => done(socket));
    socket.on('error', fail);
  });
}

async function shown(options) {
  const socket = await dial(options);
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return name;
}

const figure = async (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await s.get('/metrics')).text)[1]);

async function until(what, value) {
  for (let i = 0; i < 100; i++) {
    if ((await what()) === value) return;
    await sleep(100);
  }
  assert.equal(await what(), value);
}

test('it is HTTPS, says so, and browsers are told to keep to it', async () => {
  assert.match(s.url, /^https:\/\/127\.0\.0\.1:/);
  assert.equal(s.bootstrap.url, s.url);
  const res = await s.get('/healthz');
  assert.equal(res.status, 200);
  assert.match(res.headers['strict-transport-security'], /^max-age=\d+$/);
});

test('TLS 1.2 and 1.3 with forward secrecy, and nothing older', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const socket = await dial({ minVersion: version, maxVersion: version });
    assert.equal(socket.getProtocol(), version);
    assert.match(socket.getCipher().standardName, /GCM|CHACHA20/);
    socket.destroy();
  }
  const weak = [
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384' }, // no forward secrecy
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-SHA' }, // not authenticated as a whole
    { maxVersion: 'TLSv1.2', ciphers: 'NULL:@SECLEVEL=0' },
  ];
  for (const options of weak) await assert.rejects(dial(options), JSON.stringify(options));
  const chosen = await dial({ ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(chosen.alpnProtocol, 'http/1.1');
  chosen.destroy();
});

test('plain HTTP gets no answer', async () => {
  const text = await new Promise((done) => {
    const socket = net.connect(s.port, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'));
    let all = '';
    socket.on('data', (d) => (all += d.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => done(all));
  });
  assert.ok(!text.includes('HTTP/'), text);
  assert.equal((await s.get('/healthz')).status, 200);
});

// Many requests in one go: what lies decrypted in memory wakes nobody up by itself.
test('requests that come in one record are all answered, also those that wait for the disk', async () => {
  const body = JSON.stringify({ action: 'piped' });
  const one = [
    `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
    `GET /v1/events?limit=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\n\r\n`,
  ].join('');
  for (const [repeat, step] of [[1, 1 << 20], [8, 1 << 20], [8, 100], [40, 1 << 20], [40, 16384], [40, 4000]]) {
    const socket = await dial();
    let text = '';
    socket.on('data', (d) => (text += d));
    const all = one.repeat(repeat);
    for (let at = 0; at < all.length; at += step) socket.write(all.slice(at, at + step));
    const answers = () => text.split('HTTP/1.1 20').length - 1;
    for (let i = 0; i < 300 && answers() < 3 * repeat; i++) await sleep(20);
    assert.equal(answers(), 3 * repeat, `${repeat} times in pieces of ${step}`);
    socket.destroy();
  }
});

test('bodies of all sizes come through, in pieces of all sizes', async () => {
  const before = (await s.search({ query: 'action:sized', total: 'exact' })).json.total.value;
  let sent = 0;
  for (const size of [1, 100, 4000, 16000, 16384, 16385, 33000, 70000, 300000]) {
    for (const piece of [1 << 20, 16384, 5000, 1024]) {
      const event = JSON.stringify({ action: 'sized', attributes: { x: 'y'.repeat(Math.min(size, 30000)) } });
      const body = `${event}\n`.repeat(Math.max(1, Math.floor(size / event.length)));
      const head = `POST /v1/events?ids=false HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Length: ${body.length}\r\n\r\n`;
      const socket = await dial();
      let text = '';
      socket.on('data', (d) => (text += d));
      const all = head + body;
      for (let at = 0; at < all.length; at += piece) socket.write(all.slice(at, at + piece));
      for (let i = 0; i < 500 && !text.includes('\r\n\r\n'); i++) await sleep(10);
      assert.match(text, /^HTTP\/1\.1 201/, `${size} in ${piece}: ${text}`);
      sent += body.split('\n').length - 1;
      socket.destroy();
    }
  }
  assert.equal((await s.search({ query: 'action:sized', total: 'exact' })).json.total.value, before + sent);
});

test('appends, searches, exports, followers and large bodies at the same time', async () => {
  const wide = 'z'.repeat(500);
  const batch = (n) => Array.from({ length: n }, (_, i) => JSON.stringify({ action: 'load', attributes: { i, wide } })).join('\n');
  assert.equal((await s.append(batch(20000), '?ids=false')).status, 201);

  const socket = await dial();
  let followed = '';
  socket.on('data', (d) => (followed += d));
  socket.write(`GET /v1/tail?query=action:single HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\n\r\n`);
  await sleep(300);

  const jobs = [];
  for (let c = 0; c < 24; c++) {
    jobs.push((async () => {
      for (let i = 0; i < 12; i++) assert.equal((await s.append({ action: 'single', attributes: { c, i } })).status, 201);
    })());
    jobs.push((async () => {
      for (let i = 0; i < 6; i++) assert.equal((await s.search({ query: 'action:load', limit: 50 })).json.events.length, 50);
    })());
  }
  for (let i = 0; i < 4; i++) {
    jobs.push(s.get('/v1/export?format=ndjson&query=action:load').then((res) => assert.equal(res.text.trim().split('\n').length, 20000)));
    jobs.push(s.append(batch(10000).replaceAll('"load"', '"more"'), '?ids=false').then((res) => assert.equal(res.status, 201, res.text)));
  }
  await within(120000, Promise.all(jobs));
  for (let i = 0; i < 100 && followed.split('"action":"single"').length - 1 < 288; i++) await sleep(50);
  assert.equal(followed.split('"action":"single"').length - 1, 288);
  socket.destroy();
});

test('a client that reads slowly gets all of an export', async () => {
  const socket = await dial();
  let bytes = 0;
  let last = '';
  socket.pause();
  socket.write(`GET /v1/export?format=ndjson&query=action:load HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${s.key}\r\n\r\n`);
  socket.on('data', (d) => {
    bytes += d.length;
    last = (last + d.toString('latin1')).slice(-20);
    if (bytes % 7 === 0) {
      socket.pause();
      setTimeout(() => socket.resume(), 5);
    }
  });
  setTimeout(() => socket.resume(), 500);
  await within(60000, new Promise((done) => socket.on('close', done)));
  assert.ok(bytes > 20000 * 500, `${bytes}`);
  assert.ok(last.endsWith('0\r\n\r\n'), JSON.stringify(last));
});

test('a changed certificate is shown to new connections, and old ones go on', async () => {
  const old = await dial();
  assert.equal(await shown(), 'first');
  const loads = await figure('stele_tls_certificate_loads_total');
  for (const name of ['second', 'rsa', 'ed', 'second']) {
    show(name);
    await until(() => shown(), name);
  }
  assert.equal(await figure('stele_tls_certificate_loads_total'), loads + 4);
  assert.equal(old.getPeerCertificate().subject.CN, 'first');
  let text = '';
  old.on('data', (d) => (text += d));
  old.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  for (let i = 0; i < 100 && !text.includes('200 OK'); i++) await sleep(20);
  assert.match(text, /^HTTP\/1\.1 200/);
  old.destroy();
});

test('SIGHUP has the files read at once; a link that is turned is seen', async () => {
  rmSync(pem('live.pem'));
  rmSync(pem('live.key'));
  symlinkSync(pem('first.pem'), pem('live.pem'));
  symlinkSync(pem('first.key'), pem('live.key'));
  s.child.kill('SIGHUP');
  await until(() => shown(), 'first');
  rmSync(pem('live.pem'));
  rmSync(pem('live.key'));
});

test('files that cannot be used change nothing but a figure and the log', async () => {
  const failures = await figure('stele_tls_certificate_failures_total');
  const bad = [
    () => {}, // none are there
    () => show('second') || writeFileSync(pem('live.pem'), 'nonsense'),
    () => show('second') || writeFileSync(pem('live.key'), ''),
    () => show('second') || copyFileSync(pem('rsa.key'), pem('live.key')), // another one's
    () => show('second') || writeFileSync(pem('live.pem'), 'x'.repeat(2 << 20)),
  ];
  for (const [i, spoil] of bad.entries()) {
    spoil();
    s.child.kill('SIGHUP');
    await until(() => figure('stele_tls_certificate_failures_total'), failures + i + 1);
    assert.equal(await figure('stele_tls_certificate_stale'), 1);
    assert.match(await shown(), /^(first|second)$/);
  }
  assert.match(s.log, /the certificate stays the one before/);
  assert.ok(!/PRIVATE KEY/.test(s.log));
  show('second');
  await until(() => shown(), 'second');
  await until(() => figure('stele_tls_certificate_stale'), 0);
  assert.ok((await figure('stele_tls_certificate_expires_timestamp_seconds')) > Date.now() / 1000 + 20 * 86400);
});

test('a start with files that cannot be used is refused before anything is made', async () => {
  const folder = join(pems, 'never');
  const serve = (...args) => stele(['serve', '--data', folder, '--listen', '127.0.0.1:0', ...args]);
  const tries = [
    [['--tls-cert', pem('first.pem')], /--tls-key FILE go together/],
    [['--tls-key', pem('first.key')], /--tls-key FILE go together/],
    [['--tls-cert', pem('first.pem'), '--tls-key', pem('second.key')], /not that of the first certificate/],
    [['--tls-cert', pem('first.key'), '--tls-key', pem('first.key')], /no PEM certificates/],
    [['--tls-cert', pem('first.pem'), '--tls-key', pem('first.pem')], /no PEM private key/],
    [['--tls-cert', pem('absent'), '--tls-key', pem('first.key')], /absent/],
  ];
  for (const [args, message] of tries) {
    const end = await serve(...args);
    assert.ok(end.code > 0, args.join(' '));
    assert.match(end.stderr, message);
    assert.throws(() => readFileSync(join(folder, 'bootstrap.json')));
  }
});

test('stele talks to it when it is told whom to trust, and else not', async () => {
  const args = ['search', '--data', s.folder, 'action:piped', '--limit', '1'];
  const refused = await stele(args);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /certificate/i);
  const ca = pem('second.pem');
  for (const run of [stele([...args, '--ca', ca]), stele(args, { env: { STELE_CA: ca } })]) {
    const res = await run;
    assert.equal(res.code, 0, res.stderr);
    assert.match(res.stdout, /piped/);
  }
  assert.notEqual((await stele([...args, '--ca', pem('first.pem')])).code, 0);
  assert.notEqual((await stele([...args, '--ca', pem('absent')])).code, 0);
  const sent = await stele(['append', '--data', s.folder, '--ca', ca], { input: '{"action":"sent"}\n'.repeat(100) });
  assert.equal(sent.code, 0, sent.stderr);
  const vkey = (await s.get(`/log/${s.bootstrap.org_key}/main/vkey`)).text.trim();
  const verify = ['verify', '--url', s.url, '--key', s.key, '--vkey', vkey];
  assert.equal((await stele([...verify, '--ca', ca])).code, 0);
  assert.equal((await stele(verify)).code, 3);
});

test('handshakes that are never ended are cut off, and hold nobody up', async () => {
  const idle = await Promise.all(Array.from({ length: 200 }, () => new Promise((done) => {
    const socket = net.connect(s.port, '127.0.0.1', () => done(socket));
    socket.on('error', () => {});
    socket.write(Buffer.from([22, 3, 1, 1]));
  })));
  assert.equal((await s.get('/healthz')).status, 200);
  for (const socket of idle) socket.destroy();
  assert.equal((await s.append({ action: 'after' })).status, 201);
});

test('it stops cleanly with connections open', async () => {
  const socket = await dial();
  socket.on('error', () => {});
  assert.equal((await s.stop()).code, 0);
  socket.destroy();
  await s.start();
});
