import { planHost } from '../../src/apply.ts';
import { chooseProfile } from '../../src/config.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { kindNamed } from '../../src/kinds/table.ts';
import type { Action, Desired, Finding, Host, Need, Plan, Requirement, Step, Waiver } from '../../src/model.ts';
import { desiredState } from '../../src/requirements.ts';
import { debian12, hostFrom } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';

/** What the operator wants, from words as after -p. */
export const desiredFrom = (
  specs: readonly string[],
  ip: readonly string[] = ['ipv4'],
  waivers: readonly Waiver[] = [],
): Desired =>
  desiredState(
    specs.map((spec) => chooseProfile(spec, ip)),
    { needs: [], from: '' },
    waivers,
  );

/** A desired state of bare needs, nothing implied. */
export const desiredOf = (...needs: (Need & { readonly advice?: true })[]): Desired => ({
  requirements: needs.map((need): Requirement => ({
    ...need,
    because: [{ profile: 'test', why: 'a test wants it', source: 'test' }],
  })),
  waivers: [],
  askedBy: ['test'],
  allow: { takeOver: false, rebootChanges: false },
});

/** The same, with --take-over and --allow-reboot-changes. */
export const allowing = (desired: Desired): Desired => ({ ...desired, allow: { takeOver: true, rebootChanges: true } });

/** A Debian 12 with these files on top. */
export const debianWith = (files: { readonly [path: string]: MemoryFile }, more: Partial<Recipe> = {}): MemoryHost =>
  hostFrom({ ...debian12, ...more, files: { ...more.files, ...files } });

/** Does all of a plan's actions. */
export const execute = async (host: Host, actions: readonly Action[]): Promise<Step[]> => {
  const steps: Step[] = [];
  for await (const step of host.execute(actions)) steps.push(step);
  return steps;
};

/** Plans and does it; gives the plan made before and the one made afterwards. */
export const applyTo = async (host: Host, desired: Desired): Promise<{ before: Plan; after: Plan; steps: Step[] }> => {
  const before = await planHost(host, desired);
  const steps = await execute(host, before.actions);
  return { before, steps, after: await planHost(host, desired) };
};

/** The finding of that id; throws where there is none. */
export const findingOf = (plan: Plan, id: string): Finding => {
  const finding = plan.findings.find((f) => f.id === id);
  if (!finding) throw new Error(`no finding ${id} among ${plan.findings.map((f) => f.id).join(', ')}`);
  return finding;
};

/** The plan's finding for one need on a host. */
export const judge = async (host: Host, need: Need & { readonly advice?: true }): Promise<Finding> =>
  findingOf(await planHost(host, desiredOf(need)), kindNamed(need.kind).id(need));

export const idsWith = (plan: Plan, verdict: Finding['verdict']): string[] =>
  plan.findings.filter((f) => f.verdict === verdict).map((f) => f.id);

/** The text that a plan writes to a path. */
export const written = (plan: Plan, path: string): string | undefined =>
  plan.actions.flatMap((a) => (a.do === 'write' && a.path === path ? [a.after] : []))[0];

export const commandsOf = (plan: Plan): string[] => plan.actions.flatMap((a) => (a.do === 'run' ? [a.argv.join(' ')] : []));

/** The lines of a text that are neither comments nor empty. */
export const linesOf = (text: string | undefined): string[] =>
  (text ?? '').split('\n').filter((l) => l !== '' && !l.startsWith('#'));
