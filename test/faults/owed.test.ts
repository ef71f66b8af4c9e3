import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { because } from '../needs.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Answer, Asked } from './script-host.ts';

const program = resolve(import.meta.dirname, 'script-host.ts');
const whyNot = whyNotApart('systemctl', 'setpriv');

const unit = 'systemd-networkd.service';
/** systemd-networkd as one that is installed and runs; it says what it is told, and refuses it where it is to. */
const asked: Omit<Asked, 'script'> = {
  config: 'profiles: { calico: {} }\n',
  entries: [
    { path: `/etc/systemd/system/${unit}`, text: '[Unit]\n' },
    { path: `/etc/systemd/system/multi-user.target.wants/${unit}`, link: `/etc/systemd/system/${unit}` },
    { path: `/run/systemd/units/invocation:${unit}`, link: '0123456789abcdef0123456789abcdef' },
  ],
  programs: {
    systemctl: `[ "$1" = try-restart ] || exit 0
      echo "told: $*" >> /mnt/told
      [ -e /mnt/kill ] && { rm /mnt/kill; kill -9 $PPID; }
      [ ! -e /mnt/refuse ]`,
  },
};

/** Sets all aside that a plan finds but what networkd must leave alone. */
const waive = `waivers=$( (np plan --format json -c /mnt/config.yaml) | '${process.execPath}' -e '
  const { outcomes } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const others = outcomes[0].plan.findings.filter((f) => f.kind !== "networkd" && f.verdict !== "ok");
  console.log(others.map((f) => "--waive " + f.id + "=x").join(" "));')
wanted="-c /mnt/config.yaml $waivers"; status() { (np "$@" $wanted); echo "code $?"; }`;

const fault = (name: string, tried: () => Promise<void>): void =>
  test.skipIf(whyNot !== false)(because(name, whyNot), { timeout: 120_000 }, tried);

fault('a restart that failed, and one in which node-prep was killed, are owed until an apply has done them', async () => {
  const { text } = await runApart<Answer>(program, {
    ...asked,
    script: `${waive}
      touch /mnt/refuse; echo == fails; status apply --yes -q
      echo == drifts; status verify; status plan --detailed-exitcode
      rm /mnt/refuse; touch /mnt/kill; echo == killed; status apply --yes -q; echo == still; status verify
      cp -r '${resolve(import.meta.dirname, '../../dist')}' /mnt/dist; cp '${process.execPath}' /mnt/node; chmod -R a+rX /mnt/dist /mnt/node /mnt/config.yaml
      echo == user; setpriv --reuid 65534 --regid 65534 --clear-groups /mnt/node /mnt/dist/node-prep.cjs verify $wanted; echo "code $?"
      echo == saved; (np plan -q $wanted --out /mnt/saved); (np apply /mnt/saved --yes -q); echo "code $?"; status verify; status apply --yes -q
      echo == told; cat /mnt/told`,
  } satisfies Asked);
  const part = (name: string): string => text.split(`== ${name}\n`)[1]?.split('\n== ')[0] ?? '';
  const drifted = 'local: drifted: 1 to change: networkd/foreign\ncode 2';
  expect(part('fails')).toMatch(/\[2\/2\] .* failed, exit code 1\n[^]*code 1$/);
  expect(part('drifts')).toMatch(
    /^local: drifted: 1 to change: networkd\/foreign\ncode 2\n[^]* written, not read yet[^]*\n  1\. networkd [^]*try-restart[^]*\ncode 2$/,
  );
  expect(part('killed')).toMatch(/code 137$/);
  expect(part('still')).toBe(drifted);
  // Who may not read the journal sees the files alone.
  expect(part('user')).toMatch(/^local: converged[^]*code 0$/);
  expect(part('saved')).toMatch(
    /cut off in step 1 of 1[^]*\[1\/1\] .* done\n[^]*code 0\nlocal: converged.*\ncode 0\nlocal: converged.*\ncode 0$/,
  );
  expect(part('told').trim().split('\n')).toEqual(Array(3).fill(`told: try-restart ${unit}`));
});
