import { fileText, listed, numbered, remembered } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName } from './dropins.ts';
import { bootScripts, executableQueries, isExecutable } from './executables.ts';
import { iniLines } from './ini-lines.ts';
import { booleanOf, networkdConfQueries, networkdLines } from './networkd.ts';
import { parseSysctl } from './sysctl-lines.ts';
import type { Setting } from './sysctl-lines.ts';
import { shellSettings } from './sysctl-shell.ts';
import type { Reader } from './sysctl-shell.ts';
import { isMask } from './systemd.ts';
import { tunedQueries, tunedReapplies, tunedSettings } from './tuned.ts';
import { ufwConfigQueries, ufwDefaults, ufwEnabled, ufwSetting } from './ufw-config.ts';

/** The files that somebody reads for settings after systemd-sysctl, and how they come to be run. */
const pulls = ['/etc/systemd/system/*.wants/*', '/etc/systemd/system/*.requires/*'] as const;
const units = '/etc/systemd/system/*.service';
const unitDropins = '/etc/systemd/system/*.service.d/*.conf';
const udevRules = '/etc/udev/rules.d/*.rules';
const interfaces = ['/etc/network/interfaces', '/etc/network/interfaces.d/*'] as const;
const crontabs = ['/etc/crontab', '/etc/cron.d/*'] as const;
const cloudConfigs = ['/etc/cloud/cloud.cfg', '/etc/cloud/cloud.cfg.d/*.cfg', '/var/lib/cloud/instance/user-data.txt'] as const;

const networkManager = '/usr/sbin/NetworkManager';
/** Without these programs their files are dead letters. */
const ifup = ['/usr/sbin/ifup', '/sbin/ifup'] as const;
const cloudInit = ['/usr/bin/cloud-init'] as const;
const crons = ['cron.service', 'crond.service'] as const;

export const lateQueries: readonly Query[] = [
  ...ufwConfigQueries,
  { ask: 'read', path: '/etc/ufw/sysctl.conf' },
  ...pulls.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
  ...[units, unitDropins, udevRules, ...interfaces, ...crontabs, ...cloudConfigs].map((glob) => ({
    ask: 'list' as const,
    glob,
  })),
  { ask: 'read', path: '/etc/cloud/cloud-init.disabled' },
  ...executableQueries,
  ...[networkManager, ...ifup, ...cloudInit].map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
  ...networkdConfQueries,
  ...tunedQueries,
];

/** Settings that are read once more, all in all: thousands of scripts that each read thousands of lines are no real host's. */
const mostRead = 100_000;

/** A setting that is written after systemd-sysctl has done its work, and by whom. */
type LateSetting = Setting & { readonly by: string };

/**
 * What is set at boot after systemd-sysctl, in the order in which it usually comes: ufw, ifupdown, cloud-init, tuned, rc.local, units and
 * cron. `files`: the sysctl.d files and /etc/sysctl.conf, in the order of `sysctl --system`, for those who have them read again.
 */
export const lateSettings = (answers: Answers, files: readonly FoundFile[]): LateSetting[] => {
  let room = mostRead;
  const read: Reader = (reads) => {
    const found = files
      .filter((file) => room > 0 && (reads === 'system' || file.path === reads.file))
      .flatMap((file) => parseSysctl(file.text, file.path, 'procps3'));
    room -= found.length;
    return found;
  };
  const by = (who: string, settings: readonly Setting[]): LateSetting[] => settings.map((s) => ({ ...s, by: who }));
  const shell = (who: string, found: readonly FoundFile[]): LateSetting[] =>
    found.flatMap((file) => by(who, shellSettings(file.text, file.path, read)));
  const script = (globs: readonly string[]): FoundFile[] =>
    all(answers, globs).filter((file) => isExecutable(answers, file.path));
  return [
    ...by('ufw', ufwSettings(answers, files)),
    ...shell(
      'ifupdown',
      isThere(answers, ifup) ? [...interfaceFiles(answers).map((file) => only(file, upLine)), ...script(bootScripts.ifUp)] : [],
    ),
    ...(isEnabled(answers, 'tuned.service') ? by('tuned', [...tunedSettings(answers), ...reapplied(answers, files)]) : []),
    ...shell(
      'cloud-init',
      isCloud(answers) ? [...all(answers, cloudConfigs).map(bootCommands), ...script(bootScripts.cloudInit)] : [],
    ),
    ...shell('rc.local', script(bootScripts.rcLocal)),
    ...by('systemd-networkd', networkdSettings(answers)),
    ...enabledUnits(answers).flatMap((file) => by(unitNamed(file), execSettings(file, read))),
    ...shell('udev', all(answers, [udevRules]).map(ruleCommands)),
    ...shell(
      'cron',
      crons.some((unit) => isEnabled(answers, unit)) ? all(answers, crontabs).map((file) => only(file, rebootLine)) : [],
    ),
  ];
};

/** ufw runs `sysctl -p` on the file that IPT_SYSCTL names, each time it starts with ENABLED=yes (ufw-init-functions). */
const ufwSettings = (answers: Answers, files: readonly FoundFile[]): readonly Setting[] => {
  if (!ufwEnabled(answers) || !isEnabled(answers, 'ufw.service')) return [];
  const path = ufwSetting(ufwDefaults, 'IPT_SYSCTL', answers)?.value ?? '/etc/ufw/sysctl.conf';
  const text = fileText(answers, path) ?? files.find((file) => file.path === path)?.text ?? '';
  return parseSysctl(text, path, 'procps3');
};

