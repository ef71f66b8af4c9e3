import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inFull, isFull } from '../needs.ts';
import { builtExecutable } from '../package/executable.ts';
import { runProgram, startMachine } from './machine.ts';
import type { Machine } from './machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-cloud-init-'));
const config = '# the team\'s file: {{ v1.region }}\nprofiles:\n  kubernetes: { version: "1.35" }\n';

/** Only the modules that write files and run commands, each in Debian's order: the others take an emulated CPU a minute. */
const quicker = `datasource_list: [NoCloud, None]
cloud_init_modules: [write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-vendor, scripts-per-once, scripts-per-boot,
  scripts-per-instance, scripts-user, final-message, power-state-change]
`;

/** Serves what is on the seed disk: the guest has no other network. */
const server = `[Unit]
Before=cloud-final.service
[Service]
ExecStartPre=mount -o ro /dev/disk/by-label/cidata /mnt
ExecStart=python3 -m http.server -b 127.0.0.1 -d /mnt 8000
[Install]
WantedBy=multi-user.target
`;

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** user-data as the executable itself prints it. */
const userData = async (executable: string, ...words: readonly string[]): Promise<string> => {
  const argv = ['render', 'cloud-init', '--config', file('node-prep.yaml', config), ...words];
  const { status, stdout, stderr } = await runProgram(executable, argv);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return file('user-data', stdout);
};

/** A NoCloud disk for that instance, which holds the executable as well. */
const seedDisk = async (executable: string, instance: string, ...words: readonly string[]): Promise<string> => {
  const parts = [await userData(executable, ...words), file('meta-data', `instance-id: ${instance}\n`), executable];
  const disk = join(folder, `${instance}.img`);
  expect(await runProgram('genisoimage', ['-quiet', '-r', '-J', '-V', 'cidata', '-o', disk, ...parts])).toMatchObject({
    status: 0,
  });
  return disk;
};

describe('a Debian 12 machine that cloud-init sets up from a NoCloud disk', () => {
  let machine: Machine;
  let executable: string;

  beforeAll(async () => {
    executable = await builtExecutable();
    machine = await startMachine('bookworm', `cloudinit-${process.env['NODE_PREP_VM_RUN'] ?? process.pid}`);
    // Debian's package and what it needs, installed when the image was made.
    await machine.sh('tar -xpf /srv/layer.tar -C /');
    await machine.copy(file('99-quicker.cfg', quicker), '/etc/cloud/cloud.cfg.d/');
    await machine.copy(file('seed-server.service', server), '/etc/systemd/system/');
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await machine?.stop();
  });

  const state = async (): Promise<string> =>
    (await machine.exec(['cloud-init', 'status', '--long'])).stdout +
    (await machine.exec(['systemctl', 'is-failed', 'cloud-final'])).stdout;

  test.skipIf(!isFull)(inFull('a host that must be refused fails its boot visibly, and is left as it was'), async () => {
    await machine.sh("printf '# site\\nnet.ipv4.ip_forward=0\\n' > /etc/sysctl.d/zz-site.conf");
    const name = basename(executable).replace('x64', '{arch}');
    await machine.reboot({ disk: await seedDisk(executable, 'refused', '--label', 'cidata', '--path', name) });
    expect(await state()).toMatch(/^status: error\n[\s\S]*scripts-user[\s\S]*\nfailed\n$/);
    const blocked = /node-prep: BLOCKED: sysctl\/net\.ipv4\.ip_forward\. What to do is in \/var\/log\/node-prep\.log/;
    const console = await machine.console();
    expect(console).toMatch(new RegExp(`^${blocked.source}`, 'm'));
    expect(console).toMatch(/Take that line out of \/etc\/sysctl\.d\/zz-site\.conf/);
    const log = await machine.sh('cat /var/log/node-prep.log');
    expect(log).toMatch(/\/etc\/sysctl\.d\/zz-site\.conf:2/);
    expect(log).toMatch(blocked);
    expect(await machine.sh('cat /var/log/cloud-init-output.log')).toContain(log.trim().split('\n').at(-1));
    expect(await machine.sh('ls /etc/sysctl.d /etc/modules-load.d; cat /proc/modules')).not.toMatch(/node-prep|br_netfilter/);
    expect((await machine.exec(['dpkg', '-s', 'socat'])).status).not.toBe(0);
    expect(await machine.sh('cat /etc/node-prep.yaml')).toBe(config);
  });

  test('a new instance fetches the executable, and is ready when its first boot ends', async () => {
    await machine.sh(
      'rm -rf /etc/sysctl.d/zz-site.conf /etc/node-prep.yaml /usr/local/bin/node-prep /var/lib/node-prep; cloud-init clean --logs; systemctl -q enable seed-server',
    );
    const sum = createHash('sha256').update(readFileSync(executable)).digest('hex');
    const url = `http://127.0.0.1:8000/${basename(executable).replace('x64', '{arch}')}`;
    await machine.reboot({ disk: await seedDisk(executable, 'ready', '--url', url, '--sha256', `x64=${sum}`) });
    expect(await state()).toMatch(/^status: done\n[\s\S]*\nactive\n$/);
    expect(await machine.sh('cat /var/log/node-prep.log')).toMatch(/^local: converged: /m);
    expect(await machine.exec(['node-prep', 'verify'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('converged'),
    });
    expect(await machine.console()).toMatch(/local: converged: /);
  });

  test("Debian's cloud-init finds nothing wrong with the user-data", async () => {
    const checked = await machine.exec(['cloud-init', 'schema', '--config-file', '/var/lib/cloud/instance/user-data.txt']);
    expect(checked).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Valid cloud-config/) });
    expect(checked.stdout + checked.stderr).not.toMatch(/deprecat/i);
  });

  test.skipIf(!isFull)(inFull('the next boot finds it ready, and does nothing again'), async () => {
    const log = await machine.sh('cat /var/log/node-prep.log');
    await machine.reboot();
    expect(await state()).toMatch(/^status: done\n/);
    expect(await machine.exec(['node-prep', 'verify'])).toMatchObject({ status: 0 });
    expect(await machine.sh('cat /var/log/node-prep.log')).toBe(log);
    expect(await machine.sh('systemctl --failed --no-legend --plain')).toBe('');
  });

  test('what is not the file that was promised is never run', async () => {
    const url = 'http://127.0.0.1:8000/meta-data';
    await machine.copy(await userData(executable, '--url', url, '--sha256', '0'.repeat(64)), '/root/');
    const run = `python3 -c 'import yaml; print(yaml.safe_load(open("/root/user-data"))["write_files"][1]["content"])' > /root/first-boot.sh
      before=$(sha256sum /usr/local/bin/node-prep)
      sh /root/first-boot.sh; echo $?; [ "$before" = "$(sha256sum /usr/local/bin/node-prep)" ] && ls -A /usr/local/bin`;
    expect(await machine.sh(`set +e; ${run}`)).toMatch(
      /FAILED: The checksum of http:\/\/127\.0\.0\.1:8000\/meta-data is [0-9a-f]{64}, not 0{64}\. node-prep was not run\..*\n1\nnode-prep\n$/,
    );
  });
});
