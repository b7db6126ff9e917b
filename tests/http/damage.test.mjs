// Damaged files: found, named by file and offset, never served as good, and the rest stays readable.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, cpSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolder, removeFolder, Server, startServer, stele } from './server.mjs';

let s;
before(async () => (s = await startServer()));
after(() => s.close());

function segments() {
  const folder = join(s.folder, 'segments');
  return readdirSync(folder).flatMap((ledger) =>
    readdirSync(join(folder, ledger))
      .sort((a, b) => parseInt(a) - parseInt(b))
      .map((name) => join(folder, ledger, name)));
}

const journals = () => readdirSync(join(s.folder, 'journal')).sort((a, b) => parseInt(a) - parseInt(b)).map((name) => join(s.folder, 'journal', name));

async function appendAndSeal(action, n) {
  await s.append(Array.from({ length: n }, (_, i) => ({ action, attributes: { i, text: `word${i}` } })), '?ids=false');
  assert.equal((await s.request('POST', '/v1/seal', { body: '' })).status, 200);
}

function flip(path, at) {
  const bytes = readFileSync(path);
  const was = Buffer.from(bytes);
  bytes[at] ^= 0x10;
  writeFileSync(path, bytes);
  return () => writeFileSync(path, was);
}

test('a damaged segment is found, named, and the rest is read', async () => {
  await appendAndSeal('first', 3000);
  await appendAndSeal('second', 3000);
  await s.stop();
  const [path] = segments();
  const size = statSync(path).size;
  for (const at of [100, Math.floor(size / 2), size - 20]) {
    const restore = flip(path, at);
    const checked = await stele(['verify', '--data', s.folder, '--json']);
    assert.equal(checked.code, 1, checked.stdout + checked.stderr);
    const fault = JSON.parse(checked.stdout.split('\n')[0]);
    assert.equal(fault.fault, 'corrupt');
    assert.ok(fault.file.includes(path.split('/').at(-1)), checked.stdout);

    await s.start();
    const newest = await s.search({ limit: 1000 });
    assert.equal(newest.status, 200, newest.text);
    assert.ok(newest.json.events.every((e) => e.action === 'second'));
    const all = await s.search({ limit: 10000, order: 'oldest' });
    assert.equal(all.status, 200, all.text);
    const good = all.json.events;
    for (const e of good) assert.equal(e.attributes.text, `word${e.attributes.i}`);
    assert.equal(good.filter((e) => e.action === 'second').length, 3000);
    if (good.length < 6000) assert.ok(all.json.damaged.length > 0, 'holes are said');
    await s.stop();
    restore();
  }
  assert.equal((await stele(['verify', '--data', s.folder])).code, 0);
  await s.start();
});

test('one damaged block costs its own records and no others', async () => {
  const t = await startServer();
  try {
    const lines = Array.from({ length: 30000 }, (_, i) => JSON.stringify({ action: i % 2 ? 'odd' : 'even', attributes: { i, wide: createHash('sha256').update(`${i}`).digest('base64') } }));
    for (let i = 0; i < lines.length; i += 10000) await t.append(lines.slice(i, i + 10000).join('\n'), '?ids=false');
    await t.request('POST', '/v1/seal', { body: '' });
    await t.append({ action: 'odd', attributes: { i: 30000 } });
    await t.stop();
    const folder = join(t.folder, 'segments', '1');
    const path = join(folder, readdirSync(folder)[0]);
    const blocks = (await stele(['inspect', '--json', path])).stdout.trim().split('\n').map(JSON.parse).filter((l) => 'block' in l);
    assert.ok(blocks.length >= 3);
    const bad = blocks[1];
    const restore = flip(path, bad.offset + Math.floor(bad.bytes / 2));
    await t.start();

    const expected = Array.from({ length: 30001 }, (_, i) => i).filter((i) => i < bad.first || i >= bad.first + bad.rows);
    const gap = [{ first: bad.first, next: bad.first + bad.rows }];
    for (const [order, wanted] of [['oldest', expected], ['newest', expected.toReversed()]]) {
      const seen = [];
      let cursor;
      do {
        const page = await t.search({ order, limit: 4000, ...(cursor ? { cursor } : {}) });
        assert.equal(page.status, 200, page.text);
        seen.push(...page.json.events.map((e) => e.attributes.i));
        if (page.json.damaged) assert.deepEqual(page.json.damaged, gap);
        cursor = page.json.next_cursor;
      } while (cursor);
      assert.deepEqual(seen, wanted);
    }
    const odd = await t.search({ query: 'action:odd', total: 'exact', limit: 10 });
    const left = expected.filter((i) => i % 2 || i === 30000).length;
    assert.equal(odd.json.total.value, odd.json.damaged ? left : 15001); /* counting may do without what is damaged */
    assert.equal(odd.json.events[0].attributes.i, 30000);
    const cheap = await t.search({ query: 'action:odd', order: 'oldest', from: 'now-1d', limit: 8000 });
    assert.equal(cheap.json.events.length, 8000);
    for (const path of ['facets?fields=attributes.i,action', 'histogram?interval=1w&split=attributes.i', 'facets?fields=action']) {
      const counted = (await t.get(`/v1/${path}`)).json; /* may do without what is damaged */
      const wanted = counted.damaged ? { value: expected.length, relation: 'gte' } : { value: 30001, relation: 'eq' };
      assert.deepEqual([counted.total, counted.damaged ?? gap], [wanted, gap]);
      if (counted.facets) assert.equal(counted.facets[0].exact, !counted.damaged);
    }
    for (const [order, wanted] of [['asc', expected], ['desc', expected.toReversed()]]) {
      const seen = [];
      let cursor;
      do {
        const page = await t.search({ sort: 'attributes.i', order, limit: 9000, ...(cursor ? { cursor } : {}) });
        assert.equal(page.status, 200, page.text);
        seen.push(...page.json.events.map((e) => e.attributes.i));
        if (page.json.damaged) assert.deepEqual(page.json.damaged, gap);
        cursor = page.json.next_cursor;
      } while (cursor);
      assert.deepEqual(seen, wanted);
    }
    assert.match(t.log, /\.seg/, 'the log names the file');
    await t.stop();
    restore();
    await t.start();
    const again = await t.search({ total: 'exact' });
    assert.equal(again.json.total.value, 30001);
    assert.ok(!('damaged' in again.json));
  } finally {
    await t.close();
  }
});

