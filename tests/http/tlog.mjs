// A verifier of transparency logs that knows nothing of this project: C2SP signed-note, tlog-checkpoint and tlog-tiles,
// by node's Ed25519 and SHA-256. Everything throws unless it holds.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';

const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest();
export const leafHash = (record) => sha256(Buffer.from([0]), record);
export const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

export function parseVkey(line) {
  const [, name, id, key] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)\n?$/.exec(line);
  const typed = Buffer.from(key, 'base64');
  assert.equal(typed[0], 1);
  assert.equal(typed.length, 33);
  assert.equal(sha256(Buffer.from(`${name}\n`), typed).subarray(0, 4).toString('hex'), id);
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)]);
  return { name, id, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

// The checkpoint of a note, once every known key's signature is good and at least one is there.
export function openCheckpoint(note, vkeys) {
  const at = note.lastIndexOf('\n\n');
  assert.ok(at >= 0);
  const text = note.slice(0, at + 1);
  const lines = note.slice(at + 2).split('\n');
  assert.equal(lines.pop(), '');
  const signers = [];
  for (const line of lines) {
    const [, name, base64] = /^\u2014 (\S+) (\S+)$/.exec(line);
    const bytes = Buffer.from(base64, 'base64');
    const vkey = vkeys.find((k) => k.name === name && k.id === bytes.subarray(0, 4).toString('hex'));
    if (!vkey) continue;
    assert.ok(verify(null, Buffer.from(text), vkey.key, bytes.subarray(4)), `signature of ${name}`);
    signers.push(vkey);
  }
  assert.ok(signers.length > 0, 'a known key has signed');
  const [origin, size, root, ...rest] = text.split('\n');
  assert.deepEqual(rest, ['']);
  assert.match(size, /^(0|[1-9][0-9]*)$/);
  assert.ok(signers.every((k) => k.name === origin));
  return { origin, size: Number(size), root: Buffer.from(root, 'base64'), signers };
}

export function tilePath(kind, n, width = 256) {
  let path = String(n % 1000).padStart(3, '0');
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`;
  return `tile/${kind}/${path}${width === 256 ? '' : `.p/${width}`}`;
}

// The root of a tree by its leaves, as RFC 6962 section 2.1 has it.
export function rootOf(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return nodeHash(rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)));
}

// A log below `prefix`; `get(path)` yields { status, headers, bytes }.
export class Log {
  constructor(get, prefix) {
    this.get = get;
    this.prefix = prefix;
    this.full = new Map(); // full tiles never change
  }

  async fetch(path) {
    const answer = await this.get(`${this.prefix}/${path}`);
    assert.equal(answer.status, 200, `${path}: ${answer.bytes}`);
    return answer;
  }

  async trust() {
    this.vkeys = [parseVkey((await this.fetch('vkey')).bytes.toString())];
    return this;
  }

  async checkpoint() {
    return openCheckpoint((await this.fetch('checkpoint')).bytes.toString('utf8'), this.vkeys);
  }

  // The hashes of a tile at this size of the log.
  async tile(level, n, width) {
    const key = `${level}/${n}`;
    if (this.full.has(key)) return this.full.get(key).slice(0, width);
    const { bytes } = await this.fetch(tilePath(level, n, width));
    assert.equal(bytes.length, 32 * width);
    const hashes = [];
    for (let i = 0; i < width; i++) hashes.push(bytes.subarray(32 * i, 32 * i + 32));
    if (width === 256) this.full.set(key, hashes);
    return hashes;
  }

  // Every hash of a level of tiles, each compared with the tile below it.
  async level(level, size) {
    const count = Math.floor(size / 256 ** level);
    const hashes = [];
    for (let n = 0; n * 256 < count; n++) hashes.push(...(await this.tile(level, n, Math.min(256, count - n * 256))));
    return hashes;
  }

  // The root of the first `size` records from tiles alone: what is right of the full tiles of a level comes from the
  // one below.
  async root(size) {
    const leaves = await this.level(0, size);
    for (let level = 1, below = leaves; below.length >= 256; level++) {
      const hashes = await this.level(level, size);
      for (let i = 0; i < hashes.length; i++)
        assert.deepEqual(hashes[i], rootOf(below.slice(256 * i, 256 * i + 256)), `tile ${level}, hash ${i}`);
      below = hashes;
    }
    return rootOf(leaves);
  }

  async entries(size) {
    const records = [];
    for (let n = 0; n * 256 < size; n++) {
      const width = Math.min(256, size - n * 256);
      const { bytes } = await this.fetch(tilePath('entries', n, width));
      let at = 0;
      for (let i = 0; i < width; i++) {
        const len = bytes.readUInt16BE(at);
        records.push(bytes.subarray(at + 2, at + 2 + len));
        at += 2 + len;
      }
      assert.equal(at, bytes.length);
    }
    return records;
  }
}
