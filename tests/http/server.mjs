// Starts the built program on a free port and talks to it. STELE_BIN names the program; build/stele unless it is set.
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const STELE = process.env.STELE_BIN ?? resolve(here, '../../build/stele');

export function makeFolder() {
  return mkdtempSync(join(tmpdir(), 'stele-http-'));
}

export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Waits for a promise, at most so long; no timer stays behind.
export async function within(ms, promise) {
  let timer;
  await Promise.race([promise, new Promise((done) => (timer = setTimeout(done, ms)))]);
  clearTimeout(timer);
}

// A running server. stop() ends it cleanly, kill() does not; start() begins again on the same folder. `ca`: it speaks TLS,
// and this vouches for it.
export class Server {
  constructor(folder = makeFolder(), args = [], ca = undefined) {
    this.folder = folder;
    this.args = args;
    this.ca = ca;
    this.agent = this.makeAgent();
  }

  makeAgent() {
    const options = { keepAlive: true, maxSockets: 256, ca: this.ca };
    return this.ca ? new https.Agent(options) : new http.Agent(options);
  }

  async start() {
    const child = spawn(STELE, ['serve', '--data', this.folder, '--listen', '127.0.0.1:0', ...this.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.log = '';
    child.stderr.on('data', (d) => (this.log += d));
    this.exited = new Promise((done) => child.on('exit', (code, signal) => done({ code, signal })));
    this.url = await new Promise((done, fail) => {
      let out = '';
      child.stdout.on('data', (d) => {
        out += d;
        const found = /listens on (https?:\/\/\S+?),/.exec(out);
        if (found) done(found[1]);
      });
      child.on('error', fail);
      child.on('exit', (code) => fail(new Error(`the server ended with ${code}: ${this.log}`)));
    });
    this.port = Number(new URL(this.url).port);
    this.bootstrap = JSON.parse(readFileSync(join(this.folder, 'bootstrap.json'), 'utf8'));
    this.key = this.bootstrap.api_key;
    return this;
  }

  // Sends SIGTERM (or another signal) and waits for the end.
  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    const end = await this.exited;
    if (signal === 'SIGTERM' && (end.code !== 0 || /Sanitizer|runtime error/.test(this.log)))
      throw new Error(`the server ended with ${end.code ?? end.signal}: ${this.log}`);
    this.agent.destroy();
    this.agent = this.makeAgent();
    return end;
  }

  async kill() {
    return this.stop('SIGKILL');
  }

  async close() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.stop();
    this.agent.destroy();
    removeFolder(this.folder);
  }

  // One request; `body` is a string, a Buffer, or an object that becomes JSON. key: null sends none.
  request(method, path, { body, headers = {}, key = this.key, agent = this.agent } = {}) {
    const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return new Promise((done, fail) => {
      const req = (this.ca ? https : http).request(
        {
          host: '127.0.0.1',
          port: this.port,
          method,
          path,
          agent,
          headers: {
            ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
            ...(bytes === undefined ? {} : { 'Content-Length': Buffer.byteLength(bytes) }),
            ...headers,
          },
        },
        (res) => {
          const parts = [];
          res.on('data', (d) => parts.push(d));
          res.on('error', fail);
          res.on('end', () => {
            const bytes = Buffer.concat(parts);
            const text = bytes.toString('utf8');
            let json;
            try {
              json = JSON.parse(text);
            } catch {
              json = undefined;
            }
            done({ status: res.statusCode, headers: res.headers, text, json, bytes });
          });
        },
      );
      req.on('error', fail);
      req.end(bytes);
    });
  }

  get(path, options) {
    return this.request('GET', path, options);
  }

  append(body, query = '', options = {}) {
    return this.request('POST', `/v1/events${query}`, { ...options, body });
  }

  search(params = {}, options) {
    return this.get(`/v1/events?${new URLSearchParams(params)}`, options);
  }

  // All events, oldest first.
  async all(params = {}) {
    const events = [];
    let cursor;
    do {
      const page = await this.search({ order: 'oldest', limit: 10000, ...params, ...(cursor ? { cursor } : {}) });
      if (page.status !== 200) throw new Error(`${page.status}: ${page.text}`);
      events.push(...page.json.events);
      cursor = page.json.next_cursor;
    } while (cursor);
    return events;
  }
}

export async function startServer(args) {
  return new Server(makeFolder(), args).start();
}

// Runs a command of the program; resolves with its exit code and what it printed.
export function stele(args, { input, env = {} } = {}) {
  return new Promise((done) => {
    const child = execFile(
      STELE,
      args,
      { env: { ...process.env, ...env }, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => done({ code: error ? (error.code ?? -1) : 0, stdout, stderr }),
    );
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

// A zstd frame of uncompressed or repeated blocks (RFC 8878): node 20 has no zstd of its own.
function zstdFrame(size, blocks) {
  const header = Buffer.alloc(9);
  header.writeUInt32LE(0xfd2fb528, 0);
  header[4] = 0xa0; // single segment, content size in four bytes
  header.writeUInt32LE(size, 5);
  return Buffer.concat([header, ...blocks]);
}

function zstdBlock(isLast, type, size, content) {
  const header = Buffer.alloc(3);
  header.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return Buffer.concat([header, content]);
}

export function zstd(text) {
  const bytes = Buffer.from(text);
  const blocks = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 131072) {
    const piece = bytes.subarray(at, at + 131072);
    blocks.push(zstdBlock(at + 131072 >= bytes.length, 0, piece.length, piece));
  }
  return zstdFrame(bytes.length, blocks);
}

// `mib` MiB of blanks in some kilobytes.
export function zstdBomb(mib) {
  const blocks = [];
  for (let i = 0; i < mib * 8; i++) blocks.push(zstdBlock(i === mib * 8 - 1, 1, 131072, Buffer.from(' ')));
  const header = Buffer.alloc(6);
  header.writeUInt32LE(0xfd2fb528, 0);
  header[4] = 0x00; // window of 1 MiB, no content size
  header[5] = 10 << 3;
  return Buffer.concat([header, ...blocks]);
}
