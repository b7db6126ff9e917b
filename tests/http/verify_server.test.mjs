// stele verify --url: a log that goes on, that went back, that was forked; and a server in between that lies.
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolder, removeFolder, Server, startServer, stele } from './server.mjs';

let s;
let folder;
let vkey;
before(async () => {
  s = await startServer();
  folder = makeFolder();
  await append(s, 0, 3000);
  vkey = (await s.get('/log/default/main/vkey')).text.trim();
});
after(async () => {
  removeFolder(folder);
  await s.close();
});

// Appends and waits until all is signed.
async function append(server, from, to) {
  const body = Array.from({ length: to - from }, (_, i) => JSON.stringify({ action: 'update', attributes: { n: from + i } })).join('\n');
  assert.equal((await server.append(body, '?ids=false')).status, 201);
  assert.notEqual((await server.append({ action: 'last' }, '?wait=proof')).json.proofs, null);
}
const verify = (server, ...args) => stele(['verify', '--url', server.url, '--key', server.key, '--vkey', vkey, ...args]);
async function expect(code, pattern, server, ...args) {
  const res = await verify(server, ...args);
  assert.equal(res.code, code, res.stdout + res.stderr);
  assert.match(res.stdout + res.stderr, pattern);
}

test('a log is checked by a sample, or whole', async () => {
  await expect(0, /^ok: localhost\/log\/default\/main, 3001 records signed, \d+ checked\n$/, s);
  await expect(0, /3001 records signed, 3001 checked/, s, '--full');
  const json = JSON.parse((await verify(s, '--json', '--full')).stdout);
  assert.deepEqual(json, { ok: true, origin: 'localhost/log/default/main', size: 3001, checked: 3001 });
});

test('the ledger of what was done to the log is checked the same way', async () => {
  const self = (await s.get('/log/default/self/vkey')).text.trim();
  const res = await stele(['verify', '--url', s.url, '--key', s.key, '--vkey', self, '--full']);
  assert.equal(res.code, 0, res.stdout + res.stderr);
  assert.match(res.stdout, /^ok: localhost\/log\/default\/self, /);
});

test('a log that goes back, or whose past was changed, is found out', async () => {
  const seen = join(folder, 'seen');
  const old = join(folder, 'old');
  await expect(0, /seen for the first time/, s, '--remember', seen);
  assert.match(readFileSync(seen, 'utf8'), /^localhost\/log\/default\/main\n3001\n/);
  await expect(0, /goes on from the 3001 seen last/, s, '--remember', seen);
  await s.stop();
  cpSync(s.folder, old, { recursive: true });
  await s.start();
  await append(s, 3001, 4000);
  await expect(0, /4001 records signed, .* goes on from the 3001 seen last/, s, '--remember', seen);
  const note = readFileSync(seen, 'utf8');

  const copy = await new Server(old).start();
  try {
    await expect(1, /ROLLBACK: the log has 3001 records, and had signed 4001/, copy, '--remember', seen);
    await append(copy, 5000, 5999); // as many as there were, and others
    await expect(1, /FORK: the log of 4001 records does not go on from the 4001/, copy, '--remember', seen);
    await append(copy, 6000, 6100);
    await expect(1, /FORK: the log of 4102 records does not go on from the 4001/, copy, '--remember', seen);
    await expect(0, /4102 records signed/, copy, '--full'); // in itself it is sound
  } finally {
    await copy.stop();
  }
  assert.equal(readFileSync(seen, 'utf8'), note);
  writeFileSync(seen, note.replace('4001', '4002'));
  await expect(1, /is none of this log/, s, '--remember', seen);
  writeFileSync(seen, '');
  await expect(1, /is none of this log/, s, '--remember', seen);
  rmSync(seen);
  await expect(3, /./, s, '--remember', join(folder, 'none', 'seen'));
});

