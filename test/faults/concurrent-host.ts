/**
 * Starts many applies of the built program at once on a host in namespaces. A sysctl of its own in front of the real one notices where
 * two of them do a step at the same time.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isApart, layHost, question, standing, touched } from './namespace.ts';

export type Asked = { readonly count: number; readonly options: readonly string[] };

/** `overlaps`: how often two were at work; `steps`: how often the instrumented step was done. `left`: temporary files. */
export type Answer = {
  readonly ends: readonly { readonly status: number | null; readonly text: string; readonly pid: number }[];
  readonly steps: number;
  readonly overlaps: number;
  readonly left: readonly string[];
  readonly file: string;
  readonly key: string;
};

const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');

/** mkdir(2) makes a folder or fails: whoever fails came while another one was at work. */
const instrumented = `#!/bin/sh
mkdir /mnt/working || echo >> /mnt/overlaps
echo >> /mnt/steps
sleep 0.5
PATH=$REAL_PATH sysctl "$@"
status=$?
rmdir /mnt/working
exit $status
`;

const start = ({ options }: Asked): Promise<Answer['ends'][number]> =>
  new Promise((done) => {
    const real = process.env['PATH'] ?? '';
    const child = spawn(process.execPath, [bundle, 'apply', '--yes', '-q', '-c', '/mnt/config.yaml', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `/mnt/bin:${real}`, REAL_PATH: `${real}:/usr/sbin:/sbin`, LC_ALL: 'C' },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (text += part.toString()));
    child.once('close', (status) => done({ status, text, pid: child.pid ?? 0 }));
  });

const lines = (path: string): number => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);

const main = async (asked: Asked): Promise<Answer> => {
  layHost([]);
  writeFileSync('/mnt/config.yaml', 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1 }\n');
  mkdirSync('/mnt/bin');
  writeFileSync('/mnt/bin/sysctl', instrumented);
  chmodSync('/mnt/bin/sysctl', 0o755);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '0');
  const ends = await Promise.all(Array.from({ length: asked.count }, () => start(asked)));
  return {
    ends,
    steps: lines('/mnt/steps'),
    overlaps: lines('/mnt/overlaps'),
    left: touched().filter((path) => path.endsWith('.tmp')),
    file: standing('/etc/sysctl.d/node-prep.conf'),
    key: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(),
  };
};

if (isApart(import.meta.filename)) process.stdout.write(JSON.stringify(await main(question<Asked>())));
