import type { Journal, Run, RunHeader, RunRecord, RunStep } from '../journal.ts';

/** A journal that is a list, for tests. `wrote`: each time that something is written down, with what. It may throw. */
export const memoryJournal = (
  wrote: (what: string, step?: number) => void = () => undefined,
): Journal & { readonly list: Run[] } => {
  const list: Run[] = [];
  return {
    list,
    runs: async () => [...list],
    begin: async (header) => {
      wrote('begin');
      const id = (list.at(-1)?.id ?? 0) + 1;
      list.push({ ...header, id, steps: [] });
      return recordIn(list, list.length - 1, header, id, wrote);
    },
  };
};

const recordIn = (
  list: Run[],
  at: number,
  header: RunHeader,
  id: number,
  wrote: (what: string, step?: number) => void,
): RunRecord => {
  const steps: RunStep[] = [];
  const keep = (more: Partial<Run> = {}): void => void (list[at] = { ...header, id, steps: [...steps], ...more });
  return {
    id,
    begun: async (step) => {
      wrote('begun', step);
      steps[step] = { status: 'begun' };
      keep();
    },
    started: (step, pid) => {
      steps[step] = { status: 'begun', command: { pid, start: '0' } };
      keep();
    },
    ended: async (step, { status, output, exitCode }) => {
      wrote('ended', step);
      steps[step] = { ...steps[step], status, ...(output !== '' && { output }), ...(exitCode !== undefined && { exitCode }) };
      keep();
    },
    end: async (end) => {
      wrote('end');
      keep({ end });
    },
  };
};
