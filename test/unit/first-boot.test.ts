import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstBootScript } from '../../templates/cloud-init-script.ts';
import type { Piece, Source } from '../../templates/cloud-init-script.ts';

// The script is run as it is, but for where it writes.

const folder = mkdtempSync(join(tmpdir(), 'node-prep-first-boot-'));
const shells = ['dash', 'bash', 'busybox'].filter((shell) => existsSync(`/bin/${shell}`));
const tools = 'sh sha256sum wc chmod mv rm rmdir tee sed tail date uname mktemp cp cat gzip'.split(' ');
/** The system's own, since others in a PATH may be scripts that want more than they get here. */
const programAt = (name: string): string | undefined =>
  ['/usr/bin', '/bin'].map((d) => join(d, name)).find((at) => existsSync(at));
const sumOf = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** Something that says how it was called and ends as it is told to, in place of node-prep. */
const standIn = (code: number, says = ''): string =>
  `#!/bin/sh\n[ "$1" != --version ] || exit 0\necho "called: $*"\n${says}\nexit ${code}\n`;
const good = standIn(0, 'echo "local: converged: 50 ok"');
const blocked = standIn(3, 'echo "local: blocked: 2 blocked: a/b, c/d; 1 to change: e/f"');

type Run = {
  readonly code: number | null;
  readonly out: string;
  readonly log: string;
  readonly console: string;
  readonly bin: readonly string[];
};
let number = 0;

