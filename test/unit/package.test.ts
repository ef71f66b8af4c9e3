import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planFrom, planHost, questionsTo } from '../../src/apply.ts';
import { debian } from '../../src/families/debian.ts';
import { rhel } from '../../src/families/rhel.ts';
import { familyFor } from '../../src/families/table.ts';
import { packageKind } from '../../src/kinds/package.ts';
import { isConverged } from '../../src/plan.ts';
import { debianPackages, rhelPackages } from '../recordings/packages.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import { applyTo, commandsOf, debianWith, desiredOf, findingOf, judge } from './support.ts';

const need = (capability: string, min?: string) => ({ kind: 'package' as const, capability, ...(min && { min }) });
const withPackages = (installed: { [name: string]: string }, available: { [name: string]: string } = {}, listed = true) =>
  debianWith(
    {},
    {
      packages: {
        manager: 'apt',
        installed,
        available: Object.fromEntries(Object.entries(available).map(([n, version]) => [n, { version }])),
        listed,
      },
    },
  );

describe('versions against minima', () => {
  const cases = [
    ['1:1.4.7-1+b2', '1.4.1', true, "an epoch does not count against the authors' version"],
    ['1:1.4.0-1', '1.4.1', false, 'nor does it make an old one new'],
    ['1.0.1-3', '1.0.1', true, 'a revision is no part of the version'],
    ['1.0.1~rc1-1', '1.0.1', false, 'a tilde is a version before the release'],
    ['1.0.6-2+deb12u2', '1.0.1', true, 'security updates'],
    ['0.9.8-3.1+deb11u2', '1.0.1', false, 'Debian 11'],
    ['1.10-1', '1.9', true, 'numbers, not letters'],
    ['1.0.1+really0.9-1', '1.0.1', true, 'what a plus says is not known'],
  ] as const;
  test.each(cases)('%s against >= %s: %s (%s)', async (version, min, ok) => {
    expect((await judge(withPackages({ nftables: version }, { nftables: '9' }), need('nftables', min))).now.ok).toBe(ok);
  });

  test.each([
    ['1:1.0.9-3.el9', true],
    ['1:0.9.3-26.el8', false],
    ['1:1.0.1-1.el9', true],
  ])('rpm %s against >= 1.0.1: %s', async (version, ok) => {
    const packages = { manager: 'dnf' as const, installed: { nftables: version } };
    expect((await judge(hostFrom({ ...hosts['rocky-9']!, packages }), need('nftables', '1.0.1'))).now.ok).toBe(ok);
  });
});

