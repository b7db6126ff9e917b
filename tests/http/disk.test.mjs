// A full disk: writes are refused with 503 and say why, and so is what would have to be told of in the self ledger; it
// recovers when there is room. Needs to mount a small file system of its own; skipped where that is not allowed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, removeFolder, Server, sleep } from './server.mjs';

function mount(folder) {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m,mode=700', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a full disk', async (t) => {
  const folder = makeFolder();
  if (!mount(folder)) {
    removeFolder(folder);
    return t.skip('no file system may be mounted here');
  }
  const s = new Server(join(folder, 'data'));
  try {
    await s.start();
    const first = await s.append({ action: 'before' });
    assert.equal(first.status, 201);
    const free = statfsSync(folder);
    writeFileSync(join(folder, 'filler'), Buffer.alloc(free.bavail * free.bsize - 16384));

    /* What does not compress fills the journal until it needs another file. */
    let acknowledged = 1;
    let refused;
    for (let i = 0; i < 60 && !refused; i++) {
      const noise = Array.from({ length: 40 }, () =>
        JSON.stringify({ action: 'fill', description: randomBytes(36000).toString('base64') }));
      const res = await s.append(noise.join('\n'), '?ids=false');
      if (res.status === 201) acknowledged += 40;
      else refused = res;
    }
    assert.ok(refused, 'the disk gets full');
    assert.equal(refused.status, 503, refused.text);
    assert.ok(['no_space', 'unavailable'].includes(refused.json.error.code), refused.text);
    assert.equal(refused.headers['retry-after'], '1');

    const ready = await s.get('/readyz');
    assert.equal(ready.status, 503, ready.text);
    assert.equal(ready.json.ready, false);
    assert.ok(ready.json.reasons[0].message.length > 10);
    for (const text of [refused.text, ready.text]) assert.ok(!text.includes(folder), text);
    assert.equal((await s.get('/healthz')).status, 200);
    assert.match((await s.get('/metrics')).text, /stele_writable 0\n/);
    for (const path of ['/v1/events', '/v1/facets?fields=action', '/v1/histogram', '/v1/fields', '/v1/tail', '/v1/export?format=csv',
      `/v1/events/${first.json.ids[0]}`, `/v1/events/${first.json.ids[0]}/around`, '/log/default/main/checkpoint']) {
      const read = await s.get(path);
      assert.equal(read.status, 503, `${path}: ${read.text}`);
      assert.ok(['no_space', 'unavailable'].includes(read.json.error.code), read.text);
      assert.ok(!read.text.includes('"action"') && !read.text.includes(folder), read.text);
      assert.equal(read.headers['retry-after'], '1');
    }
    const job = await s.request('POST', '/v1/exports', { body: { format: 'csv' } });
    assert.equal(job.status, 503, job.text);
    assert.deepEqual((await s.get('/v1/exports')).json.exports, []); // what is not told of is not done

    rmSync(join(folder, 'filler'));
    let again;
    for (let i = 0; i < 50; i++) {
      again = await s.append({ action: 'after' });
      if (again.status === 201) break;
      await sleep(100);
    }
    assert.equal(again.status, 201, again.text);
    assert.equal((await s.get('/readyz')).status, 200);
    const read = await s.search({ total: 'exact', limit: 1 });
    assert.equal(read.status, 200, read.text);
    assert.equal(read.json.total.value, acknowledged + 1);
    await s.kill();
    await s.start();
    assert.equal((await s.search({ total: 'exact', limit: 1 })).json.total.value, acknowledged + 1);
    await s.stop();
  } finally {
    if (s.child && s.child.exitCode === null) s.child.kill('SIGKILL');
    await s.exited;
    s.agent.destroy();
    execFileSync('umount', ['-l', folder]);
    removeFolder(folder);
  }
});
