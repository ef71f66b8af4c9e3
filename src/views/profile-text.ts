import { kinds } from '../kinds/table.ts';
import type { Desired } from '../model.ts';
import type { Profile } from '../profiles/profile.ts';
import { idOf } from '../requirements.ts';
import type { ChosenProfile } from '../requirements.ts';
import { reasonText } from './plan-text.ts';
import { tint, wrap } from './terminal.ts';
import type { Style } from './terminal.ts';

/** Every profile with its options and their values; the default comes first. */
export const profileListText = (profiles: readonly Profile[], style: Style): string =>
  profiles
    .map((p) =>
      [
        `${tint(style, 'bold', p.name)}: ${p.summary}`,
        ...Object.entries(p.options).flatMap(([name, spec]) => {
          const values = spec.values
            ? [spec.default, ...spec.values.filter((v) => v !== spec.default)].join(' | ')
            : spec.default;
          return [`  ${name}=${values}`, ...wrap(spec.about, style.width, '      ')];
        }),
      ].join('\n'),
    )
    .join('\n\n');

/** Every requirement of a profile with these choices, by kind, each with its reasons. */
export const profileText = (chosen: ChosenProfile, desired: Desired, style: Style): string => {
  const groups = kinds.flatMap((kind) => {
    const own = desired.requirements.filter((r) => r.kind === kind.name);
    if (own.length === 0) return [];
    const rows = own.flatMap((r) => [
      `  ${tint(style, 'cyan', idOf(r))}  ${kind.want(r)}${r.advice ? ' (advice)' : ''}`,
      ...r.because.flatMap((reason) => reasonText(reason, style.width, '      ')),
    ]);
    return ['', `${tint(style, 'bold', kind.title)}: ${own.length}`, ...rows];
  });
  const options = Object.keys(chosen.profile.options).map((key) => `${key}=${chosen.chosen[key] ?? ''}`);
  return [...wrap(`${chosen.profile.name}:${options.join(',')}`, style.width, ''), chosen.profile.summary, ...groups].join('\n');
};
