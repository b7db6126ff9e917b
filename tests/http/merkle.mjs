// An independent verifier: RFC 6962 trees, signed notes, tlog-proofs and bundles, by node's own crypto alone.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';

const sha256 = (...parts) => {
  const h = createHash('sha256');
  for (const p of parts) h.update(p);
  return h.digest();
};
export const leafHash = (record) => sha256(Buffer.from([0]), record);
export const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

// MTH of RFC 6962 over leaf hashes.
export function rootOf(leaves) {
  if (leaves.length === 0) return sha256();
  let level = leaves;
  while (level.length > 1) {
    const next = [];
    for (let i = 0; i + 1 < level.length; i += 2) next.push(nodeHash(level[i], level[i + 1]));
    if (level.length % 2) next.push(level.at(-1));
    level = next;
  }
  return level[0];
}

// RFC 9162 2.1.3.2.
export function includes(index, size, leaf, path, root) {
  if (index >= size) return false;
  let [fn, sn, r] = [BigInt(index), BigInt(size) - 1n, leaf];
  for (const p of path) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      r = nodeHash(p, r);
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && r.equals(root);
}

// RFC 9162 2.1.4.2.
export function isConsistent(m, n, path, oldRoot, root) {
  if (m === n) return path.length === 0 && oldRoot.equals(root);
  if (m === 0) return path.length === 0;
  const p = (m & (m - 1)) === 0 ? [oldRoot, ...path] : [...path];
  if (p.length === 0) return false;
  let [fn, sn] = [BigInt(m) - 1n, BigInt(n) - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [p[0], p[0]];
  for (const c of p.slice(1)) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && fr.equals(oldRoot) && sr.equals(root);
}

// Opens a signed checkpoint with a verifier key.
export function openCheckpoint(note, vkey) {
  const [name, id, ...rest] = vkey.trim().split('+');
  const key = Buffer.from(rest.join('+'), 'base64');
  assert.equal(key[0], 1);
  assert.equal(sha256(name, '\n', key).subarray(0, 4).toString('hex'), id);
  const at = note.lastIndexOf('\n\n');
  const text = note.slice(0, at + 1);
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.subarray(1)]);
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const signed = note
    .slice(at + 2)
    .split('\n')
    .filter((l) => l.startsWith(`\u2014 ${name} `))
    .map((l) => Buffer.from(l.split(' ')[2], 'base64'))
    .filter((b) => b.subarray(0, 4).toString('hex') === id);
  assert.ok(signed.length > 0, 'not signed by this key');
  for (const b of signed) assert.ok(verifySignature(null, Buffer.from(text), publicKey, b.subarray(4)), 'bad signature');
  const [origin, size, root] = text.split('\n');
  assert.equal(origin, name);
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') };
}

// Checks a .tlog-proof of a record.
export function checkProof(text, record, vkey) {
  const [head, ...behind] = text.split('\n\n');
  const [title, index, ...hashes] = head.split('\n');
  assert.equal(title, 'c2sp.org/tlog-proof@v1');
  const i = Number(/^index (0|[1-9]\d*)$/.exec(index)[1]);
  const checkpoint = openCheckpoint(behind.join('\n\n'), vkey);
  const path = hashes.map((h) => Buffer.from(h, 'base64'));
  assert.ok(includes(i, checkpoint.size, leafHash(record), path, checkpoint.root), `record ${i} is not in the log`);
  return { index: i, ...checkpoint };
}

// Checks the files of a bundle; returns what it proves.
export function checkBundle(files, vkey) {
  const checkpoint = openCheckpoint(files.checkpoint.toString('utf8'), vkey);
  const [title, range, ...hashes] = files.proof.toString('utf8').trimEnd().split('\n');
  assert.equal(title, 'stele/range-proof@v1');
  const [first, next] = range.split(' ').slice(1).map(Number);
  const path = hashes.map((h) => Buffer.from(h, 'base64'));
  const text = files['events.ndjson'];
  const runs = files['leaves.bin'];
  const leaves = [];
  let [line, shown, withheld] = [0, 0, 0];
  for (let at = 0; at < runs.length; ) {
    const [n, m] = [Number(runs.readBigUInt64LE(at)), Number(runs.readBigUInt64LE(at + 8))];
    at += 16;
    for (let i = 0; i < n; i++) {
      const end = text.indexOf(10, line);
      assert.ok(end >= 0);
      leaves.push(leafHash(text.subarray(line, end)));
      line = end + 1;
    }
    for (let i = 0; i < m; i++, at += 32) leaves.push(runs.subarray(at, at + 32));
    shown += n;
    withheld += m;
  }
  assert.equal(line, text.length);
  assert.equal(leaves.length, next - first);
  // A stack of full subtrees [hash, level], left to right.
  const stack = [];
  const push = (hash, level) => {
    while (stack.length > 0 && stack.at(-1)[1] === level) {
      hash = nodeHash(stack.pop()[0], hash);
      level++;
    }
    stack.push([hash, level]);
  };
  for (let k = 52; k >= 0; k--) if (Math.floor(first / 2 ** k) % 2) stack.push([path.shift(), k]);
  for (const leaf of leaves) push(leaf, 0);
  for (let at = next; at < checkpoint.size; ) {
    let k = 0;
    while (at % 2 ** (k + 1) === 0 && at + 2 ** (k + 1) <= checkpoint.size) k++;
    push(path.shift(), k);
    at += 2 ** k;
  }
  assert.equal(path.length, 0);
  let root = stack.length > 0 ? stack.pop()[0] : sha256();
  while (stack.length > 0) root = nodeHash(stack.pop()[0], root);
  assert.ok(root.equals(checkpoint.root), 'the root is another');
  return { first, next, shown, withheld, ...checkpoint };
}
