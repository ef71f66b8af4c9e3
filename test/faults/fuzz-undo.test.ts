import { afterAll, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { Run, State } from '../../src/journal.ts';
import { runFrom } from '../../src/journal/text.ts';
import type { Need } from '../../src/model.ts';
import { planUndo, readState, stateQueries, undoQueries } from '../../src/undo.ts';
import { parts } from '../../src/undo/table.ts';
import { historyText } from '../../src/views/history-text.ts';
import { allowing, debianWith, desiredOf, execute } from '../unit/support.ts';
import { countInputs, hidden, runs, survives } from './fuzz-check.ts';
import { documentNear, runSeven } from './fuzz-inputs.ts';

countInputs('undo');

const needs: readonly Need[] = [
  { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' },
  { kind: 'module', name: 'overlay' },
  { kind: 'package', capability: 'socat' },
  { kind: 'swap', policy: 'off' },
  { kind: 'service', name: 'firewalld', state: 'inactive', mask: true },
  { kind: 'port', port: '10250', protocol: 'tcp' },
];

/** A run on a host where most of what can be undone was there to be changed, and how that host answers now. */
const host = debianWith(
  {
    '/etc/fstab': '/swap none swap sw 0 0\n',
    '/proc/swaps': 'Filename Type Size Used Priority\n/swap file 1000 0 -2\n',
  },
  { services: { 'firewalld.service': { active: 'active', enabled: 'enabled' } } },
);
const plan = await planHost(host, allowing(desiredOf(...needs)));
const stateNow = async (): Promise<State> => readState(plan.actions, await host.probe(stateQueries(plan.actions, new Map())));
const before = await stateNow();
await execute(host, plan.actions);
const after = await stateNow();

const header = { ...runSeven, plan };
const steps = plan.actions.flatMap((_, step) => [
  { event: 'begun', step },
  { event: 'ended', step, status: 'done', output: '' },
]);
const end = { event: 'end', at: '2026-01-01T00:00:01.000Z', status: 'applied' };

/** As the journal would read it; undefined where it says that this is no run. */
const runWith = (states: { readonly before: unknown; readonly after: unknown }): Run | undefined => {
  const lines = [{ ...header, before: states.before }, ...steps, { ...end, after: states.after }];
  const run = runFrom(7, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return 'problem' in run ? undefined : run;
};

const real = runWith({ before, after });
if (!real) throw new Error('the run is none');
const answers = await host.probe(undoQueries(real, { packages: true }));

const reached = { planned: 0 };
afterAll(() => console.log(`fuzz (undo): of those ${reached.planned} could be read and were planned`));

/** What undo and history do with it. Nothing but a refusal in words may come of it. */
const undone = (states: { readonly before: unknown; readonly after: unknown }): void => {
  const run = runWith(states);
  if (!run) return;
  undoQueries(run, { packages: true });
  reached.planned++;
  const back = planUndo(run, answers, { packages: true, later: [] });
  for (const { what, why } of [...back.left, ...back.stops]) expect(typeof `${what}${why}`).toBe('string');
  expect(historyText([{ run, busy: false }], { color: false, width: 80 })).not.toMatch(hidden);
};

test('the run that is changed below touches most parts of a host', () => {
  expect(Object.keys(real.before).length).toBe(parts.length);
  expect(planUndo(real, answers, { packages: true, later: [] }).actions.length).toBeGreaterThan(3);
});

test.each(parts.map(({ name }) => name))(
  'of %s, whatever the journal says of before and after, there is a way back or none',
  (name) => {
    survives(documentNear({ before: before[name], after: after[name] }), runs(150, 3000), (value) => {
      const near = Object(value) as { readonly before?: unknown; readonly after?: unknown };
      undone({ before: { ...before, [name]: near.before }, after: { ...after, [name]: near.after } });
    });
  },
  300_000,
);
