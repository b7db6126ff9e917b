// kill -9 under load, again and again: what was acknowledged is there once, in order, byte for byte, and the folder
// verifies. STELE_KILLS says how often (default 8; about two seconds each).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, startServer, stele } from './server.mjs';

const KILLS = Number(process.env.STELE_KILLS ?? 8);
const CLIENTS = 12;

let s;
before(async () => (s = await startServer()));
after(() => s.close());

test(`what was acknowledged survives ${KILLS} times kill -9`, async () => {
  const acknowledged = new Map(); /* marker -> id */
  const sent = new Set();
  let number = 0;
  let isOn = true;

  /* A client appends batches of one to some hundred events, some of them with a key, until the server is gone. */
  async function client(seed) {
    for (let round = 0; isOn; round++) {
      const size = (seed + round) % 10 === 0 ? 300 : 1 + ((seed + round) % 4);
      const markers = Array.from({ length: size }, () => `m${number++}`);
      markers.forEach((m) => sent.add(m));
      const body = markers.map((m) => JSON.stringify({ action: 'load', attributes: { m } })).join('\n');
      const headers = round % 3 === 0 ? { 'Idempotency-Key': markers[0] } : {};
      const res = await s.append(body, '', { headers }).catch(() => null);
      if (res === null) return;
      assert.equal(res.status, 201, res.text);
      markers.forEach((m, i) => acknowledged.set(m, res.json.ids[i]));
    }
  }

  for (let kill = 0; kill < KILLS; kill++) {
    isOn = true;
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)));
    await sleep(200 + ((kill * 137) % 400));
    if (kill % 3 === 2) s.request('POST', '/v1/seal', { body: '' }).catch(() => {});
    await s.kill();
    isOn = false;
    await clients;
    await s.start();
  }

  const events = await s.all();
  const byMarker = new Map();
  for (const e of events) {
    const { m } = e.attributes;
    assert.ok(sent.has(m), 'only what was sent is there');
    assert.ok(!byMarker.has(m), `${m} is there twice`);
    byMarker.set(m, e.id);
  }
  for (const [m, id] of acknowledged) assert.equal(byMarker.get(m), id, `${m} was acknowledged`);
  assert.ok(acknowledged.size > 100);
  for (let i = 1; i < events.length; i++) assert.ok(events[i - 1].received <= events[i].received);

  await s.stop();
  const checked = await stele(['verify', '--data', s.folder, '--json']);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  const told = Math.ceil((events.length + 1) / 10000); // an event of self for each page
  assert.equal(JSON.parse(checked.stdout.trim().split('\n').at(-1)).records, events.length + told);
  await s.start();
});
