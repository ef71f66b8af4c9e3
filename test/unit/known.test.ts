import { describe, expect, test } from 'vitest';
import { queryKey } from '../../src/answers.ts';
import { askAll } from '../../src/connectors/local.ts';
import { localHost } from '../../src/hosts/local.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Answer, Answers, Desired, Query } from '../../src/model.ts';
import { makePlan, queriesFor } from '../../src/plan.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import { applyTo, debianWith, desiredFrom, findingOf } from './support.ts';

const wishes: { readonly [name: string]: readonly string[] } = {
  defaults: ['kubernetes', 'istio', 'calico'],
  ambient: ['kubernetes', 'istio:mode=ambient', 'calico:encapsulation=vxlan'],
  nftables: ['kubernetes:kubeProxy=nftables', 'calico:dataplane=nftables'],
};

/** The record of dpkg as it would be on that host, and the files of its units. */
const withRecord = (host: MemoryHost): MemoryHost => {
  for (const unit of host.machine.services.keys()) host.files.set(`/usr/lib/systemd/system/${unit}`, '[Unit]\n');
  if (host.machine.manager !== 'apt') return host;
  const paragraphs = [...host.machine.installed].map(
    ([name, version]) => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`,
  );
  host.files.set('/var/lib/dpkg/status', paragraphs.join('\n'));
  return host;
};

/** Of several questions that ask dpkg, the one without a name of its own. */
const isPackageQuestion = (key: string): boolean => key.includes('db:Status-Status') && !key.includes('"ask-');

/** What files tell in place of a command, for each command that they tell of. */
const knownOf = (queries: readonly Query[], answers: Answers): [string, Answer][] =>
  queries.flatMap((query) => {
    const text = query.ask === 'run' ? query.known?.(answers) : undefined;
    return text === undefined ? [] : [[queryKey(query), { status: 0, text }]];
  });

const asked = async (host: MemoryHost, desired: Desired) => {
  const queries = queriesFor(desired);
  const answers = await host.probe(queries);
  return { queries, answers, known: knownOf(queries, answers) };
};

const cases = Object.entries(hosts).flatMap(([name, recipe]) =>
  Object.entries(wishes).map(([wish, specs]) => [name, wish, recipe, specs] as const),
);

describe('what files tell in place of a command leads to the same plan as the command', () => {
  test.each(cases)('%s, %s, before and after an apply', async (_name, _wish, recipe, specs) => {
    const desired = desiredFrom(specs);
    const host = hostFrom(recipe);
    for (const _round of ['before', 'after']) {
      const { answers, known } = await asked(withRecord(host), desired);
      expect(makePlan(desired, new Map([...answers, ...known]))).toEqual(makePlan(desired, answers));
      host.files.delete('/var/lib/dpkg/status');
      await applyTo(host, desired);
    }
  });
});

test.each(Object.entries(wishes))('on this machine files tell the same as its real commands: %s', async (_name, specs) => {
  const desired = desiredFrom(specs);
  const queries = queriesFor(desired);
  const told = await localHost().probe(queries);
  const runs = queries.filter((query) => query.ask === 'run');
  const printed = await askAll(runs.map((query) => query.argv));
  const answers = new Map([...told, ...runs.map((query, i) => [queryKey(query), printed[i]] as [string, Answer])]);
  expect(runs.length).toBeGreaterThan(5);
  expect(makePlan(desired, told)).toEqual(makePlan(desired, answers));
});

describe("dpkg's record", () => {
  const desired = desiredFrom(['kubernetes']);
  const isKnown = async (host: MemoryHost): Promise<boolean> => {
    const { known } = await asked(host, desired);
    return known.some(([key]) => isPackageQuestion(key));
  };
  const ready = async (): Promise<MemoryHost> => {
    const host = debianWith({});
    await applyTo(host, desired);
    return withRecord(host);
  };
  const changed = async (from: string, to: string): Promise<MemoryHost> => {
    const host = await ready();
    host.files.set('/var/lib/dpkg/status', String(host.files.get('/var/lib/dpkg/status')).replace(from, to));
    return host;
  };

  test('a host that has every package is asked for none', async () => {
    const { answers, known } = await asked(await ready(), desired);
    const plan = makePlan(desired, new Map([...answers, ...known]));
    expect(known.some(([key]) => isPackageQuestion(key))).toBe(true);
    expect(findingOf(plan, 'package/socat')).toMatchObject({ verdict: 'ok', now: { from: 'package socat' } });
  });

  test('dpkg is asked where a package is missing, half installed, of two architectures, or where dpkg was cut off', async () => {
    expect(await isKnown(await changed('Package: socat', 'Package: socatx'))).toBe(false);
    expect(
      await isKnown(await changed('Package: socat\nStatus: install ok installed', 'Package: socat\nStatus: install ok unpacked')),
    ).toBe(false);
    expect(
      await isKnown(
        await changed('Package: socat', 'Package: socat\nStatus: install ok installed\nVersion: 1\n\nPackage: socat'),
      ),
    ).toBe(false);
    const cutOff = await ready();
    cutOff.files.set('/var/lib/dpkg/updates/0001', '');
    expect(await isKnown(cutOff)).toBe(false);
  });

  test('dpkg is asked where mere advice is there of two architectures', async () => {
    const older = desiredFrom(['kubernetes:version=1.32']);
    const host = debianWith({});
    await applyTo(host, older);
    withRecord(host);
    const record = String(host.files.get('/var/lib/dpkg/status'));
    const ethtool = 'Package: ethtool\nStatus: install ok installed\nVersion: 1\n\n';
    const isKnown = async (text: string): Promise<boolean> => {
      host.files.set('/var/lib/dpkg/status', text + record);
      return (await asked(host, older)).known.some(([key]) => isPackageQuestion(key));
    };
    expect([await isKnown(ethtool), await isKnown(ethtool + ethtool)]).toEqual([true, false]);
  });
});

test('programs that are not asked for their version are those that links name', async () => {
  const desired = desiredFrom(['kubernetes', 'calico']);
  const isKnown = async (files: Parameters<typeof debianWith>[0]): Promise<boolean> =>
    (await asked(debianWith(files), desired)).known.some(([key]) => key.includes('ask-iptables-rules'));
  const linked = {
    '/usr/sbin/iptables': { link: '/etc/alternatives/iptables' },
    '/etc/alternatives/iptables': { link: '/usr/sbin/iptables-nft' },
  };
  expect(await isKnown(linked)).toBe(true);
  expect(await isKnown({ '/usr/sbin/iptables': 'ELF' })).toBe(false);
  expect(await isKnown({ ...linked, '/proc/net/ip_tables_names': 'nat\n' })).toBe(false);
});
