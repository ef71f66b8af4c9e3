import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { execute } from '../unit/support.ts';
import { planHost } from '../../src/apply.ts';
import type { Answers, Desired, Need } from '../../src/model.ts';
import { makePlan } from '../../src/plan.ts';
import { countInputs, hasGoodJson, hasMeantActions, isGoodPlan, runs, survives, survivesLater } from './fuzz-check.ts';
import { askedOf, changed, nasty, textsOf } from './fuzz-host.ts';
import type { Asked, Otherwise } from './fuzz-host.ts';
import { fileName, mutationOfAny } from './fuzz-inputs.ts';
import { allowing, debianWith, desiredFrom, desiredOf } from '../unit/support.ts';

countInputs('plans');

/** What dpkg leaves where it loses its power: a step that is not in its record, packages half-way and one to be installed again. */
const cutOff: Otherwise = {
  files: { '/var/lib/dpkg/updates/0001': 'Package: socat\nStatus: install ok unpacked\n' },
  says: { packages: 'unfinished socat\nreinstreq ethtool\nreinstreq libnfnetlink0:amd64\n' },
};

/** A few needs of each kind: a plan for them is made in a millisecond or two, and reads all that a whole plan reads. */
const subjects: readonly (readonly [name: string, needs: readonly Need[], otherwise: Otherwise])[] = [
  [
    'settings',
    [
      { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' },
      { kind: 'sysctl', key: 'fs.inotify.max_user_watches', value: '524288', atLeast: true },
    ],
    {},
  ],
  [
    'modules',
    [
      { kind: 'module', name: 'overlay' },
      { kind: 'module', name: 'xt_set' },
      { kind: 'kernelconfig', symbol: 'BPF' },
    ],
    {},
  ],
  [
    'packages and versions',
    [
      { kind: 'package', capability: 'iproute2', min: '5.0' },
      { kind: 'package', capability: 'nftables' },
      { kind: 'package', capability: 'socat' },
      { kind: 'nft', about: 'version', users: ['kube-proxy'] },
      { kind: 'nft', about: 'json', users: ['calico'] },
      { kind: 'kernel', min: '5.10' },
    ],
    {},
  ],
  [
    'packages after dpkg was cut off',
    [
      { kind: 'package', capability: 'iproute2' },
      { kind: 'package', capability: 'socat' },
    ],
    cutOff,
  ],
  ['swap', [{ kind: 'swap', policy: 'off' }], {}],
  ['control groups', [{ kind: 'cgroup', v1: 'blocked' }], {}],
  [
    'network services',
    [
      { kind: 'networkmanager', unmanaged: ['interface-name:cali*', 'interface-name:tunl*'] },
      { kind: 'networkd', leave: 'foreign' },
      { kind: 'networkd', leave: 'unmanaged', names: ['cali*'] },
    ],
    {},
  ],
  [
    'firewalls',
    [
      { kind: 'port', port: '10250', protocol: 'tcp' },
      { kind: 'port', protocol: '4' },
      { kind: 'firewall', about: 'forward' },
      { kind: 'firewall', about: 'reload' },
      { kind: 'service', name: 'ufw', state: 'inactive' },
      { kind: 'service', name: 'firewalld', state: 'inactive', mask: true },
      { kind: 'iptables' },
    ],
    {},
  ],
];

const tree = textsOf('tree');
const texts = [...Object.values(tree), ...Object.values(textsOf('answers'))].filter((text) => text.length < 5000);

/** The text that a question is answered with by the host on which everything is there. */
const ownText = (answers: Answers, { key }: Asked): string => answers.get(key)?.files?.[0]?.text ?? answers.get(key)?.text ?? '';

/** An answer in the place of another one: mostly a file's own text mutated, now and then another file's, under any name. */
const answerFor = (
  asked: readonly Asked[],
  answers: Answers,
): fc.Arbitrary<{ readonly at: Asked; readonly text: string; readonly name?: string }> =>
  fc.constantFrom(...asked).chain((at) => {
    const own = ownText(answers, at);
    return fc.record({
      at: fc.constant(at),
      text: fc.oneof({ weight: 6, arbitrary: mutationOfAny([own]) }, { weight: 1, arbitrary: mutationOfAny(texts) }),
      ...(at.query.ask === 'list' && { name: fc.option(fileName, { nil: undefined }) }),
    }) as fc.Arbitrary<{ at: Asked; text: string; name?: string }>;
  });

const reached = new Set<string>();
afterAll(() => console.log(`fuzz (plans): ${reached.size} questions of a host answered with something hostile`));

test.each(subjects)(
  'a plan about %s is a plan, whatever one answer says',
  async (_name, needs, otherwise) => {
    const desired = allowing(desiredOf(...needs));
    const { answers, asked } = await askedOf(desired, otherwise);
    const calm = makePlan(desired, answers);
    expect(calm.findings.length).toBeGreaterThan(0);
    if (otherwise === cutOff)
      expect(calm.actions.map((action) => action.do === 'run' && action.argv.includes('--reinstall'))).toContain(true);
    let made = 0;
    survives(answerFor(asked, answers), runs(450, 6000), ({ at, text, name }) => {
      reached.add(at.key);
      const plan = makePlan(desired, changed(answers, at, text, name));
      hasMeantActions(plan);
      if (made++ % 20 === 0) hasGoodJson(plan);
      return plan;
    });
  },
  600_000,
);

test.each(subjects)(
  'what is shown of a plan about %s holds nothing that a terminal obeys',
  async (_name, needs, otherwise) => {
    const desired = allowing(desiredOf(...needs));
    const { answers, asked } = await askedOf(desired, otherwise);
    await survivesLater(answerFor(asked, answers), runs(60, 1000), ({ at, text, name }) =>
      isGoodPlan(makePlan(desired, changed(answers, at, text, name)), desired.askedBy),
    );
  },
  600_000,
);

const everything: Desired = allowing(
  desiredFrom(['kubernetes:swap=off,firewall=keep', 'istio:mode=ambient', 'calico:firewall=keep'], ['ipv4', 'ipv6']),
);

test('the whole plan is one as well, with several answers changed at once', async () => {
  const { answers, asked } = await askedOf(everything);
  const several = fc.array(answerFor(asked, answers), { minLength: 1, maxLength: 8 });
  await survivesLater(several, runs(12, 600), async (all) => {
    const plan = makePlan(
      everything,
      all.reduce((now, { at, text, name }) => changed(now, at, text, name), answers),
    );
    hasGoodJson(plan);
    await isGoodPlan(plan, everything.askedBy);
  });
}, 600_000);

test('every question of a whole plan is answered with each of the nasty texts', async () => {
  const { answers, asked } = await askedOf(everything);
  const some = asked.filter((_, i) => runs(i % 16, 0) === 0);
  for (const at of some) {
    const text = nasty.join('\n');
    reached.add(at.key);
    survives(fc.constant(text), 1, () => hasMeantActions(makePlan(everything, changed(answers, at, text))));
  }
  expect(some.length).toBeGreaterThan(5);
}, 600_000);

/** Files of the tree that say something about the host and can be changed in it. */
const files = Object.entries(tree).filter(([name]) =>
  /^(?:etc|usr\/lib)\/(?:sysctl|modules-load|modprobe|fstab|NetworkManager|systemd|ufw)/.test(name),
);

/** Control groups are mended by a reboot alone. */
const mended = subjects.filter(([name]) => name !== 'control groups');

test.each(mended)(
  'what is planned about %s comes true on a host with a mutated file, or is blocked',
  async (_name, needs, otherwise) => {
    const desired = allowing(desiredOf(...needs));
    const one = fc.constantFrom(...files).chain(([name, text]) => fc.tuple(fc.constant(`/${name}`), mutationOfAny([text])));
    let [converged, blocked] = [0, 0];
    await survivesLater(one, runs(40, 600), async ([path, text]) => {
      const host = debianWith({ ...otherwise.files, [path]: text });
      const before = await planHost(host, desired);
      if (before.findings.some((finding) => finding.verdict === 'blocked')) return void blocked++;
      const steps = await execute(host, before.actions);
      const failed = steps.filter((step) => step.status === 'failed' && !(step.action.do === 'run' && step.action.judgedBy));
      expect(failed, path).toEqual([]);
      const after = await planHost(host, desired);
      expect(
        after.findings.filter((finding) => finding.verdict === 'change').map(({ id }) => id),
        path,
      ).toEqual([]);
      converged++;
    });
    console.log(`fuzz (plans): ${_name}: ${converged} hosts converged, ${blocked} blocked`);
    expect(converged).toBeGreaterThan(0);
  },
  600_000,
);
