import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { kindNamed } from '../../src/kinds/table.ts';
import type { Finding, Need } from '../../src/model.ts';
import { makePlan, queriesFor } from '../../src/plan.ts';
import { hostFrom, hosts, recorded } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { debianPackages } from '../recordings/packages.ts';
import {
  applyTo,
  commandsOf,
  debianWith,
  desiredFrom,
  desiredOf,
  findingOf,
  idsWith,
  linesOf,
  written,
} from '../unit/support.ts';

type Files = { readonly [path: string]: MemoryFile };
type Expected = { readonly verdict: Finding['verdict']; readonly [field: string]: unknown };
type Row = { readonly host: Partial<Recipe>; readonly need: Need; readonly expected: Expected };

const ownModules = '/etc/modules-load.d/node-prep.conf';
const backend: Need = { kind: 'iptables' };
const nat: Need = { kind: 'module', name: 'iptable_nat' };
const json: Need = { kind: 'nft', about: 'json', users: ['istio'] };
const version = (...users: Extract<Need, { kind: 'nft' }>['users']): Need => ({ kind: 'nft', about: 'version', users });
const saying = (text: string): unknown => expect.stringContaining(text);

/** The links that Debian's alternatives(8) lay. */
const chosen = (iptables: string, ip6tables = iptables): Files => ({
  '/usr/sbin/iptables': { link: '/etc/alternatives/iptables' },
  '/usr/sbin/ip6tables': { link: '/etc/alternatives/ip6tables' },
  '/etc/alternatives/iptables': { link: `/usr/sbin/iptables-${iptables}` },
  '/etc/alternatives/ip6tables': { link: `/usr/sbin/ip6tables-${ip6tables}` },
});

/** A kernel whose index names no legacy tables. */
const withoutLegacy = recorded('debian-6.1.dep')
  .split('\n')
  .filter((line) => !/\/ip6?(?:_tables|table_\w+)\.ko/.test(line))
  .join('\n');
const noTables: Files = { '/lib/modules/6.1.0-50-amd64/modules.dep': withoutLegacy };
const rules = (text: string): { readonly [name: string]: string } => ({ 'ask-iptables-rules': text });
const nft = (text: string): Partial<Recipe> => ({ scripts: { 'ask-nft': text } });

