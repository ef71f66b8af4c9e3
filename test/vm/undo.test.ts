import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inFull, isFull } from '../needs.ts';
import { prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';

const profiles = ['-p', 'kubernetes', '-p', 'istio', '-p', 'calico'];
const own = '/etc/sysctl.d/node-prep.conf';

/** Swap of two priorities, settings of somebody else that are not in force yet, and a service that Calico cannot be with. */
const furnish = `
for n in 1 2; do dd if=/dev/zero of=/swap$n bs=1M count=32 status=none; chmod 600 /swap$n; mkswap -q /swap$n; done
printf '/swap1 none swap sw,pri=5 0 0\\n/swap2\\tnone\\tswap\\tsw 0 0\\n' >> /etc/fstab
printf 'net.ipv4.ip_forward = 1\\nvm.swappiness = 10\\nnet.ipv4.tcp_rmem = 4096 100000 6000000\\n' > /etc/sysctl.d/k8s.conf
chmod 640 /etc/sysctl.d/k8s.conf
cat > /usr/lib/systemd/system/firewalld.service <<UNIT
[Service]
ExecStart=sleep infinity
[Install]
WantedBy=multi-user.target
Alias=dbus-org.example.Firewall.service
UNIT
systemctl daemon-reload; systemctl -q enable --now firewalld; swapon -a`;

/** What changes by itself. */
const restless =
  'random|file-nr|inode-|dentry-state|ns_last_pid|conntrack_count|nr_|sched_domain|stable_secret|perf_event_max|pty\\.nr';

/** All that undo promises to put back, one thing a line. On a busy machine systemd may be too late with its answer. */
const look = `
ask() { systemctl "$@" || systemctl "$@" || systemctl "$@"; }
units=$(ask list-units --no-legend --plain --all --type=service,swap,socket)
unit_files=$(ask list-unit-files --no-legend)
find /etc ! -type d ! -name ld.so.cache -printf 'file %p %m %U:%G %l\\n' | sort
find /etc -type f ! -name ld.so.cache -exec sha256sum {} + | sed 's/^/content /' | sort -k3
cut -d' ' -f1 /proc/modules | sort | sed 's/^/module /'
tail -n +2 /proc/swaps | awk '{ print "swap", $1, $5 }'
sysctl -a 2>/dev/null | grep -vE '${restless}' | sed 's/^/sysctl /'
echo "$units" | awk '!/user|session/ { print "unit", $1, $2, $3 }'
echo "$unit_files" | awk '{ print "unit-file", $1, $2 }'
dpkg-query -W -f='\${db:Status-Status} package \${Package} \${Version}\\n' | sed -n 's/^installed //p'`;

type Seen = readonly string[];

const differences = (a: Seen, b: Seen): { readonly gone: Seen; readonly came: Seen } => {
  const [before, after] = [new Set(a), new Set(b)];
  return { gone: a.filter((line) => !after.has(line)), came: b.filter((line) => !before.has(line)) };
};

/** Each test builds on the one before. */
describe('undo on a Debian 12 machine', () => {
  let host: Prepared;
  const seen: { [when: string]: Seen } = {};
  const lookNow = async (): Promise<Seen> => (await host.machine.sh(look)).split('\n').filter((line) => line !== '');
  const since = async (when: string) => differences(seen[when] ?? [], await lookNow());

  beforeAll(async () => {
    host = await prepare('bookworm', 'undo');
    await host.machine.sh(furnish);
    seen['before'] = await lookNow();
  });
  afterAll(async () => host?.machine.stop());

  test('there is nothing to undo on a host that was never changed', async () => {
    expect(await host.nodePrep('undo', '--yes')).toMatchObject({ status: 0, stdout: expect.stringContaining('Nothing to undo') });
  });

  test('apply changes all kinds of things', async () => {
    expect(await host.nodePrep('apply', '--yes', '-q', ...profiles)).toMatchObject({ status: 0 });
    seen['applied'] = await lookNow();
    const { gone, came } = differences(seen['before'] ?? [], seen['applied']);
    expect(gone).toEqual(expect.arrayContaining(['swap /swap1 5', 'sysctl vm.swappiness = 60']));
    expect(gone.join('\n')).toMatch(/^unit firewalld\.service loaded active$/m);
    expect(came).toEqual(expect.arrayContaining(['module br_netfilter', `file ${own} 644 0:0 `, 'sysctl vm.swappiness = 10']));
  });

  test('a file that somebody edited stops it: nothing is touched, and what is there is said', async () => {
    await host.machine.sh(`echo '# mine' >> ${own}`);
    const edited = await lookNow();
    const refused = await host.nodePrep('undo', '--yes');
    expect([refused.status, refused.stdout.replace(/\s+/g, ' ')]).toEqual([3, expect.stringContaining('lines 1 added')]);
    expect(refused.stdout).toContain('"# mine"');
    expect(differences(edited, await lookNow())).toEqual({ gone: [], came: [] });
    await host.machine.sh(`sed -i '$d' ${own}`);
  });

  test('without --yes and a terminal it shows what it would do, and does nothing', async () => {
    const shown = await host.nodePrep('undo');
    expect([shown.status, shown.stderr]).toEqual([1, expect.stringContaining('node-prep undo 1 --yes')]);
    expect(shown.stdout).toContain('swapon -p 5 /swap1');
    expect(await since('applied')).toEqual({ gone: [], came: [] });
  });

  test('undo leaves nothing of the apply but packages with their files', async () => {
    const undone = await host.nodePrep('undo', '--yes', '-q');
    expect([undone.status, undone.stdout]).toEqual([
      0,
      expect.stringContaining('local: run 1 is undone; stays: packages conntrack, '),
    ]);
    seen['undone'] = await lookNow();
    const { gone, came } = differences(seen['before'] ?? [], seen['undone']);
    expect(gone).toEqual([]);
    expect(came.filter((line) => !/^(?:file|content|package) /.test(line))).toEqual([]);
    const files = [...new Set(came.flatMap((line) => /^(?:file|content \S+) +(\/\S+)/.exec(line)?.[1] ?? []))];
    const foreign = await host.machine.sh(`for f in ${files.join(' ')}; do dpkg -S "$f" >/dev/null 2>&1 || echo "$f"; done`);
    // Links that update-alternatives made, and what netbase makes when it is configured.
    const made = /^(?:\/etc\/alternatives\/.*|\/etc\/networks|)$/;
    expect(foreign.split('\n').filter((path) => !made.test(path))).toEqual([]);
  });

  test('the undo is undone as well: all is as it was applied', async () => {
    expect((await host.nodePrep('undo', '2', '--yes', '-q')).status).toBe(0);
    expect(await since('applied')).toEqual({ gone: [], came: [] });
    expect(await host.nodePrep('verify', ...profiles)).toMatchObject({ status: 0 });
  });

  test('--packages removes those that came, and all that came with them', async () => {
    expect((await host.nodePrep('undo', '1', '--packages', '--yes', '-q')).status).toBe(0);
    const { gone, came } = await since('before');
    expect([gone, came.filter((line) => !/^(?:file|content) /.test(line))]).toEqual([[], []]);
    expect(await host.nodePrep('undo', '1', '--yes')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Run 1 is undone already, by run 4.'),
    });
  });

  test('history tells all of it', async () => {
    const { stdout } = await host.nodePrep('history');
    expect(stdout).toMatch(/ 1 .* apply +undone by 4 /);
    expect(stdout).toMatch(/ 2 .* undo 1 +undone by 3 /);
    expect(stdout).toMatch(/ 4 .* undo 1 +applied /);
  });

  test.skipIf(!isFull)(inFull('after a reboot it is as before, and no unit has failed'), async () => {
    await host.machine.reboot();
    const { gone } = await since('before');
    expect(gone.filter((line) => /^(?:file|content|swap|unit-file) /.test(line))).toEqual([]);
    expect(
      await host.machine.sh(
        'systemctl --failed --no-legend; systemctl is-active firewalld; swapon --show=NAME --noheadings | sort',
      ),
    ).toBe('active\n/swap1\n/swap2\n');
    expect((await host.machine.exec(['grep', '^br_netfilter', '/proc/modules'])).status).toBe(1);
  });
});
