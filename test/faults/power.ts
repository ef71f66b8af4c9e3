import { expect } from 'vitest';
import type { Action, Outcome, Plan } from '../../src/model.ts';
import type { Prepared } from '../vm/prepared.ts';

type Write = Extract<Action, { do: 'write' }>;

/** A machine that is about to be disturbed. `words`: what node-prep is called with. `writes`: the files that its apply writes. */
export type Victim = Prepared & { readonly words: readonly string[]; readonly writes: readonly Write[] };

const noTrace = /^\s+at .*\(/m;

/** Swap, and files of others beside those that node-prep writes; what a later look is held against. */
const belongings = `fallocate -l 16M /swap; chmod 600 /swap; mkswap -q /swap; swapon /swap
printf '# the team\\n/swap none swap sw 0 0\\n' >>/etc/fstab
echo dummy >/etc/modules-load.d/site.conf; echo 'kernel.panic = 7' >/etc/sysctl.d/10-site.conf
echo 'options dummy numdummies=2' >/etc/modprobe.d/site.conf
find /etc /root/.ssh /usr/lib/systemd /usr/lib/modules-load.d /usr/lib/sysctl.d /usr/lib/modprobe.d -xdev -type f \\
  ! -path /etc/fstab ! -path /etc/ld.so.cache -exec sha256sum {} + >/root/foreign.sums`;

const config = `profiles:
  kubernetes: { swap: "off" }
  istio: { mode: ambient }
  calico: { wireguard: true, ipvs: true }
`;

/** Puts there what must survive, and asks once what an apply writes. */
export const victimOf = async (host: Prepared): Promise<Victim> => {
  await host.machine.sh(belongings);
  await host.machine.sh('cat >/root/node-prep.yaml', { input: config });
  const words = ['-c', '/root/node-prep.yaml'];
  const { actions } = await host.plan(...words);
  const writes = actions.filter((action) => action.do === 'write');
  expect(writes.map((write) => write.path)).toContain('/etc/fstab');
  expect(actions.filter((action) => action.do === 'run').map(({ argv }) => argv.includes('apt-get'))).toContain(true);
  await host.machine.sh('sync');
  return { ...host, words, writes };
};

/** Begins an apply in the guest that nobody waits for. */
export const beginApply = async ({ machine, words }: Victim): Promise<void> => {
  await machine.sh(`nohup setsid /opt/node-prep apply --yes ${words.join(' ')} </dev/null >/root/apply.log 2>&1 & sync /root`);
};

/** Kills the apply that was begun, and nothing that it has started; tells whether there was one left to kill. */
export const killApply = async ({ machine }: Victim): Promise<boolean> =>
  (await machine.exec(['pkill', '-9', '-f', '^/opt/node-prep apply'])).status === 0;

/** Lets a package manager that goes on come to its end, then takes away a little of what was prepared, for the next apply to do. */
export const unprepare = async ({ machine }: Victim): Promise<void> => {
  await machine.sh(`for i in $(seq 300); do pgrep -x 'apt-get|dpkg|node-prep' >/dev/null || break; sleep 1; done
rm -f /etc/sysctl.d/node-prep.conf
dpkg --force-depends --remove conntrack socat >/dev/null 2>&1 || :`);
};

/**
 * What must hold at any moment after a disturbance: each file is as it was or as it is to be, nothing of others was touched, and the
 * plan sees exactly what is left to do.
 */
export const expectSound = async (victim: Victim): Promise<Plan> => {
  const { machine, nodePrep, words, writes } = victim;
  expect(await machine.sh('sha256sum --quiet -c /root/foreign.sums 2>&1 || :'), 'files of others').toBe('');
  const left: string[] = [];
  for (const { path, before, after } of writes) {
    const read = await machine.exec(['cat', path]);
    const text = read.status === 0 ? read.stdout : null;
    expect([before, after], `${path} is as before or as wanted`).toContain(text);
    if (text !== after) left.push(path);
  }
  const { status, stdout, stderr } = await nodePrep('plan', '--detailed-exitcode', '--format', 'json', ...words);
  expect(stderr).not.toMatch(noTrace);
  expect([0, 2], stdout.slice(-2000) + stderr).toContain(status);
  const outcome = (JSON.parse(stdout) as { outcomes: Outcome[] }).outcomes[0];
  if (outcome?.status !== 'planned') throw new Error(`not planned: ${stdout}`);
  const planned = outcome.plan.actions.flatMap((action) => (action.do === 'write' ? [action.path] : []));
  expect(planned, 'what is left to be written').toEqual(left);
  return outcome.plan;
};

/**
 * The next apply makes everything good: the host is as wanted, the package manager is at rest, and no unit has failed. Gives the
 * milliseconds that the apply took.
 */
export const expectConverges = async (victim: Victim, ...options: readonly string[]): Promise<number> => {
  const { machine, nodePrep, words, writes } = victim;
  const begun = Date.now();
  const applied = await nodePrep('apply', '--yes', ...options, ...words);
  const tookMs = Date.now() - begun;
  expect(applied, applied.stdout.slice(-3000) + applied.stderr).toMatchObject({ status: 0 });
  expect(applied.stderr).not.toMatch(noTrace);
  expect(await nodePrep('verify', ...words)).toMatchObject({ status: 0 });
  for (const { path, after } of writes) expect(await machine.sh(`cat ${path}`), path).toBe(after);
  expect(await machine.sh('sha256sum --quiet -c /root/foreign.sums 2>&1 || :')).toBe('');
  // Not one package half-way, not one file of a package other than it should be.
  expect(await machine.sh(`ls /var/lib/dpkg/updates; dpkg --audit; ${wrongFiles}; systemctl --failed --no-legend --plain`)).toBe(
    '',
  );
  await expectReadableHistory(victim);
  return tookMs;
};

/**
 * Files of packages that are not as they were packed. dpkg that is killed between laying down a configuration file and writing down its
 * sum never knows that sum: there the packed file itself is held against it.
 */
const wrongFiles = `dpkg --verify | while read -r how c f; do
  case "$how $c" in
    '??5?????? c') p=$(dpkg -S "$f"); dpkg-deb --fsys-tarfile /srv/repo/"\${p%%:*}"_*.deb | tar -xO ".$f" | cmp - "$f" 2>&1 || : ;;
    *) echo "$how $c $f" ;;
  esac
done`;

/** A journal that was cut off in the middle of a record is no reason to fail. */
const expectReadableHistory = async ({ nodePrep }: Victim): Promise<void> => {
  if (!/^ +node-prep history/m.test((await nodePrep('--help')).stdout)) return;
  const history = await nodePrep('history');
  expect(history, history.stderr).toMatchObject({ status: 0 });
  expect(history.stdout + history.stderr).not.toMatch(noTrace);
};

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};