/** Runs the script in a machine of its own: these programs, this file in its PATH as node-prep. */
const boot = async (
  source: Source,
  more: {
    readonly shell?: string;
    readonly programs?: Readonly<Record<string, string>>;
    readonly fetchers?: readonly string[];
  } = {},
): Promise<Run> => {
  const place = join(folder, String((number += 1)));
  mkdirSync(join(place, 'bin'), { recursive: true });
  mkdirSync(join(place, 'local'));
  for (const tool of [...tools, ...(more.fetchers ?? ['curl'])]) {
    const at = programAt(tool);
    if (at !== undefined) symlinkSync(at, join(place, 'bin', tool));
  }
  for (const [name, text] of Object.entries({ sleep: '#!/bin/sh\n', ...more.programs })) {
    writeFileSync(join(place, 'bin', name), text);
    chmodSync(join(place, 'bin', name), 0o755);
  }
  const script = join(place, 'first-boot.sh');
  const moved = firstBootScript(source, 'apply --yes')
    .replace(/PATH=\S+/, `PATH=${place}/local:${place}/bin`)
    .replaceAll('/usr/local/bin/', `${place}/local/`)
    .replace('/var/log/', `${place}/`)
    .replace('/dev/console', `${place}/console`);
  writeFileSync(script, moved);
  const argv = more.shell === 'busybox' ? ['busybox', 'sh', script] : [more.shell ?? 'sh', script];
  // Not a blocking call: the server is in this process.
  const child = spawn(argv[0] ?? 'sh', argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const read = (name: string): string => (existsSync(join(place, name)) ? readFileSync(join(place, name), 'utf8') : '');
  return { code, out, log: read('node-prep.log'), console: read('console'), bin: readdirSync(join(place, 'local')) };
};

let server: Server;
let base = '';
let asked: string[] = [];
const served: { [path: string]: string | Buffer } = {
  '/good': good,
  '/good.gz': gzipSync(good),
  '/blocked': blocked,
  '/not-packed.gz': good,
  '/no-program': '\x7fELF of another world',
};
beforeAll(async () => {
  server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*/, '');
    asked.push(request.url ?? '');
    if (path === '/late' && asked.length < 3) return void response.writeHead(503).end();
    if (path === '/cut' && asked.length < 2) {
      response.writeHead(200, { 'content-length': good.length });
      response.write(good.slice(0, 20), () => response.destroy());
      return undefined;
    }
    const content = served[path === '/late' || path === '/cut' ? '/good' : path];
    return void response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const from = (path: string, sum = sumOf(served[path] ?? good)): Source => {
  asked = [];
  return { from: 'url', gzip: path.endsWith('.gz'), pieces: [{ machine: '*', at: `'${base}${path}?token=secret'`, sum }] };
};

describe('the first boot fetches node-prep', () => {
  test.each(shells)('and runs it, in %s; all it says is in the log as well', async (shell) => {
    const run = await boot(from('/good'), { shell });
    expect(run).toMatchObject({ code: 0, bin: ['node-prep'], console: '' });
    expect(run.out).toContain('called: apply --yes\nlocal: converged: 50 ok\n');
    expect(run.log).toBe(run.out);
  });

  const fetchers = ['curl', 'wget', 'python3'].filter((f) => programAt(f) !== undefined);
  test.each(fetchers)('with %s, and again after an error or an answer that was cut off', async (fetcher) => {
    expect(await boot(from('/good'), { fetchers: [fetcher] })).toMatchObject({ code: 0 });
    expect(await boot(from('/late'), { fetchers: [fetcher] })).toMatchObject({
      code: 0,
      out: expect.stringContaining('trying again in 4'),
    });
    expect(await boot(from('/cut'), { fetchers: [fetcher] })).toMatchObject({
      code: 0,
      out: expect.stringContaining('trying again in 2'),
    });
  });

  test.each(fetchers)('with %s, and gives up in the end', async (fetcher) => {
    const run = await boot(from('/none'), { fetchers: [fetcher] });
    expect(run).toMatchObject({ code: 1, bin: [] });
    expect(asked).toHaveLength(8);
    expect(run.console).toMatch(
      /^node-prep: FAILED: http:\S+\/none cannot be fetched\. node-prep was not run\. What to do is in /,
    );
  });

  test('says nothing of what a URL may hold secret', async () => {
    const run = await boot(from('/none'));
    expect(run.out + run.console).not.toContain('secret');
  });

  test('packed', async () => {
    expect(await boot(from('/good.gz'))).toMatchObject({ code: 0, bin: ['node-prep'] });
    expect(await boot(from('/not-packed.gz'))).toMatchObject({
      code: 1,
      bin: [],
      console: expect.stringContaining('cannot be unpacked'),
    });
  });

  test('and runs nothing whose checksum is another', async () => {
    const run = await boot(from('/good', '0'.repeat(64)));
    expect(run).toMatchObject({ code: 1, bin: [] });
    expect(run.out).not.toContain('called:');
    expect(run.console).toMatch(
      /^node-prep: FAILED: The checksum of http:\S+\/good is [0-9a-f]{64}, not 0{64}\. node-prep was not run/,
    );
  });

  test('and says so where it does not run here', async () => {
    const run = await boot(from('/no-program'));
    expect(run).toMatchObject({ code: 1, console: expect.stringMatching(/FAILED: \S+ does not run on this host \(\w+\)/) });
  });

  test('that is made for this processor, or none', async () => {
    const machine = spawnSync('uname', ['-m'], { encoding: 'utf8' }).stdout.trim();
    const piece = (m: string): Piece => ({ machine: m, at: `${base}/good`, sum: sumOf(good) });
    const pick = (...machines: string[]): Source => ({ from: 'url', gzip: false, pieces: machines.map(piece) });
    expect(await boot(pick('vax', machine))).toMatchObject({ code: 0 });
    expect(await boot(pick('vax'))).toMatchObject({
      code: 1,
      console: expect.stringContaining('no executable for this processor'),
    });
  });
});

describe('the first boot ends as node-prep does', () => {
  test('blocked, with one line on the console that says by what', async () => {
    const run = await boot(from('/blocked'));
    expect(run.code).toBe(3);
    expect(run.console).toMatch(
      /^node-prep: BLOCKED: a\/b, c\/d\. What to do is in \S+\/node-prep\.log; then run again: sh \S+\n$/,
    );
    expect(run.log).toBe(run.out);
  });

  test('failed, with what node-prep said last', async () => {
    const run = await boot(
      { from: 'path' },
      { programs: { 'node-prep': standIn(1, 'echo "node-prep: a step failed." >&2; echo "  hint"') } },
    );
    expect(run).toMatchObject({ code: 1, console: expect.stringMatching(/^node-prep: FAILED: a step failed\. What/) });
  });

  test('killed', async () => {
    const run = await boot({ from: 'path' }, { programs: { 'node-prep': standIn(0, 'kill -9 $$') } });
    expect(run).toMatchObject({ code: 137, console: expect.stringContaining('FAILED') });
  });
});

describe('the first boot finds node-prep', () => {
  test('in the PATH of the image', async () => {
    expect(await boot({ from: 'path' }, { programs: { 'node-prep': good } })).toMatchObject({ code: 0, bin: [] });
    expect(await boot({ from: 'path' })).toMatchObject({ code: 1, console: expect.stringContaining('no node-prep in the PATH') });
  });

  test('in the image, with the checksum that it should have', async () => {
    const at = join(folder, 'node-prep');
    writeFileSync(at, good);
    chmodSync(at, 0o755);
    const image = (piece: Partial<Piece>): Source => ({ from: 'image', pieces: [{ machine: '*', at, ...piece }] });
    expect(await boot(image({}))).toMatchObject({ code: 0, bin: [] });
    expect(await boot(image({ sum: sumOf(good) }))).toMatchObject({ code: 0 });
    expect(await boot(image({ sum: sumOf('') }))).toMatchObject({ code: 1, console: expect.stringContaining('The checksum of') });
    expect(existsSync(at)).toBe(true);
    expect(await boot(image({ at: `${at}.none` }))).toMatchObject({
      code: 1,
      console: expect.stringContaining('There is no file'),
    });
  });

  test('on a disk that is attached, whichever case its label is in', async () => {
    const media = join(folder, 'media');
    mkdirSync(media, { recursive: true });
    writeFileSync(join(media, 'np'), good);
    const programs = {
      findfs: `#!/bin/sh\n[ "$1" = LABEL=CIDATA ] && echo ${media}\n`,
      mount: '#!/bin/sh\n[ "$1 $2" = "-o ro" ] && cp "$3"/* "$4"/\n',
      umount: '#!/bin/sh\nrm -f "$1"/*\n',
    };
    const disk = (label: string, at = 'np'): Source => ({ from: 'disk', gzip: false, label, pieces: [{ machine: '*', at }] });
    expect(await boot(disk('cidata'), { programs })).toMatchObject({ code: 0, bin: ['node-prep'] });
    expect(await boot(disk('other'), { programs })).toMatchObject({
      code: 1,
      console: expect.stringContaining('no disk with the label other'),
    });
    expect(await boot(disk('cidata', 'none'), { programs })).toMatchObject({
      code: 1,
      bin: [],
      console: expect.stringContaining('cannot be copied'),
    });
  });
});