test('a torn journal tail is cut off, and what was acknowledged stays', async () => {
  const { json } = await s.append({ action: 'kept' });
  await s.kill();
  const path = journals().at(-1);
  const fd = openSync(path, 'r+');
  const end = readFileSync(path).findLastIndex((b) => b !== 0) + 1;
  writeSync(fd, Buffer.from('half a frame that never was finished'), 0, 36, Math.ceil(end / 8) * 8);
  closeSync(fd);
  await s.start();
  assert.equal((await s.get(`/v1/events/${json.ids[0]}`)).status, 200);
  assert.equal((await s.append({ action: 'next' })).status, 201);
});

test('damage inside the journal keeps the server from starting, and is named', async () => {
  for (let i = 0; i < 5; i++) await s.append({ action: 'row', attributes: { i } });
  await s.kill();
  const path = journals().at(-1);
  const bytes = readFileSync(path);
  const end = bytes.findLastIndex((b) => b !== 0);
  const restore = flip(path, 64 + Math.floor((end - 64) / 3));
  await assert.rejects(new Server(s.folder).start(), (e) => /\.jnl/.test(e.message) && /offset|at \d+/.test(e.message));
  const checked = await stele(['verify', '--data', s.folder]);
  assert.equal(checked.code, 1);
  assert.match(checked.stdout, /fault: .*\.jnl/);
  restore();
  await s.start();
  assert.equal((await s.search({ query: 'action:row', total: 'exact' })).json.total.value, 5);
});

test('a truncated segment is found', async () => {
  await s.stop();
  const [path] = segments();
  const was = readFileSync(path);
  truncateSync(path, was.length - 100);
  assert.equal((await stele(['verify', '--data', s.folder])).code, 1);
  await s.start();
  const page = await s.search({ query: 'action:second', total: 'exact' });
  assert.equal(page.status, 200, page.text);
  assert.equal(page.json.total.value, 3000);
  assert.ok(page.json.damaged.length > 0);
  assert.match((await s.get('/metrics')).text, /stele_segments_damaged 1\n/);
  await s.stop();
  writeFileSync(path, was);
  await s.start();
});

// Somebody who can write the data folder, and knows how it is built.
test('segments that are swapped, dropped, put in or brought back are found, and named', async () => {
  const t = await startServer();
  const folder = join(t.folder, 'segments', '1');
  const kept = makeFolder();
  try {
    const fill = async (action) => {
      await t.append(Array.from({ length: 3000 }, (_, i) => ({ action, attributes: { i } })), '?ids=false');
      assert.equal((await t.request('POST', '/v1/seal', { body: '' })).status, 200);
    };
    const other = await startServer(); // another log with as many records
    await other.append(Array.from({ length: 3000 }, (_, i) => ({ action: 'forged', attributes: { i } })), '?ids=false');
    await other.request('POST', '/v1/seal', { body: '' });
    await other.stop();
    for (const action of ['first', 'second', 'third']) await fill(action);
    await t.append({ action: 'last' }, '?wait=proof'); // signed as well
    await t.stop();
    cpSync(t.folder, join(kept, 'good'), { recursive: true });
    const [a, b, c] = ['0-3000.seg', '3000-6000.seg', '6000-9000.seg'].map((name) => join(folder, name));
    const swap = (x, y) => {
      renameSync(x, `${x}.x`);
      renameSync(y, x);
      renameSync(`${x}.x`, y);
    };
    const cases = {
      'two swapped': [() => swap(a, b), /0-3000\.seg/],
      'two others swapped': [() => swap(b, c), /[36]000-[69]000\.seg/],
      'one in the place of another': [() => cpSync(a, c), /6000-9000\.seg/],
      'the first dropped': [() => rmSync(a), /records 0 to 2999 are missing/],
      'one in the middle dropped': [() => rmSync(b), /records 3000 to 5999 are missing/],
      'the last dropped': [() => rmSync(c), /6000/],
      'all dropped': [() => rmSync(folder, { recursive: true }), /ledger 1|9000/],
      'one of another log': [() => cpSync(join(other.folder, 'segments', '1', '0-3000.seg'), a), /0-3000\.seg/],
    };
    for (const [what, [change, says]] of Object.entries(cases)) {
      change();
      const found = await stele(['verify', '--data', t.folder]);
      assert.equal(found.code, 1, `${what}: ${found.stdout}${found.stderr}`);
      assert.match(found.stdout, /^fault: /m, what);
      assert.match(found.stdout, says, what);
      rmSync(t.folder, { recursive: true });
      cpSync(join(kept, 'good'), t.folder, { recursive: true });
      assert.equal((await stele(['verify', '--data', t.folder])).code, 0, what);
    }
    await other.close();
  } finally {
    removeFolder(kept);
    removeFolder(t.folder);
    t.agent.destroy();
  }
});
