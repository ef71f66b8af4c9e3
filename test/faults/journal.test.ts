import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { because } from '../needs.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Answer, Asked } from './script-host.ts';

const program = resolve(import.meta.dirname, 'script-host.ts');
const whyNot = whyNotApart('flock', 'sysctl');

const config = 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1 }\n';
/** A sysctl that says when it begins, and goes on when it may. */
const slow = 'touch /mnt/begun; while [ ! -e /mnt/go ]; do sleep 0.1; done; exec /usr/sbin/sysctl "$@"';
const apply = 'np apply --yes -q -c /mnt/config.yaml';
const reset = 'echo 0 > /proc/sys/net/ipv4/ip_forward; rm -f /mnt/begun';
const runs = '/var/lib/node-prep/runs';

const on = (script: string, more: Partial<Asked> = {}): Promise<Answer> =>
  runApart(program, { config, script, ...more } satisfies Asked);

const fault = (name: string, tried: () => Promise<void>): void =>
  test.skipIf(whyNot !== false)(because(name, whyNot), { timeout: 120_000 }, tried);

describe('the journal of a host', () => {
  fault('tells what was done, and only to root', async () => {
    const { text } = await on(`${reset}
      (np history); echo "code $?"; (${apply}); echo "code $?"; (SUDO_USER=alice ${apply}); (np history); (np history 1)
      stat -c '%a %U %n' /var/lib/node-prep ${runs} ${runs}/*
      cp -r '${resolve(import.meta.dirname, '../../dist')}' /mnt/dist; cp '${process.execPath}' /mnt/node; chmod -R a+rX /mnt
      setpriv --reuid 65534 --regid 65534 --clear-groups /mnt/node /mnt/dist/node-prep.cjs history; echo "code $?"`);
    expect(text).toMatch(/^No run has changed this host yet\.\ncode 0\n/);
    expect(text).toContain('converged: 2 ok, now and after a reboot\ncode 0');
    // The second apply found nothing to do: that is no run.
    expect(text).toMatch(/RUN +WHEN +BY +COMMAND +HOW IT ENDED +STEPS\n +1 .* root +apply +applied +2 of 2\nTimes/);
    expect(text).toMatch(/Run 1: apply, applied, 2 of 2 steps done[^]* {2}1\. done +write \/etc\/sysctl\.d\/node-prep\.conf/);
    expect(text).toContain(`700 root /var/lib/node-prep\n700 root ${runs}\n600 root ${runs}/000001.jsonl\n`);
    expect(text).toMatch(/Only root may read the journal in \S+\.\n {2}Run it with sudo: sudo node-prep history\ncode 1\n$/);
  });

  fault('of an apply that was killed in a step: its command holds the host, then the next one tells and converges', async () => {
    const { text } = await on(
      `${reset}
      (${apply} > /mnt/first 2>&1) & np=$!; waits /mnt/begun; (np history); kill -9 $np; wait $np 2>/dev/null; (np history)
      echo == refused; (${apply}); echo "code $?"
      echo == waits; (${apply} --lock-timeout 1m > /mnt/second 2>&1) & np=$!
      for i in $(seq 400); do grep -q waiting /mnt/second && break; sleep 0.1; done; touch /mnt/go
      wait $np; code=$?; cat /mnt/second; echo "code $code"; (np history); (np history 1)
      ls /etc/sysctl.d; cat /proc/sys/net/ipv4/ip_forward; (${apply}); echo "code $?"`,
      { programs: { sysctl: slow } },
    );
    expect(text).toMatch(/ 1 .* under way +1 of 2\n/);
    expect(text).toMatch(/ 1 .* cut off in step 2 +1 of 2\n/);
    expect(text).toMatch(
      /== refused\nnode-prep: This host is still being changed: \/bin\/sh \/mnt\/bin\/sysctl --system \(pid \d+\) of run 1, .* Nothing was touched\.\n.*--lock-timeout 10m\.\ncode 1\n/,
    );
    expect(text).toMatch(/== waits\nnode-prep: this host is still being changed: .*; waiting up to 60 s\.\n/);
    expect(text).toMatch(
      /the run of .* \(apply, pid \d+\) was cut off in step 2 of 2 \(apply the kernel settings now\): going on/,
    );
    expect(text).toMatch(/converged: 2 ok, now and after a reboot\ncode 0\n/);
    expect(text).toMatch(/1\. done .*\n +2\. cut off +apply the kernel settings now\nnode-prep\.conf\n1\n/);
    expect(text).toMatch(/code 0\n$/);
    // Told once.
    expect(text.match(/was cut off/g)?.length).toBe(1);
  });

  fault('that is on a full or a read-only disk keeps the host as it was; one that fills up is told', async () => {
    const filling = `dd if=/dev/zero of=/var/lib/node-prep/fill 2>/dev/null; seq 3000; exec /usr/sbin/sysctl "$@"`;
    const { text } = await on(
      `${reset}; mkdir /var/lib/node-prep
      mount -t tmpfs -o size=64k none /var/lib/node-prep; dd if=/dev/zero of=/var/lib/node-prep/fill 2>/dev/null
      echo == full; (${apply}); echo "code $?"; find /var/lib/node-prep -type f; ls /etc/sysctl.d 2>/dev/null
      rm /var/lib/node-prep/fill; mount -o remount,ro /var/lib/node-prep
      echo == read-only; (${apply}); echo "code $?"; ls /etc/sysctl.d 2>/dev/null
      mount -o remount,rw /var/lib/node-prep
      echo == fills; (${apply}); echo "code $?"; (np history); rm /var/lib/node-prep/fill
      echo == again; (${apply}); echo "code $?"; (np history)`,
      { programs: { sysctl: filling } },
    );
    const part = (name: string): string => text.split(`== ${name}\n`)[1]?.split('\n== ')[0] ?? '';
    expect(part('full')).toMatch(
      /^node-prep: Cannot write the journal in \S+: no space is left on its file system\. Nothing was touched\.\n.*\ncode 1\n\/var\/lib\/node-prep\/fill$/,
    );
    expect(part('read-only')).toMatch(/its file system is mounted read-only\. Nothing was touched\.\n.*\ncode 1$/);
    expect(part('fills')).toMatch(
      /not all of the run is in the journal: Cannot write to \S+000001\.jsonl: no space[^]*code 1\n[^]* applied +1 of 2\n/,
    );
    expect(part('again')).toMatch(/converged[^]*code 0\n/);
  });

  fault('that is damaged stops neither plan nor verify nor apply', async () => {
    const { text } = await on(`${reset}; (${apply} >/dev/null 2>&1)
      head -c 100 /dev/urandom > ${runs}/000002.jsonl; truncate -s 5G ${runs}/000003.jsonl; : > ${runs}/000004.jsonl
      mkfifo ${runs}/000005.jsonl; ln -s /dev/zero ${runs}/000006.jsonl; touch ${runs}/notes; mkdir ${runs}/000007.jsonl
      ${reset}; for what in plan verify; do (np $what -q -c /mnt/config.yaml); echo "$what $?"; done
      (${apply}); echo "apply $?"; (np history); echo "history $?"; (np history 3); echo "one $?"`);
    expect(text).toMatch(/^local: 1 ok, 1 to change\. .*\nplan 0\nlocal: drifted: .*\nverify 2\n/);
    expect(text).toMatch(/000002\.jsonl(:1)?: it .*\n[^]*4 more of the journal cannot be read[^]*converged[^]*apply 0\n/);
    expect(text).toMatch(
      /000006\.jsonl: it is a link[^]*000007\.jsonl: it is no regular file[^]*notes: it is no file of the journal/,
    );
    expect(text).toMatch(/ 1 .* applied +2 of 2\n +8 .* applied +1 of 1\nTimes.*\nhistory 0\n/);
    expect(text).toMatch(/Run 3 cannot be read: \S+: it is larger than 32 MiB\.\n.*\none 1\n$/);
  });
});
