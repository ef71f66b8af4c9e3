import type { Action } from '../model.ts';
import { nothing as isNull } from '../journal/checks.ts';
import { argvsOf, command, nothing } from './part.ts';
import type { Part } from './part.ts';

/** A command that has a program read its files again. `files`: those that it is about; `at`: the command of a run that had it do so. */
type Reload = { readonly at: RegExp; readonly files: RegExp; readonly action: Action };

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
  { at: /^ufw /, files: /^\/etc\/ufw\/user6?\.rules$/, action: command(['ufw', 'reload'], 'let ufw read its rules again') },
];

/** Programs that a run had read their files: once the files are back, they read them again. There is nothing to compare. */
export const reloadsPart: Part<null> = {
  name: 'reloads',
  holds: isNull,
  queries: () => [],
  read: () => null,
  back: (_before, _after, _now, { actions, done, pending }) => {
    const lines = argvsOf(actions).map((argv) => argv.join(' '));
    const paths = done.flatMap((action) => (action.do === 'run' ? [] : [action.path]));
    const missed = argvsOf(pending).map((argv) => argv.join(' '));
    const due = reloads.filter(
      ({ at, files, action }) =>
        lines.some((line) => at.test(line)) &&
        (paths.some((path) => files.test(path)) || argvsOf([action]).some((argv) => missed.includes(argv.join(' ')))),
    );
    return { ...nothing, actions: due.map(({ action }) => action) };
  },
};
