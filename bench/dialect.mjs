// What a page of 100 rows costs in each dialect that has pages, beside the native page of the same events, and a file of
// Unqork's beside a native ZIP: processor time of the server a request, the least of three rounds. `./dev build && STELE_BIN=$PWD/build/stele node bench/dialect.mjs`
import { readFileSync } from 'node:fs';
import { startServer } from '../tests/http/server.mjs';

const EVENTS = 16384; // one file of Unqork's
const BATCH = 1024;
const PAGES_ASKED = 1000;
const FILES_ASKED = 10;
const TICK_MS = 10; // of /proc/*/stat

const event = (i) => ({
  action: ['create', 'update', 'delete'][i % 3],
  description: `Updated role ${i}`,
  actor: { type: 'user', id: `u-${i % 50}`, name: `User ${i % 50}`, email: `u${i % 50}@example.com` },
  entity: { type: 'role', id: `r-${i % 99}`, name: `Role ${i % 99}` },
  outcome: { type: 'success' },
  context: { ip: '203.0.113.7', user_agent: 'Mozilla/5.0', session: 'abc', url: 'https://x/y' },
  before: { a: i },
  after: { a: i + 1 },
});

const s = await startServer();
const now = Date.now();
for (let i = 0; i < EVENTS; i += BATCH) await s.append(Array.from({ length: BATCH }, (_, k) => event(i + k)), '?ids=false');
await s.request('POST', '/v1/seal');

const { org_key: org, client_id: id, client_secret: secret } = s.bootstrap;
const KEEPNET = { pageNumber: 1, pageSize: 100, orderBy: 'LogDate', ascending: false, filter: { Condition: 'AND', SearchInputTextValue: '' } };
const arrival = () => s.get('/v1/events?limit=100&total=none');
const counted = () => s.get('/v1/events?limit=100&total=exact');
const byTime = () => s.get('/v1/events?limit=100&sort=time&total=exact');
const window = new URLSearchParams({ startDatetime: new Date(now - 60000).toISOString(), endDatetime: new Date(now + 3000000).toISOString() });
const { logLocations } = (await s.get(`/api/1.0/logs/audit-logs?${window}`)).json;
if (logLocations.length !== 1) throw new Error(`${logLocations.length} files`);
const file = new URL(logLocations[0]);
const CASES = [
  ['Kore.ai, AI for Work', () => s.get('/api/public/auditlogs?limit=100', { key: null, headers: { auth: s.key } }), arrival],
  ['Kore.ai, AI for Service', () => s.get('/api/public/auditlogs?size=100', { key: null, headers: { auth: s.key } }), counted],
  ['Carbon Black, _search', () => s.request('POST', `/audit_log/v1/orgs/${org}/logs/_search`, { key: null, headers: { 'X-Auth-Token': `${secret}/${id}` }, body: '{"rows":100}' }), counted],
  ['Keepnet', () => s.request('POST', '/api/audit-logs/search', { body: KEEPNET, headers: { 'Content-Type': 'application/json' } }), byTime],
  ['ThreatKey', () => s.get('/threatkey/v1/audit-logs?limit=100'), arrival],
  ['Unqork, a file of 16,384 events', () => s.get(file.pathname + file.search), () => s.get('/v1/export?format=zip'), FILES_ASKED],
];

function cpuMs() {
  const fields = readFileSync(`/proc/${s.child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function cost(ask, requests) {
  const answer = await ask();
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  const begun = cpuMs();
  for (let i = 0; i < requests; i++) await ask();
  return (cpuMs() - begun) / requests;
}

console.log('| 100 rows | ms of processor | native | ratio |\n|---|---:|---:|---:|');
for (const [name, ask, native, requests = PAGES_ASKED] of CASES) {
  const [own, theirs] = [[], []];
  for (let round = 0; round < 3; round++) {
    theirs.push(await cost(ask, requests));
    own.push(await cost(native, requests));
  }
  const [a, b] = [Math.min(...theirs), Math.min(...own)];
  console.log(`| ${name} | ${a.toFixed(2)} | ${b.toFixed(2)} | ${(a / b).toFixed(2)}× |`);
}
await s.close();
