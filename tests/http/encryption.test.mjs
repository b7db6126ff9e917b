// Encryption at rest: no word of an event is in the data folder, and only the master key opens it, wherever it is kept.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFolder, removeFolder, Server, sleep, stele } from './server.mjs';

const OTHER = 'f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f';
const folders = [];
after(() => folders.forEach(removeFolder));

function folder() {
  folders.push(makeFolder());
  return folders.at(-1);
}

function filesBelow(path) {
  return readdirSync(path, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? filesBelow(join(path, e.name)) : [join(path, e.name)]));
}

const image = (path) => filesBelow(path).sort().map((name) => [name, readFileSync(name).toString('base64')]);

const events = (n) =>
  Array.from({ length: n }, (_, i) => ({
    action: 'Zanzibar-grant', actor: { id: `quokka-${i % 50}`, name: 'Wilhelmina Oxenstierna' }, description: `Xylophone number ${i} was tuned`,
    context: { ip: `198.51.100.${i % 250}`, user_agent: 'Mozarella/7.0' }, attributes: { secret_of: `Ptolemy${i}` },
  }));
const words = ['Zanzibar', 'zanzibar', 'quokka', 'Wilhelmina', 'wilhelmina', 'Oxenstierna', 'Xylophone', 'was tuned', '198.51.100', 'Mozarella', 'Ptolemy', 'secret_of'];

async function exportAll(s, format) {
  const made = await s.request('POST', '/v1/exports', { body: { format } });
  assert.equal(made.status, 202, made.text);
  for (let i = 0; i < 600; i++) {
    const job = (await s.get(`/v1/exports/${made.json.id}`)).json;
    if (job.state === 'done') return job;
    await sleep(50);
  }
  return assert.fail('the export is not done');
}

test('no word of an event is in any file', async () => {
  const s = await new Server(folder()).start();
  const sent = events(30000);
  for (let at = 0; at < sent.length; at += 3000) {
    assert.equal((await s.append(sent.slice(at, at + 3000), '?ids=false')).status, 201);
    if (at % 6000 === 0) assert.equal((await s.request('POST', '/v1/seal', { body: '' })).status, 200);
  }
  for (const format of ['ndjson', 'csv', 'json', 'zip']) await exportAll(s, format);
  const found = await s.get('/v1/events?query=Ptolemy2999&total=exact');
  assert.equal(found.json.total.value, 1, found.text);
  const look = () => {
    for (const name of filesBelow(s.folder)) {
      const bytes = readFileSync(name);
      for (const word of words) assert.ok(!bytes.includes(word), `${word} is in ${name}`);
    }
  };
  look();
  await s.kill();
  look();
  await s.start();
  await s.stop();
  look();
});

test('parts of an export are the parts of what was exported', async () => {
  const s = await new Server(folder()).start();
  assert.equal((await s.append(events(2000), '?ids=false')).status, 201);
  const job = await exportAll(s, 'ndjson');
  const whole = await s.get(`/v1/exports/${job.id}/download`);
  assert.equal(whole.status, 200);
  assert.equal(Buffer.byteLength(whole.text), job.bytes);
  assert.equal(whole.text.split('\n').length, 2001);
  for (const [from, to] of [[0, 0], [1, 4079], [4080, 4080], [4079, 4080], [job.bytes - 1, job.bytes - 1], [5000, job.bytes - 1]]) {
    const part = await s.get(`/v1/exports/${job.id}/download`, { headers: { Range: `bytes=${from}-${to}` } });
    assert.equal(part.status, 206);
    assert.equal(part.text, whole.text.slice(from, to + 1), `${from}-${to}`);
  }
  await s.stop();
  const [name] = filesBelow(join(s.folder, 'exports'));
  const bytes = readFileSync(name);
  bytes[bytes.length - 20] ^= 1;
  writeFileSync(name, bytes);
  await s.start();
  const head = await s.get(`/v1/exports/${job.id}/download`, { headers: { Range: 'bytes=0-99' } });
  assert.equal(head.text, whole.text.slice(0, 100));
  await assert.rejects(s.get(`/v1/exports/${job.id}/download`), 'what is damaged is not sent');
  await s.stop();
});

test('a wrong or missing key is said, and the folder stays as it is', async () => {
  const s = await new Server(folder()).start();
  assert.equal((await s.append(events(100), '?ids=false')).status, 201);
  assert.equal((await s.request('POST', '/v1/seal', { body: '' })).status, 200);
  assert.equal((await s.append(events(100), '?ids=false')).status, 201);
  await s.stop();
  const key = join(folder(), 'key');
  renameSync(join(s.folder, 'master.key'), key);
  const before = image(s.folder);
  for (const [source, says] of [
    [undefined, /there is no master key/], ['env:NOT_THERE', /the environment has no NOT_THERE/], [`command:echo ${OTHER}`, /not the one/],
    ['command:exit 3', /ended with status 3/], ['command:yes', /prints more than/], ['somewhere', /file:PATH, env:NAME or command:COMMAND/],
  ]) {
    const more = source === undefined ? [] : ['--master-key', source];
    for (const command of [['serve', '--listen', '127.0.0.1:0'], ['verify'], ['seal'], ['key', 'rotate', '--new-master-key', `command:echo ${OTHER}`]]) {
      const ran = await stele([...command, '--data', s.folder, ...more]);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, says, command.join(' '));
      assert.deepEqual(image(s.folder), before, `${command[0]} with ${source} touches nothing`);
    }
  }
  const [segment] = filesBelow(join(s.folder, 'segments'));
  const [journal] = filesBelow(join(s.folder, 'journal'));
  for (const file of [segment, journal]) {
    const without = await stele(['inspect', '--records', file]);
    assert.notEqual(without.code, 0, file);
    const shown = await stele(['inspect', '--records', '--master-key', `file:${key}`, file]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /Zanzibar/);
  }
  s.args = ['--master-key', `command:cat ${key}`];
  await s.start();
  assert.equal((await s.get('/v1/events?total=exact')).json.total.value, 200);
  await s.stop();
});

test('the master key is changed, and the old one is of no use', async () => {
  const s = await new Server(folder()).start();
  assert.equal((await s.append(events(500), '?ids=false')).status, 201);
  const busy = await stele(['key', 'rotate', '--data', s.folder]);
  assert.notEqual(busy.code, 0);
  assert.match(busy.stderr, /another process uses/);
  await s.stop();
  const first = readFileSync(join(s.folder, 'master.key'), 'utf8');
  const rotated = await stele(['key', 'rotate', '--data', s.folder]);
  assert.equal(rotated.code, 0, rotated.stderr);
  assert.notEqual(readFileSync(join(s.folder, 'master.key'), 'utf8'), first);
  const moved = await stele(['key', 'rotate', '--data', s.folder, '--new-master-key', `command:echo ${OTHER}`]);
  assert.equal(moved.code, 0, moved.stderr);
  const old = await stele(['verify', '--data', s.folder]);
  assert.match(old.stderr, /the master key is not the one/);
  s.args = ['--master-key', `command:echo ${OTHER}`];
  await s.start();
  assert.equal((await s.get('/v1/events?total=exact')).json.total.value, 500);
  await s.stop();
  for (const words of [['key'], ['key', 'rotate'], ['key', 'turn', '--data', s.folder]]) assert.equal((await stele(words)).code, 2);
});