describe('what can be installed', () => {
  test('a package that is not there is installed by the name that the distribution has for it', async () => {
    expect(commandsOf(await planHost(debianWith({}), desiredOf(need('conntrack')))).at(-1)).toMatch(/ conntrack$/);
    const rocky = hostFrom({ ...hosts['rocky-9']!, packages: rhelPackages('el9', []) });
    expect(commandsOf(await planHost(rocky, desiredOf(need('conntrack')))).at(-1)).toMatch(/ conntrack-tools$/);
  });

  test('where the newest one is too old, it is blocked and nothing is installed', async () => {
    const host = withPackages({}, { nftables: '0.9.8-3.1' });
    expect(await judge(host, need('nftables', '1.0.1'))).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('0.9.8-3.1'),
    });
    expect((await planHost(host, desiredOf(need('nftables', '1.0.1')))).actions).toEqual([]);
  });

  test('an old package with a newer candidate is upgraded', async () => {
    const host = withPackages({ nftables: '0.9.8-1' }, { nftables: '1.0.9-1~bpo11+1' });
    const { before, after } = await applyTo(host, desiredOf(need('nftables', '1.0.1')));
    expect(findingOf(before, 'package/nftables').verdict).toBe('change');
    expect(isConverged(after)).toBe(true);
  });

  test('a package that no source has is blocked', async () => {
    expect(await judge(withPackages({}, { other: '1' }), need('socat'))).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('no package source'),
    });
  });

  test('without lists of packages they are fetched first, and only then', async () => {
    const stale = withPackages({}, { socat: '1.7-1' }, false);
    const commands = commandsOf(await planHost(stale, desiredOf(need('socat'))));
    expect(commands.map((c) => /\b(update|install)\b/.exec(c)?.[1])).toEqual(['update', 'install']);
    const fresh = commandsOf(await planHost(withPackages({}, { socat: '1.7-1' }), desiredOf(need('socat'))));
    expect(fresh).toHaveLength(1);
  });

  test('apt asks nothing, waits for a held lock and keeps changed configuration files', async () => {
    const command = commandsOf(await planHost(debianWith({}), desiredOf(need('socat')))).at(-1) ?? '';
    for (const part of [
      'DEBIAN_FRONTEND=noninteractive',
      '-y',
      'DPkg::Lock::Timeout=',
      '--force-confold',
      '--no-install-recommends',
    ]) {
      expect(command).toContain(part);
    }
  });

  test('a capability that nobody has names for is taken as the name of a package', async () => {
    const { after } = await applyTo(withPackages({}, { htop: '3.2.2-2' }), desiredOf(need('htop')));
    expect(isConverged(after)).toBe(true);
  });

  test('on a distribution that node-prep does not know, programs tell, and nothing is installed', async () => {
    const plan = await planHost(hostFrom(hosts['unknown-distribution']!), desiredOf(need('iproute2'), need('socat')));
    expect(findingOf(plan, 'package/iproute2').verdict).toBe('ok');
    expect(findingOf(plan, 'package/socat')).toMatchObject({ verdict: 'blocked', reason: expect.stringContaining('Alpine') });
    expect(plan.actions).toEqual([]);
  });

  test('iptables-legacy serves as iptables on RHEL', async () => {
    const packages = { manager: 'dnf' as const, installed: { 'iptables-legacy': '0:1.8.10-4.el9' } };
    expect((await judge(hostFrom({ ...hosts['rocky-9']!, packages }), need('iptables', '1.4.7'))).verdict).toBe('ok');
  });

  test('what is mere advice is seen where it is installed, and never installed', async () => {
    const plan = await planHost(
      debianWith({}),
      desiredOf({ ...need('iproute2'), advice: true }, { ...need('socat'), advice: true }),
    );
    expect([findingOf(plan, 'package/iproute2').verdict, findingOf(plan, 'package/socat').verdict, plan.actions]).toEqual([
      'ok',
      'advice',
      [],
    ]);
  });

  test('the question is the same whatever the order of the needs', () => {
    const ask = (...needs: ReturnType<typeof need>[]) => packageKind.queries(needs);
    // What the queries say, not the functions in them.
    expect(JSON.stringify(ask(need('socat'), need('ipset', '6')))).toEqual(
      JSON.stringify(ask(need('ipset', '6'), need('socat'))),
    );
  });
});

describe('a package manager that was cut off in its work', () => {
  const socat = { socat: '1.7-1' };
  const cutOff = (installed: { [name: string]: string }) => {
    const host = withPackages(installed, socat);
    host.files.set('/var/lib/dpkg/updates/0003', 'Package: libc-bin\n');
    return host;
  };
  const kindsOf = (commands: readonly string[]) =>
    commands.map((c) => /--configure -a|-f install|--reinstall|install/.exec(c)?.[0]);

  test('is brought to its end even where all that is wanted is there: else the next who installs something is refused', async () => {
    const { before, after } = await applyTo(cutOff(socat), desiredOf(need('socat')));
    expect(findingOf(before, 'package/socat')).toMatchObject({
      verdict: 'change',
      now: { ok: false, have: '1.7-1, but dpkg was cut off' },
    });
    expect(kindsOf(commandsOf(before))).toEqual(['--configure -a', '-f install']);
    expect(isConverged(after)).toBe(true);
  });

  test('leaves mere advice alone', async () => {
    const plan = await planHost(cutOff(socat), desiredOf({ ...need('socat'), advice: true }));
    expect([findingOf(plan, 'package/socat').verdict, plan.actions]).toEqual(['ok', []]);
  });

  /** A host whose package manager says this as well. */
  const saying = async (text: string, installed: { [name: string]: string }) => {
    const host = cutOff(installed);
    const desired = desiredOf(need('socat'));
    const answers = new Map(await host.probe(questionsTo(host, desired)));
    for (const [key, answer] of answers) {
      if (key.includes('dpkg-query')) answers.set(key, { ...answer, status: 0, text: answer.text + text });
    }
    return planFrom(host, desired, answers);
  };

  test('is left to it while it is at work', async () => {
    const plan = await saying('socat installed 1.7-1\nbusy\n', socat);
    expect([findingOf(plan, 'package/socat').verdict, plan.actions]).toEqual(['ok', []]);
  });

  test('is left to it while it is at work, too, where something is still to be installed', async () => {
    const plan = await saying('reinstreq libnfnetlink0:amd64\nunfinished conntrack\nbusy\n', {});
    expect(kindsOf(commandsOf(plan))).toEqual(['install']);
  });

  test('has what it left half-way installed again, by names only', async () => {
    const plan = await saying('reinstreq libnfnetlink0:amd64\nreinstreq -oDPkg::Pre-Invoke::=id\nreinstreq socat\n', {});
    expect(kindsOf(commandsOf(plan))).toEqual(['--configure -a', '-f install', '--reinstall', 'install']);
    expect(commandsOf(plan)[2]).toMatch(/ --no-remove --reinstall install libnfnetlink0:amd64$/);
    expect(commandsOf(plan)[3]).toMatch(/ install --no-install-recommends socat$/);
  });
});

