import type { Action } from '../model.ts';
import { nothing as isNull } from '../journal/checks.ts';
import { argvsOf, command, nothing } from './part.ts';
import type { Part } from './part.ts';

/**
 * A command that has a program read its files again. `files`: those that it is about; `at`: the command of a run that had it do so.
 * `elsewhere`: another part sees to it where the run began with that command.
 */
type Reload = { readonly at: RegExp; readonly files: RegExp; readonly action: Action; readonly elsewhere?: true };

const reloads: readonly Reload[] = [
  {
    at: /^systemctl daemon-reload$/,
    files: /^/,
    action: command(['systemctl', 'daemon-reload'], 'let systemd read its files again', { judgedBy: 'verify' }),
  },
  {
    at: /^networkctl reload$/,
    files: /\/systemd\/network\//,
    action: command(['networkctl', 'reload'], 'let networkd read its files again'),
  },
  {
    at: /^systemctl try-restart systemd-networkd\.service$/,
    files: /\/systemd\/networkd?(?:\.conf)?[./]/,
    action: command(
      ['systemctl', 'try-restart', 'systemd-networkd.service'],
      'networkd reads networkd.conf only when it starts; addresses stay',
    ),
  },
  {
    at: /^systemctl try-reload-or-restart NetworkManager\.service$/,
    files: /\/NetworkManager\//,
    action: command(['systemctl', 'try-reload-or-restart', 'NetworkManager.service'], 'let NetworkManager read its files again'),
  },
  {
    at: /^update-grub$/,
    files: /^\/etc\/default\/grub/,
    elsewhere: true,
    action: command(['update-grub'], 'put the kernel arguments back as they were (counts from the next boot)'),
  },
  { at: /^ufw /, files: /^\/etc\/ufw\/user6?\.rules$/, action: command(['ufw', 'reload'], 'let ufw read its rules again') },
];

/**
 * Programs that a run had read their files, or was to: they may have done so by themselves since. Once the files are back, they read them
 * again. There is nothing to compare.
 */
export const reloadsPart: Part<null> = {
  name: 'reloads',
  holds: isNull,
  queries: () => [],
  read: () => null,
  back: (_before, _after, _now, { run, actions, done, pending }) => {
    const lines = linesOf(run.plan.actions);
    const begun = linesOf(actions);
    const paths = done.flatMap((action) => (action.do === 'run' ? [] : [action.path]));
    const missed = linesOf(pending);
    const due = reloads.filter(
      ({ at, files, action, elsewhere }) =>
        lines.some((line) => at.test(line)) &&
        !(elsewhere && begun.some((line) => at.test(line))) &&
        (paths.some((path) => files.test(path)) || linesOf([action]).some((line) => missed.includes(line))),
    );
    return { ...nothing, actions: due.map(({ action }) => action) };
  },
};

const linesOf = (actions: readonly Action[]): string[] => argvsOf(actions).map((argv) => argv.join(' '));
