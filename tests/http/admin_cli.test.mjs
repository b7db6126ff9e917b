// stele org, key and role: administration from the shell.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer, stele } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

const run = async (...words) => {
  const done = await stele([...words, '--url', s.url, '--key', s.key]);
  return { ...done, json: done.stdout.startsWith('{') ? JSON.parse(done.stdout) : undefined };
};
const good = async (...words) => {
  const done = await run(...words);
  assert.equal(done.code, 0, done.stderr);
  return done;
};

test('a key is made, listed, changed, rotated and revoked', async () => {
  const { json: key } = await good('key', 'create', '--role', 'analyst', '--name', 'from "the" shell', '--networks', '127.0.0.1,::1', '--event-rate', '5');
  assert.deepEqual([key.role, key.name, key.networks, key.event_rate], ['analyst', 'from "the" shell', ['127.0.0.1', '::1'], 5]);
  assert.equal((await s.get('/v1/events', { key: key.api_key })).status, 200);
  const lines = (await good('key', 'list')).stdout.trim().split('\n').map((l) => l.split('\t'));
  assert.deepEqual(lines[0], ['client_id', 'name', 'role', 'expires', 'last_used', 'revoked']);
  assert.deepEqual(lines.find((l) => l[0] === key.client_id).slice(0, 4), [key.client_id, 'from "the" shell', 'analyst', '-']);
  assert.equal((await good('key', 'list', '--json')).json.keys.length, lines.length - 1);
  assert.equal((await good('key', 'show', key.client_id)).json.name, 'from "the" shell');
  assert.equal((await good('key', 'change', key.client_id, '--role', 'writer', '--if-version', '1')).json.version, 2);
  const late = await run('key', 'change', key.client_id, '--role', 'writer', '--if-version', '1');
  assert.equal(late.code, 1);
  assert.match(late.stderr, /stele key: .*version 2/);
  const rotated = (await good('key', 'rotate', key.client_id, '--overlap', '0')).json;
  assert.equal((await s.append({ action: 'a' }, '', { key: key.api_key })).status, 401);
  assert.equal((await s.append({ action: 'a' }, '', { key: rotated.api_key })).status, 201);
  assert.equal((await good('key', 'revoke', key.client_id)).stdout, '');
  assert.equal((await s.append({ action: 'a' }, '', { key: rotated.api_key })).status, 401);
});

test('roles and orgs', async () => {
  await good('role', 'create', '--name', 'reader', '--permissions', 'events:read,log:read');
  assert.deepEqual((await good('role', 'change', 'reader', '--description', 'd')).json.permissions, ['events:read', 'log:read']);
  assert.match((await good('role', 'list')).stdout, /^reader\tfalse\tevents:read,log:read$/m);
  const org = (await good('org', 'create', '--org-key', 'acme', '--name', 'Acme', '--first-key', 'true')).json;
  assert.equal((await s.get('/v1/org', { key: org.key.api_key })).json.name, 'Acme');
  assert.equal((await good('org', 'key', 'acme', '--role', 'auditor')).json.role, 'auditor');
  assert.ok((await good('org', 'change', 'acme', '--disabled', 'true')).json.disabled);
  assert.match((await good('org', 'list')).stdout, /^acme\tAcme\t\t2/m);
  assert.equal((await s.get('/v1/org', { key: org.key.api_key })).status, 401);
  await good('role', 'remove', 'reader');
});

test('what is wrong is said, with the exit code for it', async () => {
  for (const words of [['org'], ['role'], ['org', 'turn'], ['key', 'show'], ['key', 'list', 'x'], ['role', 'create', '--king', 'x'], ['key', '--role', 'x']]) {
    const done = await run(...words);
    assert.equal(done.code, 2, `${words}: ${done.stderr}`);
  }
  assert.match((await stele(['key'])).stderr, /list, show CLIENT_ID, create, change CLIENT_ID, rotate CLIENT_ID, revoke CLIENT_ID/);
  for (const words of [['key', 'show', '../events'], ['role', 'show', 'nobodys'], ['org', 'show', 'a b']]) {
    const done = await run(...words);
    assert.equal(done.code, 1, done.stderr);
    assert.match(done.stderr, /there is no/);
  }
  const wrong = await stele(['key', 'list', '--url', s.url, '--key', `stele_${'0'.repeat(16)}_${'0'.repeat(64)}`]);
  assert.equal(wrong.code, 3, wrong.stderr);
  for (const command of ['org', 'key', 'role']) assert.equal((await stele([command, '--help'])).code, 0);
});
