import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { heredoc, hclHeredoc, hclString } from '../../src/knowledge/hcl.ts';
import { has, isFull, withReason } from '../needs.ts';
import { builtExecutable } from '../package/executable.ts';
import { runProgram } from './machine.ts';
import type { Machine, Result } from './machine.ts';
import { command, prepare } from './prepared.ts';

const work = mkdtempSync(join(tmpdir(), 'packer-'));
const config = join(work, 'node-prep.yaml');

/** Text that HCL, Go's templates or a shell could take for theirs. */
const hostile = [
  ...[
    '${x}',
    '$${x}',
    '$$${x}',
    '%{if}',
    '%%{if}',
    '%$%{x}',
    '{{ env `HOME` }}',
    '{{{',
    '"',
    "'",
    '\\n',
    '\\',
    '`id`',
    '$(id)',
    '#',
  ],
  ...['CONFIG', ' CONFIG', 'CONFIG_', '<<CONFIG', '\ttab', 'é', '~}'],
];
const yaml = `# ${hostile.join(' ')}
profiles:
  kubernetes:
waive:
  - id: module/xt_u32
    reason: |
${hostile.map((line) => `      ${line}\n`).join('')}`;

const packer = (...argv: readonly string[]): Promise<Result> =>
  runProgram('env', ['CHECKPOINT_DISABLE=1', `PACKER_CONFIG_DIR=${work}`, 'packer', ...argv]);

const render = async (file: string, ...words: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await runProgram(await builtExecutable(), ['render', 'packer', ...words]);
  if (status !== 0) throw new Error(stderr);
  writeFileSync(file, stdout);
  return stdout;
};

afterAll(() => rmSync(work, { recursive: true }));

test.skipIf(!has('packer'))(withReason('Packer reads every text back as it was', 'packer'), async () => {
  const out = join(work, 'out');
  const file = join(work, 'texts.pkr.hcl');
  writeFileSync(
    file,
    `locals {
  texts = [
${hostile.map((text) => `    ${hclString(text)},`).join('\n')}
  ]
  lines = ${hclHeredoc(yaml, 'CONFIG')}
  same  = ${heredoc('${base64encode(local.lines)}', 'SAME')}
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["source.null.none"]
  provisioner "shell-local" {
    inline = ["echo '\${base64encode(jsonencode(local.texts))} \${local.same}' > ${out}"]
  }
}
`,
  );
  const built = await packer('build', '-color=false', file);
  expect(built, built.stdout).toMatchObject({ status: 0 });
  const [texts = '', lines = ''] = readFileSync(out, 'utf8')
    .split(/\s+/)
    .map((word) => Buffer.from(word, 'base64').toString());
  expect(JSON.parse(texts)).toEqual(hostile);
  expect(lines).toBe(yaml);
});

test
  .skipIf(!has('packer'))
  .each([
    { words: [] },
    { words: ['--install'] },
    { words: ['--source', 'null.vm'] },
    { words: ['--allow-reboot-changes', '--waive', `module/x=${hostile.join('\n')}`] },
  ])(withReason('what is printed is valid and formatted: $words', 'packer'), async ({ words }) => {
  const folder = mkdtempSync(join(work, 'rendered-'));
  writeFileSync(config, yaml);
  writeFileSync(join(folder, 'executable'), '');
  await render(join(folder, 'node-prep.pkr.hcl'), ...words, '-c', config, '--binary', join(folder, 'executable'));
  if (words[0] === '--source') {
    writeFileSync(join(folder, 'source.pkr.hcl'), 'source "null" "vm" {\n  communicator = "none"\n}\n');
  }
  expect(await packer('validate', folder)).toMatchObject({ status: 0, stderr: '' });
  expect(await packer('fmt', '-check', '-diff', folder)).toMatchObject({ status: 0, stdout: '' });
});

describe.skipIf(!has('packer'))(withReason('a Debian 12 machine that Packer reaches by SSH', 'packer'), () => {
  let machine: Machine;
  let binary: string;
  beforeAll(async () => {
    ({ machine } = await prepare('bookworm', 'packer'));
    // What packer brings over is the executable, or a call of one that is there: a hundred megabytes by SSH take an emulated machine long.
    binary = isFull ? await builtExecutable() : join(work, 'node-prep');
    if (!isFull) writeFileSync(binary, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    await machine.sh(`apt-get -q -y install --no-install-recommends sudo >/dev/null 2>&1
useradd -m -s /bin/bash -p '*' builder; echo 'builder ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/builder
cp -r /root/.ssh /home/builder/; chown -R builder: /home/builder/.ssh`);
  });
  afterAll(async () => machine?.stop());

  const build = async (user: string, ...words: readonly string[]): Promise<Result> => {
    const folder = mkdtempSync(join(work, 'build-'));
    await render(join(folder, 'node-prep.pkr.hcl'), '--source', 'null.vm', '--binary', binary, ...words);
    writeFileSync(join(folder, 'source.pkr.hcl'), await sourceOf(machine, user));
    return packer('build', '-color=false', folder);
  };

  test('is not prepared while something is blocked: the build fails, says what, and leaves nothing behind', async () => {
    await machine.sh("echo 'install br_netfilter /bin/false' >/etc/modprobe.d/site.conf");
    const built = await build('root');
    expect(built.status).toBe(1);
    expect(built.stdout).toMatch(/blocked .*br_netfilter[\s\S]*\/etc\/modprobe\.d\/site\.conf:1/);
    expect(built.stdout).toContain('nothing was touched');
    expect(built.stdout).toContain('exit status: 3');
    await machine.sh('rm /etc/modprobe.d/site.conf');
    expect(await machine.sh('ls -A /tmp /usr/local/bin /etc/modules-load.d /root | grep node-prep || :')).toBe('');
  });

  test('is converged after a build as a user with sudo, and keeps what is to be installed', async () => {
    writeFileSync(config, yaml);
    const built = await build('builder', '--install', '-c', config, '--waive', `package/socat=${hostile.join(' ')}`);
    expect(built, built.stdout + built.stderr).toMatchObject({ status: 0 });
    expect(built.stdout).toContain('local: converged');
    expect(parse(await machine.sh('cat /etc/node-prep.yaml'))).toEqual({
      ...(parse(yaml) as object),
      waive: [...(parse(yaml) as { waive: unknown[] }).waive, { id: 'package/socat', reason: hostile.join(' ') }],
    });
    expect((await machine.exec(['dpkg', '-s', 'socat'])).status).not.toBe(0);
    // Without a flag: what stays in the image knows what was wanted.
    expect(await machine.exec(['node-prep', 'verify'])).toMatchObject({ status: 0 });
    expect(await machine.sh('ls -A /tmp | grep node-prep || :')).toBe('');
  });
});

const sourceOf = async ({ name }: Machine, user: string): Promise<string> => {
  const machines = join(
    process.env['NODE_PREP_VM_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'node-prep-vm'),
    'machines',
  );
  return `source "null" "vm" {
  ssh_host             = "127.0.0.1"
  ssh_port             = ${readFileSync(join(machines, name, 'port'), 'utf8').trim()}
  ssh_username         = "${user}"
  ssh_private_key_file = ${hclString(join(machines, name, 'image/id'))}
}
`;
};