/** tuned opens /etc/sysctl.d/*.conf and /etc/sysctl.conf, knows neither patterns nor `-`, and has the rest of /usr forgotten. */
const reapplied = (answers: Answers, files: readonly FoundFile[]): Setting[] =>
  tunedReapplies(answers) && tunedSettings(answers).length > 0
    ? files
        .filter((file) => file.path.startsWith('/etc/'))
        .flatMap((file) => parseSysctl(file.text, file.path, 'procps3'))
        .filter((setting) => !setting.path.startsWith('-'))
    : [];

const isEnabled = (answers: Answers, unit: string): boolean => pulledUnits(answers).has(unit);

/** The units that something pulls in and nothing masks. */
const pulledUnits = remembered((answers): ReadonlySet<string> => {
  const masked = new Set(listed(answers, units).flatMap((file) => (isMask(file) ? [baseName(file.path)] : [])));
  return new Set(all(answers, pulls).flatMap((file) => (masked.has(baseName(file.path)) ? [] : [baseName(file.path)])));
});

/**
 * Who writes this key of a device again, each time the device comes up, if it manages that device: both see to IPv6 themselves
 * (accept_ra becomes 0 then, for they listen to routers instead of the kernel).
 */
export const deviceWriters = (path: string, answers: Answers): string[] => {
  if (!/^net\/ipv6\/conf\/(?!all\/|default\/|lo\/)[^/]+\/(?:accept_ra|autoconf|disable_ipv6|use_tempaddr)/.test(path)) return [];
  return [
    ...(listed(answers, networkManager).length > 0 && isEnabled(answers, 'NetworkManager.service') ? ['NetworkManager'] : []),
    ...(isEnabled(answers, 'systemd-networkd.service') ? ['systemd-networkd'] : []),
  ];
};

const isCloud = (answers: Answers): boolean =>
  isThere(answers, cloudInit) && answers.get('read /etc/cloud/cloud-init.disabled')?.status === 1;

const isThere = (answers: Answers, programs: readonly string[]): boolean =>
  programs.some((path) => listed(answers, path).length > 0);

/** Units of the owner that something starts, a timer of their name among it, and what is added to enabled ones. */
const enabledUnits = (answers: Answers): FoundFile[] => {
  const starts = (unit: string): boolean => isEnabled(answers, unit) || isEnabled(answers, unit.replace(/service$/, 'timer'));
  const added = listed(answers, unitDropins).filter((file) => starts(unitNamed(file)));
  return [...listed(answers, units).filter((file) => !isMask(file) && starts(baseName(file.path))), ...added];
};

/** Of a drop-in its folder names the unit: ssh.service.d/x.conf. */
const unitNamed = ({ path }: FoundFile): string =>
  path.endsWith('.conf') ? (path.split('/').at(-2) ?? '').replace(/\.d$/, '') : baseName(path);

/** The commands of a unit: a backslash at the end of a line joins the next (systemd.service(5)). */
const execSettings = (file: FoundFile, read: Reader): Setting[] =>
  iniLines(file, true)
    .filter(({ key }) => /^Exec(?:StartPre|Start|StartPost)$/.test(key))
    .flatMap(({ value, from }) => shellSettings(value, file.path, read).map((setting) => ({ ...setting, from })));

/** networkd turns forwarding on or off for the whole host from version 256 on (networkd.conf(5)). */
const networkdSettings = (answers: Answers): Setting[] => {
  if (!isEnabled(answers, 'systemd-networkd.service')) return [];
  const forwarding = { IPv4Forwarding: 'net/ipv4/ip_forward', IPv6Forwarding: 'net/ipv6/conf/all/forwarding' };
  return Object.entries(forwarding).flatMap(([key, path]) =>
    networkdLines(key, answers, 'boot').flatMap(({ value, from }): Setting[] => {
      const on = booleanOf(value);
      return on === undefined ? [] : [{ path, value: on ? '1' : '0', from }];
    }),
  );
};

/** Files beside the main one are read only where it says so (interfaces(5)). */
const interfaceFiles = (answers: Answers): FoundFile[] => {
  const [main, others] = interfaces.map((glob) => listed(answers, glob));
  const sources = (main ?? []).some(({ text }) => /^[ \t]*source(?:-directory)?[ \t].*interfaces\.d/m.test(text));
  return [...(main ?? []), ...(sources ? (others ?? []) : [])];
};

/** What rules of udev run, on the lines where they stand. */
const ruleCommands = (file: FoundFile): FoundFile => ({
  ...file,
  text: numbered(file.text)
    .map(({ text }) =>
      /^\s*#/.test(text) ? '' : [...text.matchAll(/RUN(?:\{program\})?\s*\+?=\s*"([^"]*)"/g)].map((m) => m[1]).join('; '),
    )
    .join('\n'),
});

const all = (answers: Answers, globs: readonly string[]): FoundFile[] => globs.flatMap((glob) => listed(answers, glob));

const upLine = /^\s*(?:pre-|post-)?up\s/;
const rebootLine = /^\s*@reboot\s/;

/** The file with every other line made empty, so that the numbers stay. */
const only = (file: FoundFile, line: RegExp): FoundFile => ({
  ...file,
  text: numbered(file.text)
    .map(({ text }) => (line.test(text) ? text : ''))
    .join('\n'),
});

/** The lines below a `bootcmd:` of a cloud-config, which run at every boot; those below `runcmd:` only at the first. */
const bootCommands = (file: FoundFile): FoundFile => {
  let inside = false;
  return {
    ...file,
    text: numbered(file.text)
      .map(({ text }) => {
        if (/^[A-Za-z_]/.test(text)) inside = text.startsWith('bootcmd:');
        return inside ? text.replace(/^\s*-\s*\[?|\]\s*$/g, '').replace(/["'],\s*["']/g, '" "') : '';
      })
      .join('\n'),
  };
};
