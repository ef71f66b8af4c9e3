import { fileText, overlay } from '../answers.ts';
import { effective } from '../knowledge/sysctl-effects.ts';
import { parseSysctl } from '../knowledge/sysctl-lines.ts';
import { bootResolver, ownSysctl, systemResolver } from '../knowledge/sysctl-resolve.ts';
import type { Resolver, Winner } from '../knowledge/sysctl-resolve.ts';
import { sysctlKey, sysctlPath, sysctlValue } from '../knowledge/sysctl.ts';
import { ufwTurnedOff } from '../knowledge/ufw-config.ts';
import type { Answers, HostView, NeedOf, Requirement } from '../model.ts';
import { ownFile } from './own-file.ts';
import { cleared } from './take-over.ts';
import type { Cleared } from './take-over.ts';

export type SysctlNeed = NeedOf<'sysctl'>;

/**
 * `own`: what our file is to hold. `boot`, `system`: what the next boot and sysctl --system leave as things are. `bootAfter`,
 * `systemAfter`: once `own` is there.
 */
export type FilePlan = {
  readonly own: string;
  readonly before: string | undefined;
  readonly boot: Resolver;
  readonly system: Resolver;
  readonly bootAfter: Resolver;
  readonly systemAfter: Resolver;
};

type After = Pick<FilePlan, 'bootAfter' | 'systemAfter'>;

/** Whether a value is what a need wants. */
export const fits = (value: string, need: SysctlNeed): boolean =>
  need.atLeast ? Number(value) >= Number(need.value) : sysctlValue(value) === sysctlValue(need.value);

/** What decides the key of a need. A need of a whole number is about a key that holds one. */
export const decided = (resolve: Resolver, need: SysctlNeed): Winner | undefined =>
  effective(resolve, sysctlPath(need.key), /^-?\d+$/.test(need.value) ? 'integer' : undefined);

/** Whether a need has what it wants in the end. */
export const wins = (resolve: Resolver, need: SysctlNeed): boolean => {
  const last = decided(resolve, need);
  return last?.value !== undefined && fits(last.value, need);
};

/** What our file would hold: all that no other file sets. `hindered`: needs that are not written down. */
export const planFile = (
  requirements: readonly Requirement<SysctlNeed>[],
  hindered: (need: SysctlNeed) => boolean,
  host: HostView,
): FilePlan => {
  const { answers } = host;
  const later = ahead(host);
  const before = fileText(answers, ownSysctl);
  const others = [bootResolver(later, ''), systemResolver(later, '')];
  const elsewhere = (need: SysctlNeed) => others.every((resolve) => wins(resolve, need));
  const lines = requirements
    .filter((r) => !r.advice && !elsewhere(r) && !hindered(r))
    .map((r) => ({ path: sysctlPath(r.key), text: `${r.key} = ${r.value}` }));
  // What is waived or blocked stays as an earlier run left it; only what is written anew or set elsewhere goes.
  const settled = new Set([...lines.map((l) => l.path), ...requirements.filter(elsewhere).map((r) => sysctlPath(r.key))]);
  const kept = parseSysctl(before ?? '', ownSysctl).filter((s) => !settled.has(s.path) && s.value !== undefined);
  const own = ownFile(ownSysctl, host, {
    purpose: 'kernel settings',
    lines: lines.map((l) => l.text),
    kept: kept.map((s) => `${sysctlKey(s.path)} = ${s.value ?? ''}`),
    before,
  }).after;
  return {
    own,
    before,
    boot: bootResolver(answers),
    system: systemResolver(answers),
    bootAfter: bootResolver(later, own),
    systemAfter: systemResolver(later, own),
  };
};

/** Who takes a need back once our file is there: at boot, or in the course of sysctl --system; undefined where nobody does. */
export const rivalOf = (need: SysctlNeed, { bootAfter, systemAfter }: After): { last: Winner; when: string } | undefined => {
  for (const [resolve, when] of [
    [bootAfter, 'at boot'],
    [systemAfter, 'by sysctl --system'],
  ] as const) {
    const last = decided(resolve, need);
    if (last && (last.value === undefined || !fits(last.value, need))) return { last, when };
  }
  return undefined;
};

/** The lines of other files commented out until our file decides; undefined where that does not do, or cannot be done. */
export const clearedFor = (need: SysctlNeed, { own }: FilePlan, from: Cleared): Cleared | undefined =>
  cleared(from, `sysctl/${need.key}`, (answers) => {
    const rival = rivalOf(need, { bootAfter: bootResolver(answers, own), systemAfter: systemResolver(answers, own) });
    return rival ? [rival.last.from] : [];
  });

/**
 * The answers as far as this plan changes them before settings are made: a ufw that it turns off writes none any more.
 */
export const ahead = ({ answers, verdicts }: HostView): Answers =>
  verdicts.get('service/ufw') === 'change' ? overlay(answers, [ufwTurnedOff(answers)]) : answers;
