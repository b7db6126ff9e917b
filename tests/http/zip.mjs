// Reads what exports archive.
import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';

// The files of an archive by its directory; Zip64 where the header says so.
export function readZip(bytes) {
  const files = {};
  let at = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const count = bytes.readUInt16LE(at + 10);
  at = bytes.readUInt32LE(at + 16);
  for (let i = 0; i < count; i++) {
    assert.equal(bytes.readUInt32LE(at), 0x02014b50);
    let [packed, size] = [bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 24)];
    const [nameLen, extraLen, noteLen] = [28, 30, 32].map((k) => bytes.readUInt16LE(at + k));
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLen);
    const local = bytes.readUInt32LE(at + 42);
    const extra = bytes.subarray(at + 46 + nameLen, at + 46 + nameLen + extraLen);
    for (let k = 0; k < extra.length; k += 4 + extra.readUInt16LE(k + 2)) {
      if (extra.readUInt16LE(k) !== 1) continue;
      let field = k + 4;
      if (size === 0xffffffff) (size = Number(extra.readBigUInt64LE(field))), (field += 8);
      if (packed === 0xffffffff) packed = Number(extra.readBigUInt64LE(field));
    }
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    files[name] = inflateRawSync(bytes.subarray(start, start + packed));
    assert.equal(files[name].length, size);
    at += 46 + nameLen + extraLen + noteLen;
  }
  return files;
}
