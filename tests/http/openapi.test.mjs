// The description of the API: served, whole, clean under a linter, and true of what the server answers.
import Ajv from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { routes } from './routes.mjs';
import { startServer } from './server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
let s;
let description;

before(async () => {
  s = await startServer();
  description = (await s.get('/openapi.json', { key: null })).json;
});

after(() => s.close());

test('it is for everybody and says which version of OpenAPI it is', async () => {
  const answer = await s.get('/openapi.json', { key: null });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.json.openapi, '3.1.0');
});

test('a linter finds nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stele-openapi-'));
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(description, null, 1));
  const redocly = resolve(here, 'node_modules/.bin/redocly');
  const { code, text } = await new Promise((done) => {
    execFile(redocly, ['lint', '--extends=recommended', '--format=stylish', file], { env: { ...process.env, REDOCLY_TELEMETRY: 'off' } }, (error, stdout, stderr) =>
      done({ code: error ? error.code : 0, text: stdout + stderr }),
    );
  });
  rmSync(folder, { recursive: true });
  assert.equal(code, 0, text);
  assert.doesNotMatch(text, /\b(warning|error)\b +[a-z-]+ /);
});

test('each route of the table is an operation, with its permission and errors, and no other is', () => {
  const operations = Object.entries(description.paths).flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m.toUpperCase()} ${path}`));
  const shown = routes().filter((r) => !/^\/docs/.test(r.path));
  assert.deepEqual(operations.sort(), shown.map((r) => `${r.method} ${r.path.replace('*}', '}')}`).sort());
  for (const r of shown) {
    const o = description.paths[r.path.replace('*}', '}')][r.method.toLowerCase()];
    assert.equal(o.operationId, r.name.toLowerCase());
    assert.equal(o.security.length > 0, !r.isOpen, r.name);
    if (r.isOpen) continue;
    for (const status of [401, 403]) assert.ok(o.responses[status], `${r.name} ${status}`);
  }
});

test('examples fit their schemas', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'api', components: description.components });
  for (const [name, schema] of Object.entries(description.components.schemas)) {
    const validate = ajv.getSchema(`api#/components/schemas/${name}`);
    for (const example of schema.examples ?? []) assert.ok(validate(example), `${name}: ${ajv.errorsText(validate.errors)}`);
  }
});

test('answers fit the schemas they are described by', async () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'api', components: description.components });
  const ids = (await s.append([{ action: 'a', actor: { id: 'u-1' } }, { action: 'b' }])).json.ids;
  const check = async (name, method, path, body) => {
    const answer = await s.request(method, path, { body });
    const operation = Object.values(description.paths).flatMap(Object.values).find((o) => o.operationId === name);
    const response = operation.responses[answer.status];
    assert.ok(response, `${name} answered ${answer.status}, of which nothing is said: ${answer.text}`);
    const ref = (response.$ref ? description.components.responses[answer.status] : response).content?.['application/json'].schema.$ref;
    const validate = ajv.getSchema(`api${ref}`);
    assert.ok(validate(answer.json), `${name}: ${ajv.errorsText(validate.errors)} in ${answer.text}`);
    return answer.json;
  };
  await check('events_append', 'POST', '/v1/events', { action: 'c' });
  await check('events_append', 'POST', '/v1/events', { actoin: 'c' });
  await check('events_search', 'GET', '/v1/events?explain=true');
  await check('events_search', 'GET', '/v1/events?query=(');
  await check('search', 'POST', '/v1/search', { query: 'action:a', limit: 1 });
  await check('event', 'GET', `/v1/events/${ids[0]}`);
  await check('event', 'GET', '/v1/events/00000000000000000000000000000000');
  await check('event_around', 'GET', `/v1/events/${ids[0]}/around`);
  await check('consistency', 'GET', '/v1/log/consistency?from=1&to=2');
  await check('facets', 'GET', '/v1/facets?fields=action');
  await check('histogram', 'GET', '/v1/histogram?split=action');
  await check('fields', 'GET', '/v1/fields');
  const saved = await check('saved_create', 'POST', '/v1/searches', { name: 'x', query: 'action:a' });
  await check('saved_list', 'GET', '/v1/searches');
  await check('saved_replace', 'PUT', `/v1/searches/${saved.id}`, { name: 'y' });
  await check('saved_replace', 'PUT', `/v1/searches/${saved.id}`, { name: '' });
  const job = await check('export_create', 'POST', '/v1/exports', { format: 'ndjson' });
  await check('export_job', 'GET', `/v1/exports/${job.id}`);
  await check('export_list', 'GET', '/v1/exports');
  await check('retention', 'GET', '/v1/retention');
  const hold = await check('hold_create', 'POST', '/v1/retention/holds', { reason: 'x' });
  await check('hold_release', 'DELETE', `/v1/retention/holds/${hold.id}`);
  await check('retention_run', 'POST', '/v1/retention/run?dry_run=true', '');
  await check('verification', 'GET', '/v1/verification');
  await check('log_keys', 'GET', '/log/default/main/keys');
  const user = await check('user_create', 'POST', '/v1/users', { email: 'ada@example.com', role: 'analyst' });
  await check('user_create', 'POST', '/v1/users', { email: 'ada@example.com', role: 'analyst' });
  await check('user', 'GET', `/v1/users/${user.id}`);
  await check('user_change', 'PUT', `/v1/users/${user.id}`, { name: 'Ada' });
  await check('user_list', 'GET', '/v1/users');
  const { reset_token: token } = await check('user_reset', 'POST', `/v1/users/${user.id}/reset`, '');
  await check('password_set', 'POST', '/v1/password', { token, password: 'short' });
  assert.equal((await s.request('POST', '/v1/password', { body: { token, password: 'several words make a good one' } })).status, 204);
  await check('session_create', 'POST', '/v1/session', { email: 'ada@example.com', password: 'several words make a good one' });
  await check('session_create', 'POST', '/v1/session', { email: 'ada@example.com', password: 'not the right one' });
  await check('session_list', 'GET', '/v1/sessions');
  await check('session', 'GET', '/v1/session');
  await check('seal', 'POST', '/v1/seal', '');
  await check('health', 'GET', '/healthz');
  await check('ready', 'GET', '/readyz');
});

test('the page of the description comes with all it is made of', async () => {
  const page = await s.get('/docs/', { key: null });
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.match(page.headers['content-security-policy'], /script-src 'self';/);
  const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((m) => m[1]);
  assert.ok(parts.length >= 4);
  for (const part of parts) {
    const plain = await s.get(`/docs/${part}`, { key: null });
    assert.equal(plain.status, 200, part);
    const packed = await s.get(`/docs/${part}`, { key: null, headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.deepEqual(gunzipSync(packed.bytes), plain.bytes, part);
    const known = await s.get(`/docs/${part}`, { key: null, headers: { 'If-None-Match': plain.headers.etag } });
    assert.deepEqual([known.status, known.bytes.length], [304, 0], part);
  }
  assert.equal((await s.get('/docs', { key: null })).headers.location, '/docs/');
  assert.equal((await s.get('/docs/nothing.js', { key: null })).status, 404);
  assert.equal((await s.get(`/docs/${'x'.repeat(100)}`, { key: null })).status, 404);
  assert.equal((await s.get('/docs/../openapi.json', { key: null })).status, 404);
});
