// The commands, as a shell sees them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { makeFolder, removeFolder, sleep, startServer, STELE, stele, zstd } from './server.mjs';

let s;
let files;
before(async () => {
  s = await startServer();
  files = makeFolder();
});
after(async () => {
  await s.close();
  removeFolder(files);
});

const target = () => ['--url', s.url, '--key', s.key];
const lines = (n, action = 'cli') => Array.from({ length: n }, (_, i) => JSON.stringify({ action, attributes: { i } })).join('\n') + '\n';
const total = async (query) => (await s.search({ query, total: 'exact', limit: 1 })).json.total.value;

function file(name, content) {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
}

test('append reads files, compressed ones and standard input', async () => {
  const plain = await stele(['append', ...target(), file('a.ndjson', lines(1000))]);
  assert.deepEqual([plain.code, plain.stdout], [0, '1000 events\n'], plain.stderr);
  const gz = await stele(['append', ...target(), '--json', file('b.ndjson.gz', gzipSync(lines(500)))]);
  assert.deepEqual(JSON.parse(gz.stdout), { accepted: 500, replayed: 0, batches: 1 });
  const zst = await stele(['append', ...target(), '--json', file('c.ndjson.zst', zstd(lines(400)))]);
  assert.equal(JSON.parse(zst.stdout).accepted, 400);
  const piped = await stele(['append', ...target(), '--quiet'], { input: lines(10).trimEnd() });
  assert.deepEqual([piped.code, piped.stdout, piped.stderr], [0, '', '']);
  assert.equal(await total('action:cli'), 1910);
});

test("append takes a vendor's rows", async () => {
  const row = (i) => JSON.stringify({ org_key: 'old', actor_ip: '10.0.0.1', actor: 'ada@example.org', request_url: null, description: `Updated row ${i}`, flagged: false, verbose: false, create_time: '2024-04-17T19:18:37.480Z' });
  const path = file('rows.ndjson', `${row(1)}\n${row(2)}\n`);
  const done = await stele(['append', ...target(), '--format', 'carbon-black', path]);
  assert.deepEqual([done.code, done.stdout], [0, '2 events\n'], done.stderr);
  assert.equal(await total('action:update description:"updated row" attributes.carbon_black.org_key:old'), 2);
  const again = await stele(['append', ...target(), '--format', 'carbon-black', path]);
  assert.equal(again.stdout, '2 events, of which 2 were there already\n');
  const bad = await stele(['append', ...target(), '--format', 'carbon-black', file('bad.ndjson', `${row(3)}\n{"create_time":"x"}\n`)]);
  assert.notEqual(bad.code, 0);
  assert.match(bad.stderr, /line 2: .*RFC 3339/);
  const none = await stele(['append', ...target(), '--format', 'none', path]);
  assert.match(none.stderr, /--format: there is no 'none'/);
});

test('append goes on where it stopped, and stores nothing twice', async () => {
  const path = file('again.ndjson', lines(5000, 'again'));
  const first = await stele(['append', ...target(), '--batch', '20000', '--connections', '3', '--json', path]);
  assert.equal(first.code, 0, first.stderr);
  const second = await stele(['append', ...target(), '--batch', '20000', '--json', path]);
  const answer = JSON.parse(second.stdout);
  assert.equal(answer.accepted, 5000);
  assert.equal(answer.replayed, 5000);
  assert.ok(answer.batches > 5);
  assert.equal(await total('action:again'), 5000);
});

test('append waits for a server that is away for a moment', async () => {
  const path = file('away.ndjson', lines(3000, 'away'));
  const port = s.port;
  await s.stop();
  const running = stele(['append', ...target(), '--batch', '20000', path]);
  await sleep(300);
  s.args = ['--listen', `127.0.0.1:${port}`];
  await s.start();
  s.args = [];
  const done = await running;
  assert.equal(done.code, 0, done.stderr);
  assert.equal(await total('action:away'), 3000);
});

test('append names the line of a bad event', async () => {
  const bad = await stele(['append', ...target()], { input: '{"action":"x"}\n\n{"action":"y","colour":1}\n' });
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /line 3: .*colour/);
});

test('search prints lines, records and counts', async () => {
  await s.append({ time: '2026-01-02T03:04:05Z', action: 'login', actor: { email: 'ada@example.com' }, description: 'a\u0007b\nc' });
  const plain = await stele(['search', ...target(), 'action:login']);
  assert.equal(plain.stdout, '2026-01-02T03:04:05.000000Z  ada@example.com  login  a b c\n');
  const json = await stele(['search', ...target(), '--json', 'action:login']);
  const stored = (await s.search({ query: 'action:login' })).text;
  assert.ok(stored.includes(json.stdout.trim()), 'byte for byte');
  assert.equal((await stele(['search', ...target(), '--count', 'action:cli'])).stdout, '1910\n');
  const all = await stele(['search', ...target(), '--all', '--oldest', '--json', 'action:cli']);
  assert.equal(all.stdout.trim().split('\n').length, 1910);
  const some = await stele(['search', ...target(), '--limit', '1500', '--json', 'action:cli']);
  assert.equal(some.stdout.trim().split('\n').length, 1500);
  const explained = await stele(['search', ...target(), '--all', '--explain', '--json', '--sort', 'received', 'action:cli']);
  assert.equal(explained.stdout.trim().split('\n').length, 1910);
  assert.equal(typeof JSON.parse(explained.stderr).query, 'string', 'once, for the first page');
  const unknown = await stele(['search', ...target(), '--sort', '""', 'action:cli']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /expected the name of a field/);
});