const table: { readonly [sentence: string]: Row } = {
  'where alternatives choose nft, a legacy table is served by what iptables-nft uses': {
    host: { files: chosen('nft') },
    need: nat,
    expected: {
      verdict: 'change',
      now: { ok: false, have: 'not loaded', from: saying('iptables here is the nft variant (/etc/alternatives/iptables)') },
    },
  },
  'where nothing but RHEL 8 laid the link, its own target decides': {
    host: { files: { '/usr/sbin/iptables': { link: 'xtables-nft-multi' } } },
    need: nat,
    expected: { verdict: 'change', now: { ok: false, have: 'not loaded', from: saying('(/usr/sbin/iptables)') } },
  },
  'a legacy table that is loaded is no proof for a host that writes nft rules': {
    host: { files: chosen('nft'), loaded: ['x_tables', 'ip_tables', 'nf_nat', 'iptable_nat'] },
    need: nat,
    expected: { verdict: 'change', now: { ok: false } },
  },
  'a host of the nft variant on a kernel that has only legacy tables is not ready': {
    host: {
      files: {
        ...chosen('nft'),
        '/lib/modules/6.1.0-50-amd64/modules.dep': recorded('debian-6.1.dep').replace(/^.*nft_compat\.ko:.*\n/m, ''),
      },
    },
    need: nat,
    expected: { verdict: 'blocked', now: { ok: false, have: saying('not in kernel') } },
  },
  'the legacy variant on a kernel without legacy tables is blocked, with the command that switches': {
    host: { files: { ...chosen('legacy'), ...noTables } },
    need: nat,
    expected: {
      verdict: 'blocked',
      reason: saying('iptables here is the legacy variant (/etc/alternatives/iptables)'),
      remedy: saying('update-alternatives --set iptables /usr/sbin/iptables-nft'),
    },
  },
  'and so is the choice itself': {
    host: { files: { ...chosen('legacy'), ...noTables } },
    need: backend,
    expected: { verdict: 'blocked', reason: saying('has no ip_tables'), boot: { ok: false, from: '/etc/alternatives/iptables' } },
  },
  'a legacy program that was built by hand hides the nft one of the package': {
    host: { files: { ...chosen('nft'), '/usr/local/sbin/iptables': { link: 'xtables-legacy-multi' }, ...noTables } },
    need: backend,
    expected: { verdict: 'blocked', reason: saying('(/usr/local/sbin/iptables)'), remedy: saying('/usr/local/sbin/iptables') },
  },
  'iptables of before 1.8 is the legacy variant, whatever the date': {
    host: { files: { '/usr/sbin/iptables': { link: 'xtables-multi' }, ...noTables } },
    need: backend,
    expected: { verdict: 'blocked', boot: { ok: false, have: 'legacy' } },
  },
  'a program under a name that tells nothing is asked for its version': {
    host: {
      files: { '/usr/sbin/iptables': 'ELF', ...noTables },
      scripts: rules('version iptables legacy\n'),
    },
    need: backend,
    expected: { verdict: 'blocked', boot: { ok: false, have: 'legacy', from: '/usr/sbin/iptables' } },
  },
  'links that go round in a circle decide nothing, and nothing is claimed': {
    host: {
      files: {
        '/usr/sbin/iptables': { link: '/etc/alternatives/iptables' },
        '/etc/alternatives/iptables': { link: '/usr/sbin/iptables' },
      },
    },
    need: backend,
    expected: { verdict: 'ok', now: { ok: true, have: 'of an unknown variant' } },
  },
  'a wrapper script in the place of iptables is left unrun, and its variant unknown': {
    host: { files: { '/usr/sbin/iptables': '#!/bin/sh\nexec update-alternatives --set iptables /x\n' } },
    need: backend,
    expected: { verdict: 'ok', boot: { ok: true, have: 'of an unknown variant', from: '/usr/sbin/iptables' } },
  },
  'rules in both variants at once are named with tables and counts, and gone after a reboot': {
    host: {
      files: chosen('nft'),
      scripts: rules('table ip nat\ntable ip filter\nlegacy ip nat 4\nlegacy ip filter 2\nnft ip filter 31\n'),
    },
    need: backend,
    expected: {
      verdict: 'blocked',
      now: { ok: false, have: 'legacy and nft rules', from: '/proc/net/ip_tables_names' },
      boot: { ok: true, have: 'nft', from: '/etc/alternatives/iptables' },
      reason: 'packets pass two sets of rules: legacy (ip nat: 4, ip filter: 2) and nft (ip filter: 31)',
      remedy: saying('iptables-legacy -t nat -F'),
    },
  },
  'the flush of a filter table opens its policies first: nobody is locked out': {
    host: { files: chosen('nft'), scripts: rules('table ip6 filter\nlegacy ip6 filter 2\n') },
    need: backend,
    expected: {
      verdict: 'blocked',
      now: { ok: false, have: 'legacy rules', from: '/proc/net/ip6_tables_names' },
      remedy: expect.stringMatching(/ip6tables-legacy -P INPUT ACCEPT && .*ip6tables-legacy -t filter -F/),
    },
  },
  'on a host of the legacy variant the nft rules are those to flush': {
    host: { files: chosen('legacy'), scripts: rules('table ip nat\nlegacy ip nat 9\nnft ip nat 1\n') },
    need: backend,
    expected: { verdict: 'blocked', remedy: saying('iptables-nft -t nat -F') },
  },
  'legacy rules on a host of the legacy variant are as they should be': {
    host: { files: chosen('legacy'), scripts: rules('table ip nat\nlegacy ip nat 9\n') },
    need: backend,
    expected: { verdict: 'ok', now: { ok: true, have: 'legacy', from: '/etc/alternatives/iptables' } },
  },
  'empty legacy tables, as a look into them leaves behind, harm nobody': {
    host: { files: chosen('nft'), scripts: rules('table ip nat\ntable ip filter\n') },
    need: backend,
    expected: { verdict: 'ok' },
  },
  'legacy tables that no program here can read are reported, not guessed at': {
    host: { files: chosen('nft'), scripts: rules('table ip nat\nuncounted\n') },
    need: backend,
    expected: { verdict: 'advice', reason: saying('legacy tables exist (ip nat)') },
  },
  'iptables of one variant and ip6tables of the other are reported': {
    host: { files: chosen('nft', 'legacy') },
    need: backend,
    expected: {
      verdict: 'advice',
      reason: saying('ip6tables here is the legacy variant (/etc/alternatives/ip6tables)'),
      remedy: saying('update-alternatives --set ip6tables /usr/sbin/ip6tables-nft'),
    },
  },
  'the twin alone may lack its tables in the kernel': {
    host: { files: { ...chosen('nft', 'legacy'), ...noTables } },
    need: backend,
    expected: { verdict: 'blocked', reason: saying('has no ip6_tables') },
  },
  'an nft without JSON is reported: Istio would fall back to iptables': {
    host: nft('program /usr/local/sbin/nft\nnftables v1.1.6 (x)\n  json:\t\tno\n'),
    need: json,
    expected: { verdict: 'advice', now: { ok: false, have: 'no JSON', from: '/usr/local/sbin/nft' } },
  },
  'an nft that does not say whether it has JSON is not accused': {
    host: nft('program /usr/sbin/nft\nnftables v0.9.3 (Topsy)\n'),
    need: json,
    expected: { verdict: 'ok', now: { ok: true, have: 'unknown' } },
  },
  'without a netfilter socket the library tells of JSON and the package of the version': {
    host: nft('program /usr/sbin/nft\njson: no\npackage 1.1.3-1\n'),
    need: json,
    expected: { verdict: 'advice' },
  },
  'an nft that is still to be installed is judged after it': {
    host: nft(''),
    need: json,
    expected: { verdict: 'ok', now: { ok: true, have: 'not installed' } },
  },
  'nft 1.1.3 beside an older Calico is reported, with the releases that have the repair': {
    host: nft('program /usr/sbin/nft\nnftables v1.1.3 (x)\n  json: yes\npackage 1.1.3-1\n'),
    need: version('calico'),
    expected: { verdict: 'advice', reason: saying('projectcalico/calico#11750'), remedy: saying('3.32.1') },
  },
  'nft 1.0.6.1 writes what 1.1.2 does, though its number is lower': {
    host: nft('program /usr/sbin/nft\nnftables v1.0.6.1 (x)\n'),
    need: version('kube-proxy'),
    expected: { verdict: 'advice', reason: saying('sets that nft 1.0.6.1 writes crash kube-proxy') },
  },
  'nft 1.0.6 crashes on what newer Istio images write': {
    host: nft('program /usr/sbin/nft\nnftables v1.0.6 (x)\npackage 1.0.6-2+deb12u2\n'),
    need: version('istio'),
    expected: { verdict: 'advice', reason: saying('nft 1.0.6-2+deb12u2 crashes'), remedy: saying('Update nftables') },
  },
  'nft 1.0.6 beside Calico alone, whose nft writes in the old form, is fine': {
    host: nft('program /usr/sbin/nft\nnftables v1.0.6 (x)\n'),
    need: version('calico'),
    expected: { verdict: 'ok' },
  },
  'a build of RHEL 9 with the repair is not accused': {
    host: nft('program /usr/sbin/nft\nnftables v1.0.9 (x)\npackage 1.0.9-7.el9\n'),
    need: version('istio', 'kube-proxy'),
    expected: { verdict: 'ok', now: { ok: true, have: 'nft 1.0.9', from: '/usr/sbin/nft' } },
  },
};

