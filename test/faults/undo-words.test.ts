import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { because, has } from '../needs.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Answer, Asked } from './script-host.ts';

const program = resolve(import.meta.dirname, 'script-host.ts');
const whyNot = has('flock') && has('sysctl') ? whyNotApart() : 'there is no flock or no sysctl here';
const config = 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1 }\n';

const on = (script: string): Promise<Answer> => runApart(program, { config, script } satisfies Asked);

test.skipIf(whyNot !== false)(
  because('undo says what it passes by, and why it could not be written down', whyNot),
  { timeout: 120_000 },
  async () => {
    const { text } = await on(`echo 0 > /proc/sys/net/ipv4/ip_forward; mkdir -p /var/lib/node-prep
      mount -t tmpfs none /var/lib/node-prep; own=/etc/sysctl.d/node-prep.conf
      (np apply --yes -q -c /mnt/config.yaml > /dev/null); echo mine > $own
      echo == refused; (np undo --yes -q); echo "code $?"
      echo == partial; (np undo --yes --partial -q); echo "code $?"; cat $own /proc/sys/net/ipv4/ip_forward
      echo == next; (np undo --yes -q); echo "code $?"; (np history)
      echo == unwritable; rm $own; mount -o remount,ro /var/lib/node-prep; (np undo 1 --format json); echo "code $?"
      mount -o remount,rw /var/lib/node-prep
      echo == rest; (np undo 1 --yes -q); echo "code $?"; (np undo --yes -q); echo "code $?"`);
    const part = (name: string): string => text.split(`== ${name}\n`)[1]?.split('\n== ')[0] ?? '';
    expect(part('refused')).toMatch(/refused: changed since: \/etc\/sysctl\.d\/node-prep\.conf; nothing was touched[^]*code 3$/);
    expect(part('partial')).toMatch(/local: run 1 is undone in part/);
    expect(part('partial')).toMatch(
      /undo without a number goes on to the run before it now; for the rest of run 1: node-prep undo 1\.\n[^]*code 3\nmine\n0$/,
    );
    expect(part('next')).toMatch(/run 1 was undone in part, by run 2; for the rest of it: node-prep undo 1\.\n[^]*\ncode 0\n/);
    expect(part('next')).toMatch(/ 1 .* apply +undone in part by 2 [^]* 2 .* undo 1 +put back in part /);
    const said = part('unwritable');
    expect(said).toMatch(/"status": "failed",\s+"problem": "Cannot write the journal in [^"]*mounted read-only/);
    expect(said).not.toContain('planned');
    expect(said).toMatch(/\ncode 1$/);
    expect(part('rest')).toMatch(/local: run 1 is undone\ncode 0\nNothing to undo[^]*\ncode 0\n$/);
  },
);
