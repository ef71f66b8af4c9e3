import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { explainText } from '../../src/views/explain-text.ts';
import { askersOf, knownIds } from '../../src/explain.ts';
import { planText, summaryLine } from '../../src/views/plan-text.ts';
import { safe, tint, wantsColor, wrap } from '../../src/views/terminal.ts';
import { verdictLine } from '../../src/views/verdict-line.ts';
import { applyTo, debianWith, desiredFrom, desiredOf, findingOf } from './support.ts';

const plain = { color: false, width: 80 };
const ESC = String.fromCharCode(27);

describe('text from a host', () => {
  test('no control sign reaches the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bad = [...safe(text)].filter(
          (sign) => sign !== '\n' && sign !== '\t' && /\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(sign),
        );
        expect(bad).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('ordinary text, umlauts and line ends stay', () => {
    expect(safe('Größe: 1\n\tx')).toBe('Größe: 1\n\tx');
    expect(safe(`${ESC}[2Jx\r\u202e`)).toBe('?[2Jx??');
  });

  test('a host whose files hold escapes cannot draw on the screen of who plans it', async () => {
    const evil = `${ESC}]0;owned\u0007${ESC}[2J`;
    const host = debianWith({
      '/etc/os-release': `ID=debian\nPRETTY_NAME="${evil}"\nVERSION_ID=12\n`,
      '/etc/sysctl.d/zz.conf': `net.ipv4.ip_forward = 0${evil}\n`,
      '/etc/fstab': `/dev/${evil} none swap sw 0 0\n`,
      '/etc/modules-load.d/node-prep.conf': `${evil}\n`,
      '/etc/modprobe.d/x.conf': `blacklist xt_set ${evil}\ninstall xt_mark /bin/false ${evil}\n`,
      '/proc/sys/kernel/osrelease': `6.1.0-50-amd64\n`,
    });
    const desired = desiredFrom(['kubernetes', 'calico']);
    const plan = await planHost(host, desired);
    const texts = [
      await planText('local', plan, desired.askedBy, 'verbose', plain),
      verdictLine('local', plan),
      summaryLine(plan),
    ];
    expect(texts.join('\n')).not.toMatch(/[\u001b\u0007]/);
  });
});

describe('lines', () => {
  test('no line is longer than the width but for one long word, and no word is lost', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 80 }), fc.constantFrom('', '  ', '       '), (list, width, indent) => {
        const lines = wrap(list.join(' '), width, indent);
        expect(lines.join(' ').split(/ +/).filter(Boolean)).toEqual(list);
        for (const line of lines) expect(line.length <= width || !line.trim().includes(' ')).toBe(true);
      }),
    );
  });

  test('a broken command ends each line but the last in a way that a shell takes back together', () => {
    expect(wrap('aaa bbb ccc', 9, ' ', ' \\')).toEqual([' aaa \\', ' bbb \\', ' ccc']);
  });
});

describe('colour', () => {
  const cases = [
    [undefined, {}, true, true, 'a terminal'],
    [undefined, {}, false, false, 'a pipe'],
    [undefined, { TERM: 'dumb' }, true, false, 'a dumb terminal'],
    [undefined, { NO_COLOR: '1' }, true, false, 'NO_COLOR'],
    [undefined, { NO_COLOR: '' }, true, true, 'an empty NO_COLOR, which says nothing'],
    [undefined, { FORCE_COLOR: '1' }, false, true, 'FORCE_COLOR'],
    [undefined, { FORCE_COLOR: '0' }, true, false, 'FORCE_COLOR=0'],
    [undefined, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false, 'both'],
    ['always', { NO_COLOR: '1' }, false, true, '--color always'],
    ['never', { FORCE_COLOR: '1' }, true, false, '--color never'],
    ['auto', {}, true, true, '--color auto'],
  ] as const;
  test.each(cases)('--color %s with %j, terminal %s: %s (%s)', (flag, env, tty, colored) => {
    expect(wantsColor(flag, env, () => tty)).toBe(colored);
  });

  test('a plan in colour is the plain plan with colours', async () => {
    const plan = await planHost(debianWith({}), desiredFrom(['kubernetes']));
    const [colored, text] = [
      await planText('local', plan, ['x'], 'normal', { color: true, width: 80 }),
      await planText('local', plan, ['x'], 'normal', plain),
    ];
    expect(colored).toContain(`${ESC}[`);
    expect(colored.replaceAll(new RegExp(`${ESC}\\[\\d+m`, 'g'), '')).toBe(text);
    expect(tint(plain, 'red', 'x')).toBe('x');
  });
});

describe('the last word', () => {
  test('names what is open, or says that all is well now and after a reboot', async () => {
    const host = debianWith({}, { loaded: ['xt_owner'] });
    const desired = desiredOf({ kind: 'module', name: 'xt_owner' });
    const { before, after } = await applyTo(host, desired);
    expect(verdictLine('local', before)).toBe('local: drifted: 1 to change: module/xt_owner');
    expect(verdictLine('local', after)).toBe('local: converged: 1 ok, now and after a reboot');
    expect([summaryLine(before), summaryLine(after)]).toEqual([
      '1 to change. Nothing was changed yet.'.replace(/^/, '0 ok, '),
      '1 ok. This host is ready, now and after a reboot.',
    ]);
  });

  test('names what is blocked first', async () => {
    const plan = await planHost(
      debianWith({}),
      desiredOf({ kind: 'module', name: 'no_such' }, { kind: 'module', name: 'xt_owner' }),
    );
    expect(verdictLine('local', plan)).toBe('local: blocked: 1 blocked: module/no_such; 1 to change: module/xt_owner');
  });
});

describe('explain', () => {
  const story = async (id: string, specs: readonly string[]) => {
    const desired = desiredFrom(specs);
    const plan = await planHost(debianWith({}), desired);
    return explainText(
      {
        finding: findingOf(plan, id),
        wanted: true,
        askedBy: desired.askedBy,
        askers: askersOf(id),
        claims: [],
        actions: plan.actions.filter((a) => a.for.includes(id)),
      },
      plain,
    );
  };

  test('says who wants it and why, what the name means, how the host stands and what would be done', async () => {
    const text = await story('module/xt_connmark', ['istio:mode=ambient']);
    expect(text).toMatch(/^module\/xt_connmark: loaded\n\nWanted by\n {2}istio: keeps the mark/);
    for (const part of [
      'istio/istio.io:content',
      'Kernel option: CONFIG_NETFILTER_XT_CONNMARK',
      'now:  not loaded',
      'boot: not listed',
      '1. write /etc/modules-load.d/node-prep.conf',
    ]) {
      expect(text).toContain(part);
    }
    expect(text.split('\n').filter((line) => line.length > 80 && / \S+ /.test(line.trim()))).toEqual([]);
  });

  test('every id that a profile can ask for has somebody who asks for it', () => {
    const orphans = knownIds().filter((id) => askersOf(id).length === 0);
    expect(orphans).toEqual([]);
    expect(knownIds().length).toBeGreaterThan(140);
  });

  test('the smallest choices that bring a requirement are named', () => {
    expect(askersOf('module/xt_owner')).toMatchObject([{ profile: 'istio', choices: [] }]);
    expect(askersOf('module/wireguard')).toMatchObject([{ profile: 'calico', choices: ['wireguard=true'] }]);
    expect(askersOf('module/nf_tproxy_ipv6')).toMatchObject([
      { profile: 'istio', choices: ['interception=tproxy', 'ip-families=ipv4,ipv6'] },
    ]);
    expect(askersOf('module/nothing')).toEqual([]);
  });
});