test('the key comes from the environment or from bootstrap.json too', async () => {
  assert.equal((await stele(['search', '--limit', '1'], { env: { STELE_URL: s.url, STELE_KEY: s.key } })).code, 0);
  assert.equal((await stele(['search', '--limit', '1', '--data', s.folder, '--url', s.url])).code, 0);
  const none = await stele(['search', '--url', s.url], { env: { STELE_KEY: undefined } });
  assert.equal(none.code, 2);
  const wrong = await stele(['search', '--url', s.url, '--key', 'stele_x']);
  assert.equal(wrong.code, 3);
  assert.ok(!wrong.stderr.includes('stele_x\n'));
});

test('tail shows the newest and what comes in', async () => {
  const once = await stele(['tail', ...target(), '--once', '--lines', '2', '--json', 'action:again']);
  assert.deepEqual(once.stdout.trim().split('\n').map((l) => JSON.parse(l).attributes.i).length, 2);
  const child = spawn(STELE, ['tail', ...target(), '--lines', '0', '--interval', '50', '--json']);
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  await sleep(300);
  for (let i = 0; i < 3; i++) await s.append({ action: 'live', attributes: { i } });
  for (let i = 0; i < 50 && out.split('\n').length < 4; i++) await sleep(50);
  child.kill();
  assert.deepEqual(out.trim().split('\n').map((l) => JSON.parse(l).attributes.i), [0, 1, 2]);
});

test('seal, inspect and verify', async () => {
  const sealed = await stele(['seal', ...target(), '--json']);
  assert.equal(sealed.code, 0, sealed.stderr);
  assert.equal(JSON.parse(sealed.stdout).head_records, 0);
  await s.append({ action: 'after-seal' });
  const busy = await stele(['verify', '--data', s.folder]);
  assert.equal(busy.code, 3, busy.stdout + busy.stderr);

  const ledger = join(s.folder, 'segments', readdirSync(join(s.folder, 'segments'))[0]);
  const segment = join(ledger, readdirSync(ledger)[0]);
  const head = await stele(['inspect', segment]);
  assert.equal(head.code, 0, head.stderr);
  assert.match(head.stdout, /ledger 1, records 0 to below/);
  const facts = JSON.parse((await stele(['inspect', '--json', segment])).stdout.split('\n')[0]);
  assert.equal(facts.tree_bytes, 32 * (Math.floor(facts.next / 256) + facts.next.toString(2).replaceAll('0', '').length));
  const block = await stele(['inspect', '--block', '0', '--json', segment]);
  assert.ok(block.stdout.split('\n').some((l) => l.includes('"path":"action"')), block.stdout);
  const records = await stele(['inspect', '--records', '--block', '0', segment]);
  const first = JSON.parse(records.stdout.split('\n').find((l) => l.startsWith('{')));
  assert.equal((await s.get(`/v1/events/${first.id}`)).status, 200, 'ids are the true ones');
  assert.equal((await stele(['inspect', '--block', '9999', segment])).code, 2);

  const journal = join(s.folder, 'journal', readdirSync(join(s.folder, 'journal')).at(-1));
  const frames = await stele(['inspect', '--records', '--json', journal]);
  assert.equal(frames.code, 0, frames.stderr);
  assert.ok(frames.stdout.includes('"action":"after-seal"'));

  await s.stop();
  assert.equal((await stele(['seal', '--data', s.folder])).code, 0);
  const checked = await stele(['verify', '--data', s.folder, '--json']);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  assert.ok(JSON.parse(checked.stdout).records > 5000);
  await s.start();
});

test('the command line is checked, and says what it takes', async () => {
  const usage = [
    [],
    ['nothing'],
    ['serve'],
    ['serve', '--dta', 'x'],
    ['serve', '--data'],
    ['serve', '--data', 'x', 'y'],
    ['serve', '--data', files, '--listen', 'nowhere'],
    ['append', '--batch', '0'],
    ['search', 'a', 'b', '--key', 'k'],
    ['inspect'],
    ['inspect', join(files, 'x.txt')],
    ['verify'],
  ];
  for (const args of usage) {
    const res = await stele(args);
    assert.equal(res.code, 2, `${args.join(' ')}: ${res.stdout}${res.stderr}`);
    assert.ok((res.stderr + res.stdout).includes('stele'));
  }
  for (const args of [['verify', '--data', files], ['seal', '--data', files], ['serve', '--data', '/proc/none/x', '--listen', '127.0.0.1:0'], ['append', ...target(), '/none']])
    assert.equal((await stele(args)).code, 3, args.join(' '));
  for (const name of ['serve', 'append', 'search', 'tail', 'seal', 'verify', 'inspect', 'version']) {
    const help = await stele([name, '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, new RegExp(`^usage: stele ${name}`));
    assert.match(help.stdout, /--help/);
    assert.equal((await stele(['help', name])).stdout, help.stdout);
  }
  assert.equal((await stele(['--help'])).code, 0);
  assert.match((await stele(['--version'])).stdout, /^stele \d/);
  assert.ok(JSON.parse((await stele(['version', '--json'])).stdout).libmicrohttpd);
});

test('two servers do not share a folder', async () => {
  const res = await stele(['serve', '--data', s.folder, '--listen', '127.0.0.1:0']);
  assert.equal(res.code, 3);
  assert.match(res.stderr, /another|lock|in use/i);
});
