import { familyFor } from '../families/table.ts';
import { fileText, ran } from '../answers.ts';
import { kernelRelease } from './kernel.ts';
import type { Answers, Argv, Query, System } from '../model.ts';

const unameMachine = ['uname', '-m'] as const satisfies Argv;

export const systemQueries: readonly Query[] = [
  { ask: 'read', path: '/etc/os-release' },
  { ask: 'read', path: '/usr/lib/os-release' },
  { ask: 'read', path: '/proc/sys/kernel/osrelease' },
  { ask: 'run', argv: unameMachine },
];

/** What the host is; "" where it does not say (os-release(5)). */
export const readSystem = (answers: Answers): System => {
  const release = osRelease(fileText(answers, '/etc/os-release') ?? fileText(answers, '/usr/lib/os-release') ?? '');
  const id = release.get('ID') ?? 'linux';
  return {
    id,
    versionId: release.get('VERSION_ID') ?? '',
    name: release.get('PRETTY_NAME') ?? 'Linux',
    family: familyFor(id, (release.get('ID_LIKE') ?? '').split(' ')).name,
    kernel: kernelRelease(answers),
    arch: ran(answers, unameMachine).text.trim(),
  };
};

const osRelease = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const match = /^([A-Z0-9_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
      return match?.[1] ? [[match[1], (match[2] ?? match[3] ?? match[4] ?? '').replace(/\\(["$`\\])/g, '$1')]] : [];
    }),
  );