describe('families', () => {
  const families = [
    ['debian', [], 'debian'],
    ['linuxmint', ['ubuntu', 'debian'], 'debian'],
    ['rocky', ['rhel', 'centos', 'fedora'], 'rhel'],
    ['amzn', ['fedora'], 'rhel'],
    ['alpine', [], 'unknown'],
    ['', [''], 'unknown'],
  ] as const;
  test.each(families)('ID=%s ID_LIKE=%j is of family %s', (id, like, name) => {
    expect(familyFor(id, like).name).toBe(name);
  });

  test('packages that were removed, but left their configuration, are not installed', () => {
    const facts = debian.read('socat installed 1.7-1\nipset config-files 7.10-1\nnft not-installed \n');
    expect([...facts.installed]).toEqual([['socat', '1.7-1']]);
    expect(facts.sources).toBe(false);
  });

  test('candidates are read from apt-cache policy, with or without one installed', () => {
    const facts = debian.read(
      'socat:\n  Installed: (none)\n  Candidate: 1.7-1\n  Version table:\nx:\n  Installed: 1\n  Candidate: (none)\nsources\n',
    );
    expect([[...facts.candidates], facts.sources]).toEqual([[['socat', '1.7-1']], true]);
  });

  test('dnf without a cache knows nothing, so the sources count as unread', () => {
    expect(rhel.read('installed a 0:1-1\nsources\n').sources).toBe(false);
    expect(rhel.read('candidate a 0:1-1\nsources\n').sources).toBe(true);
  });
});

/** The real question, run by real shells with package managers that are three lines each. */
const shells = ['dash', 'bash', 'busybox'].filter((shell) =>
  ['/bin', '/usr/bin'].some((folder) => existsSync(join(folder, shell))),
);