test('what keeps it from looking is no OK', async () => {
  const self = (await s.get('/log/default/self/vkey')).text.trim();
  const run = (...args) => stele(['verify', ...args]);
  const code = async (...args) => (await run(...args)).code;
  assert.equal(await code('--url', s.url, '--key', 'stele_x_y', '--vkey', vkey), 3);
  assert.equal(await code('--url', 'http://127.0.0.1:1', '--key', s.key, '--vkey', vkey), 3);
  assert.equal(await code('--url', s.url, '--key', s.key), 2);
  assert.equal(await code('--url', s.url, '--key', s.key, '--vkey', join(folder, 'none')), 3);
  assert.equal(await code('--url', s.url, '--key', s.key, '--vkey', vkey, '--proof', 'x'), 2);
  assert.equal(await code('--url', s.url, '--key', s.key, '--vkey', 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'), 2);
  const other = vkey.replace('/main+', '/self+'); // the name of one, the key of another
  assert.notEqual(await code('--url', s.url, '--key', s.key, '--vkey', other), 0);
  assert.notEqual(self, other);
});

// A server in between; `change` gets path and body and gives the body back.
async function between(change, run) {
  const server = http.createServer((req, res) => {
    http.get(`${s.url}${req.url}`, { headers: { Authorization: req.headers.authorization } }, (up) => {
      const parts = [];
      up.on('data', (d) => parts.push(d));
      up.on('end', () => {
        const body = change(req.url, Buffer.concat(parts));
        res.writeHead(up.statusCode, { 'Content-Length': body.length });
        res.end(body);
      });
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    await run({ url: `http://127.0.0.1:${server.address().port}`, key: s.key });
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}
const flip = (body, at) => {
  const copy = Buffer.from(body);
  copy[at < 0 ? body.length + at : at] ^= 1;
  return copy;
};

test('a server that changes what the log holds is found out', async () => {
  const seen = join(folder, 'between');
  await expect(0, /first time/, s, '--remember', seen);
  await append(s, 7000, 7500);
  await between((_, body) => body, (server) => expect(0, /^ok/, server));
  const lies = [
    ['/checkpoint', (b) => flip(b, 30)],
    ['/checkpoint', (b) => flip(b, -10)],
    ['/checkpoint', () => Buffer.alloc(0)],
    ['/tile/entries/', (b) => flip(b, 100)],
    ['/tile/entries/', (b) => b.subarray(0, -1)],
    ['/tile/entries/', (b) => Buffer.concat([b, Buffer.from([0, 1, 65])])],
    ['/tile/0/', (b) => flip(b, 10)],
    ['/tile/0/', (b) => b.subarray(32)],
    ['/tile/1/', (b) => flip(b, 40)],
    ['/consistency', (b) => Buffer.from(JSON.stringify({ ...JSON.parse(b), hashes: [] }))],
    ['/consistency', (b) => Buffer.from(JSON.stringify({ ...JSON.parse(b), hashes: JSON.parse(b).hashes.reverse() }))],
    ['/consistency', () => Buffer.from('{}')],
    ['/consistency', () => Buffer.from('{"hashes":["x"]}')],
  ];
  for (const [part, lie] of lies)
    await between((path, body) => (path.includes(part) ? lie(body) : body), (server) => expect(1, /NOT VERIFIED/, server, '--remember', seen));
  for (const [part, lie] of lies.filter(([p]) => p.includes('entries')))
    await between((path, body) => (path.includes(part) ? lie(body) : body), (server) => expect(1, /NOT VERIFIED/, server, '--full'));
  await expect(0, /^ok/, s, '--remember', seen);
  assert.ok(existsSync(seen));
});

// Of one checkpoint: what comes in behind it, while the check goes on, is not looked at.
test('a log is verified against its checkpoint while it is written at full speed', async () => {
  const seen = join(folder, 'busy');
  const body = Array.from({ length: 500 }, (_, n) => JSON.stringify({ action: 'busy', attributes: { n } })).join('\n');
  const { id } = (await s.search({ limit: 1, order: 'oldest' })).json.events[0];
  let more = true;
  let sent = 0;
  const write = async () => {
    while (more) {
      assert.equal((await s.append(body, '?ids=false')).status, 201);
      sent += 500;
    }
  };
  const prove = async () => {
    for (let n = 0; more; n++) {
      const newest = (await s.search({ limit: 1, total: 'none' })).json.events[0].id;
      const event = n % 2 ? id : newest;
      const proof = await s.get(`/v1/events/${event}/proof?wait=true`);
      assert.equal(proof.status, 200, proof.text);
      writeFileSync(join(folder, 'event'), (await s.get(`/v1/events/${event}`)).bytes);
      writeFileSync(join(folder, 'event.tlog-proof'), proof.bytes);
      const res = await stele(['verify', join(folder, 'event'), '--proof', join(folder, 'event.tlog-proof'), '--vkey', vkey]);
      assert.equal(res.code, 0, res.stdout + res.stderr);
    }
  };
  const busy = Promise.all([write(), write(), prove()]);
  try {
    for (const how of [['--full'], []]) {
      const before = sent;
      await expect(0, /^ok/, s, '--remember', seen, ...how);
      assert.ok(sent > before, 'events came in meanwhile');
    }
  } finally {
    more = false;
    await busy;
  }
});

test('a history that another key has signed is none of this log', async () => {
  const other = await startServer(); // the same name, records of its own, all of it sound
  try {
    await append(other, 0, 3000);
    const key = (await other.get('/log/default/main/vkey')).text.trim();
    assert.equal((await stele(['verify', '--url', other.url, '--key', other.key, '--vkey', key, '--full'])).code, 0);
    await expect(1, /no known key has signed/, other);
    await expect(1, /no known key has signed/, other, '--full');
    const both = join(folder, 'both'); // who trusts both keys is told by what was seen before
    const seen = join(folder, 'seen of two');
    writeFileSync(both, `${vkey}\n${key}\n`);
    const run = (server) => stele(['verify', '--url', server.url, '--key', server.key, '--vkey', both, '--remember', seen]);
    assert.equal((await run(s)).code, 0);
    const found = await run(other);
    assert.equal(found.code, 1, found.stdout + found.stderr);
    assert.match(found.stdout, /ROLLBACK|FORK/);
  } finally {
    await other.close();
  }
});
