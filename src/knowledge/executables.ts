import { listed, ran } from '../answers.ts';
import type { Answers, Argv, Query } from '../model.ts';

/** Scripts that are run at boot where they may be executed, which no file says. */
export const bootScripts = {
  rcLocal: ['/etc/rc.d/rc.local', '/etc/rc.local'],
  ifUp: ['/etc/network/if-up.d/*'],
  cloudInit: ['/var/lib/cloud/scripts/per-boot/*'],
} as const;

/** The shell expands the patterns and tests; it starts nothing. */
const question = [
  'sh',
  '-c',
  'for f; do for g in $f; do [ -f "$g" ] && [ -x "$g" ] && printf "%s\\n" "$g"; done; done; exit 0',
  'ask-executables',
  ...bootScripts.rcLocal,
  ...bootScripts.ifUp,
  ...bootScripts.cloudInit,
] as const satisfies Argv;

export const executableQueries: readonly Query[] = [
  ...Object.values(bootScripts).flatMap((globs) => globs.map((glob) => ({ ask: 'list' as const, glob }))),
  { ask: 'run', argv: question },
];

/** Whether a boot script may be executed; without an answer it is taken to be. */
export const isExecutable = (answers: Answers, path: string): boolean => {
  const told = Object.values(bootScripts)
    .flat()
    .flatMap((glob) => listed(answers, glob))
    .find((file) => file.path === path && file.executable !== undefined);
  if (told) return told.executable === true;
  const { status, text } = ran(answers, question);
  return status !== 0 || text.split('\n').includes(path);
};