describe.each(shells)('the question, asked by %s', (shell) => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'node-prep-question-'));
    mkdirSync(join(folder, 'lists'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const query = packageKind.queries([need('nftables', '1.0.1'), need('socat'), need("odd'name"), need('iptables')])[0];
  const script = query?.ask === 'run' ? (query.argv[2] ?? '') : '';
  const argv = shell === 'busybox' ? ['busybox', 'sh'] : [shell];

  const ask = (osRelease: string, programs: { readonly [name: string]: string }): string => {
    const bin = mkdtempSync(join(folder, 'bin-'));
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    writeFileSync(join(bin, 'os-release'), osRelease);
    const here = script
      .replaceAll('/usr/lib/os-release', join(bin, 'none'))
      .replaceAll('/etc/os-release', join(bin, 'os-release'))
      .replaceAll('/var/lib/apt/lists/', `${join(folder, 'lists')}/`)
      .replaceAll(':/usr/sbin:/sbin', '');
    const [program = '', ...words] = argv;
    const ran = spawnSync(existsSync(`/bin/${program}`) ? `/bin/${program}` : `/usr/bin/${program}`, [...words, '-c', here], {
      env: { PATH: bin, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    expect([ran.stderr.replace(/.*not found.*\n/g, ''), ran.status]).toEqual(['', 0]);
    return ran.stdout;
  };
  const compare = 'case $2$4 in 1*) exit 0 ;; *) exit 1 ;; esac';
  const dpkg = { dpkg: compare, 'apt-cache': "printf 'nftables:\\n  Installed: 0.9.8-1\\n  Candidate: 1.0.9-1\\n'" };
  const installed = (lines: string): { [name: string]: string } => ({ 'dpkg-query': `printf '${lines}'` });

  test('is valid shell', () => {
    expect(spawnSync(argv[0] ?? '', [...argv.slice(1), '-n', '-c', script]).status).toBe(0);
  });

  test('tells what is installed, and asks apt nothing where all is there', () => {
    const out = ask('ID=debian\n', {
      ...dpkg,
      ...installed("nftables installed 1.0.6-2\\nsocat installed 1.7-1\\nodd'\\''name installed 1\\niptables installed 1.8-1\\n"),
    });
    const facts = debian.read(out);
    expect([...facts.installed.keys()]).toEqual(['nftables', 'socat', "odd'name", 'iptables']);
    expect(facts.candidates.size).toBe(0);
  });

  test('asks apt for candidates where something is too old or missing, and sees whether there are lists', () => {
    const out = ask('ID=ubuntu\nID_LIKE=debian\n', { ...dpkg, ...installed('nftables installed 0.9.8-1\\n') });
    expect([...debian.read(out).candidates]).toEqual([['nftables', '1.0.9-1']]);
    expect(debian.read(out).sources).toBe(false);
    // What a power cut leaves of lists that were just fetched: apt fetches them again.
    writeFileSync(join(folder, 'lists', 'x_Packages'), '');
    expect(debian.read(ask('ID=debian\n', { ...dpkg, ...installed('') })).sources).toBe(false);
    writeFileSync(join(folder, 'lists', 'x_Packages'), 'Package: x\n');
    expect(debian.read(ask('ID=debian\n', { ...dpkg, ...installed('') })).sources).toBe(true);
  });

  test('tells what dpkg left half-way, where something is missing', () => {
    const states =
      'install ok unpacked conntrack\\ninstall reinstreq half-installed libx:amd64\\nhold ok half-configured mine\\n';
    const facts = debian.read(ask('ID=debian\n', { ...dpkg, grep: 'exit 1', stat: 'echo 7', ...installed(states) }));
    expect(facts).toMatchObject({ unfinished: true, broken: ['libx:amd64'], busy: false });
    const atWork = ask('ID=debian\n', { ...dpkg, grep: 'exit 0', stat: 'echo 7', ...installed('') });
    expect(debian.read(atWork)).toMatchObject({ unfinished: false, broken: [], busy: true });
  });

  test('asks rpm and dnf on what is like RHEL', () => {
    const out = ask('NAME="X"\nID="rocky"\nID_LIKE="rhel centos fedora"', {
      rpm: "printf 'installed nftables 1:1.0.9-3.el9\\npackage socat is not installed\\n'; exit 1",
      dnf: "printf 'candidate socat 0:1.7.4.1-5.el9\\n'",
    });
    const facts = rhel.read(out);
    expect([[...facts.installed], [...facts.candidates], facts.sources]).toEqual([
      [['nftables', '1:1.0.9-3.el9']],
      [['socat', '0:1.7.4.1-5.el9']],
      true,
    ]);
  });

  test('looks for programs where it knows neither', () => {
    expect(ask('ID=alpine\n', { nft: 'exit 0', iptables: 'exit 0' })).toBe('iptables\nnft\n');
  });

  test('os-release is data: a command in it is not run', () => {
    ask(`ID=$(touch ${join(folder, 'ran')})\nID_LIKE="\`touch ${join(folder, 'ran')}\`"\n`, {});
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });
});

test('the packages that the profiles name are all known to both families', () => {
  expect(Object.keys(debian.packages)).toEqual(Object.keys(rhel.packages));
  expect(debianPackages('12', []).manager).toBe('apt');
});
