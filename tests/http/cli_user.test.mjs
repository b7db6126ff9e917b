// stele user: the users of an org from the command line.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, signIn } from './people.mjs';
import { startServer, stele } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

const user = (...args) => stele(['user', ...args, '--url', s.url, '--key', s.key]);

test('a first user is made from the data folder, and signs in with what is printed', async () => {
  const made = await stele(['user', 'create', '--data', s.folder, '--url', s.url, '--email', 'Ada@example.com', '--role', 'owner', '--name', 'Ada Byron']);
  assert.equal(made.code, 0, made.stderr);
  const token = made.stdout.trim().split('\n').at(-1);
  assert.match(token, /^[0-9a-f]{16}_[0-9a-f]{64}$/);
  assert.match(made.stdout, /^ada@example\.com sets a password with this token, once, until \d{4}-/);
  assert.equal((await s.request('POST', '/v1/password', { key: null, body: { token, password: PASSWORD } })).status, 204);
  assert.equal((await signIn(s, { email: 'ada@example.com' })).json.user.role, 'owner');
});

test('lists, shows, sets, disables, enables, resets', async () => {
  assert.equal((await user('create', '--email', 'bob@example.com', '--role', 'analyst')).code, 0);
  const list = (await user('list')).stdout.trim().split('\n');
  assert.equal(list.length, 2);
  assert.match(list[0], /^ada@example\.com +owner +enabled +\d{4}-/);
  assert.match(list[1], /^bob@example\.com +analyst +no password +-$/);
  assert.equal(JSON.parse((await user('list', '--json')).stdout).users.length, 2);
  assert.equal(JSON.parse((await user('show', '--email', 'BOB@example.com')).stdout).role, 'analyst');
  const set = JSON.parse((await user('set', '--email', 'bob@example.com', '--role', 'auditor', '--name', 'Bob "B"')).stdout);
  assert.deepEqual([set.role, set.name], ['auditor', 'Bob "B"']);
  assert.equal(JSON.parse((await user('disable', '--email', 'bob@example.com')).stdout).disabled, true);
  assert.match((await user('list')).stdout, /bob@example\.com +auditor +disabled/);
  assert.equal(JSON.parse((await user('enable', '--email', 'bob@example.com')).stdout).disabled, false);
  const reset = JSON.parse((await user('reset', '--email', 'bob@example.com', '--json')).stdout);
  assert.match(reset.reset_token, /^[0-9a-f]{16}_[0-9a-f]{64}$/);
});

test('what is missing or refused is said', async () => {
  for (const args of [[], ['dance'], ['show'], ['create', '--email', 'x@example.com'], ['create', '--role', 'owner']]) {
    const answer = await user(...args);
    assert.equal(answer.code, 2, answer.stderr);
    assert.match(answer.stderr, /^stele user: /);
  }
  assert.equal((await stele(['user', 'list', '--url', s.url], { env: { STELE_KEY: '' } })).code, 3);
  const unknown = await user('show', '--email', 'nobody@example.com');
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'stele user: there is no user nobody@example.com\n']);
  const taken = await user('create', '--email', 'ada@example.com', '--role', 'owner');
  assert.equal(taken.code, 1);
  assert.match(taken.stderr, /has this e-mail address already/);
  const role = await user('set', '--email', 'bob@example.com', '--role', 'king');
  assert.equal(role.code, 1);
  assert.match(role.stderr, /there is no role 'king'/);
});
