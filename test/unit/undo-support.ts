import { applyHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Journal } from '../../src/journal.ts';
import type { Desired, Outcome, Step } from '../../src/model.ts';
import { laterRuns, pendingOf, runToUndo } from '../../src/undo/runs.ts';
import { undoHost } from '../../src/undo-host.ts';
import type { UndoOutcome } from '../../src/undo-host.ts';

export const header = { words: ['apply', '--yes'], since: '2026-11-21T18:00:00.000Z', by: 'root', version: '0.0.0' };

export const progress = async (_plan: unknown, steps: AsyncIterable<Step>): Promise<Step[]> => {
  const done: Step[] = [];
  for await (const step of steps) done.push(step);
  return done;
};

export const apply = (host: MemoryHost, to: Journal, desired: Desired): Promise<Outcome> =>
  applyHost(host, desired, { partial: true, journal: { to, header } }, { confirm: () => Promise.resolve(true), progress });

type Wish = { readonly partial?: boolean; readonly packages?: boolean; readonly run?: number };

export const undo = async (
  host: MemoryHost,
  to: Journal,
  { partial = false, packages = false, run: id }: Wish = {},
): Promise<UndoOutcome> => {
  const runs = await to.runs();
  const run = runToUndo(id === undefined ? undefined : String(id), runs);
  if (!run) throw new Error('nothing to undo');
  return undoHost(host, run, {
    partial,
    packages,
    later: laterRuns(run, runs),
    pending: pendingOf(run, runs),
    journal: { to, header },
    confirm: () => Promise.resolve(true),
    progress,
  });
};

/** All that there is to compare. Swap and modules without their order and sizes; links that systemd keeps while a unit runs count. */
export const snapshot = ({ machine }: MemoryHost): { [what: string]: unknown } => {
  const files: { [path: string]: MemoryFile } = Object.fromEntries([...machine.files].sort(([a], [b]) => (a < b ? -1 : 1)));
  const lines = (path: string, of: (words: readonly string[]) => string): string[] =>
    (typeof files[path] === 'string' ? files[path] : '')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('Filename'))
      .map((line) => of(line.split(/\s+/)))
      .sort();
  const modules = lines('/proc/modules', (words) => words[0] ?? '');
  const swaps = lines('/proc/swaps', (words) => `${words[0] ?? ''} ${words[4] ?? ''}`);
  for (const path of ['/proc/modules', '/proc/swaps']) delete files[path];
  for (const [path, text] of Object.entries(files))
    if (path.startsWith('/proc/sys/') && typeof text === 'string') files[path] = text.replaceAll('\t', ' ');
  return {
    files,
    modes: Object.fromEntries([...machine.modes].filter(([path]) => machine.files.has(path)).sort()),
    modules,
    swaps,
    services: Object.fromEntries(machine.services),
    packages: Object.fromEntries([...machine.installed].sort()),
    scripts: Object.fromEntries(machine.scripts),
  };
};

/** What programs that came with packages leave where packages stay, and the lists of available ones. */
export const withoutPackages = (host: MemoryHost, before: { [what: string]: unknown }): { [what: string]: unknown } => {
  const now = snapshot(host);
  const known = before['files'] as { [path: string]: unknown };
  const brought = (path: string): boolean =>
    /^\/(?:usr\/s?bin|etc\/alternatives|usr\/lib\/modules|lib\/modules)\//.test(path) ||
    path === '/etc/modprobe.d/sctp-blacklist.conf';
  const files = Object.fromEntries(
    Object.entries(now['files'] as { [path: string]: unknown }).filter(([path]) => !(brought(path) && known[path] === undefined)),
  );
  for (const path of Object.keys(known)) if (brought(path) && path in files) files[path] = known[path];
  return { ...now, files, packages: before['packages'] };
};