describe('hostile hosts: iptables', () => {
  test.each(Object.entries(table))('%s', async (_sentence, { host, need, expected }) => {
    const plan = await planHost(debianWith({}, host), desiredOf(need));
    expect(findingOf(plan, kindNamed(need.kind).id(need))).toMatchObject(expected);
  });

  test('a plan for a host without iptables lists what its package will use, and is empty after apply and after a reboot', async () => {
    const host = debianWith({});
    const desired = desiredFrom(['kubernetes', 'calico:optionalRules=true'], ['ipv4', 'ipv6']);
    const { before, after } = await applyTo(host, desired);
    const names = linesOf(written(before, ownModules));
    expect(names).toEqual(expect.arrayContaining(['nft_compat', 'nft_chain_nat', 'nft_limit', 'nft_log', 'nfnetlink_log']));
    expect(names.filter((name) => /^ip6?(?:_tables|table_)/.test(name))).toEqual([]);
    expect(after.actions).toEqual([]);
    host.reboot();
    expect(idsWith(await planHost(host, desired), 'change')).toEqual([]);
  });

  test('Ubuntu 20.04 installs the legacy variant: its tables are listed, and the plan is empty after apply', async () => {
    const host = hostFrom({
      ...hosts['ubuntu-24.04']!,
      osRelease: 'ID=ubuntu\nVERSION_ID="20.04"\nPRETTY_NAME="Ubuntu 20.04.6 LTS"\nID_LIKE=debian\n',
      packages: debianPackages('24.04', ['iproute2', 'util-linux', 'mount', 'kmod', 'procps', 'nftables']),
    });
    const { before, after } = await applyTo(host, desiredFrom(['kubernetes', 'calico:optionalRules=true']));
    const names = linesOf(written(before, ownModules));
    expect(names).toEqual(expect.arrayContaining(['iptable_nat', 'iptable_filter', 'ip_tables']));
    expect(names.filter((name) => name.startsWith('nft_'))).toEqual([]);
    expect(after.actions).toEqual([]);
  });

  test('kernels before 5.17 keep counters in a module, which every rule of iptables-nft has', async () => {
    const host = hostFrom(hosts['debian-11']!);
    const { before, after } = await applyTo(host, desiredFrom(['kubernetes']));
    expect(linesOf(written(before, ownModules))).toContain('nft_counter');
    expect(after.actions).toEqual([]);
  });

  test('kernels before 5.13 need a logger for LOG rules, one for each family that is wanted', async () => {
    const names = async (host: string, families: readonly string[]): Promise<string[]> =>
      linesOf(written(await planHost(hostFrom(hosts[host]!), desiredFrom(['calico'], families)), ownModules));
    expect(await names('debian-11', ['ipv4', 'ipv6'])).toEqual(expect.arrayContaining(['nf_log_ipv4', 'nf_log_ipv6']));
    expect(await names('debian-11', ['ipv4'])).not.toContain('nf_log_ipv6');
    expect((await names('debian-12', ['ipv4', 'ipv6'])).filter((name) => name.startsWith('nf_log'))).toEqual([]);
  });

  test('the choice of alternatives is never changed, not even with --take-over', async () => {
    const desired = { ...desiredFrom(['kubernetes', 'istio', 'calico']), allow: { takeOver: true, rebootChanges: true } };
    const plan = await planHost(debianWith(chosen('legacy')), desired);
    expect(commandsOf(plan).filter((command) => command.includes('alternatives'))).toEqual([]);
  });

  test('rules in both can be waived by those who know why', async () => {
    const host = debianWith(chosen('nft'), { scripts: rules('table ip nat\nlegacy ip nat 4\nnft ip nat 1\n') });
    const waivers = [{ id: 'iptables/backend', reason: 'fail2ban' }];
    const finding = findingOf(await planHost(host, desiredFrom(['kubernetes'], ['ipv4'], waivers)), 'iptables/backend');
    expect(finding).toMatchObject({ verdict: 'waived', reason: 'fail2ban' });
  });

  test('an unanswered question blocks nobody, and is not passed over in silence', async () => {
    const desired = desiredOf(backend, json, version('istio'));
    const answers = new Map(await debianWith(chosen('nft')).probe(queriesFor(desired)));
    for (const key of answers.keys()) if (key.startsWith('run ["sh"')) answers.set(key, { status: 124, text: '' });
    expect(idsWith(makePlan(desired, answers), 'advice')).toHaveLength(3);
  });

  test('what speaks about the choice is told, in the order in which it is heard', async () => {
    const desired = desiredOf(backend);
    const host = debianWith(chosen('nft', 'legacy'), { scripts: rules('table ip nat\nlegacy ip nat 4\nnft ip nat 1\n') });
    const answers = await host.probe(queriesFor(desired));
    const { system } = makePlan(desired, answers);
    const view = { answers, system, askedBy: [], verdicts: new Map(), allow: desired.allow };
    expect(
      kindNamed('iptables')
        .claims?.(backend, view)
        .map((c) => `${c.from}: ${c.says}`),
    ).toEqual([
      '/etc/alternatives/iptables: iptables here is the nft variant (/etc/alternatives/iptables)',
      '/etc/alternatives/ip6tables: ip6tables here is the legacy variant (/etc/alternatives/ip6tables)',
      '/proc/net/ip_tables_names: 4 legacy rules in ip nat',
      'iptables-nft-save: 1 nft rules in ip nat',
    ]);
  });
});
