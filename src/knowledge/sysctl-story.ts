import { fileText } from '../answers.ts';
import type { Answers, FoundFile } from '../model.ts';
import { baseName, dropinsOf } from './dropins.ts';
import { globbed, isGlob } from './sysctl-globs.ts';
import { lateSettings } from './sysctl-late.ts';
import { parseSysctl } from './sysctl-lines.ts';
import type { Setting } from './sysctl-lines.ts';
import { argumentSettings, leadsToRun, sysctlConf, sysctlFiles } from './sysctl-resolve.ts';

/** A line that sets a key, and who hears it: `boot`, `system` (sysctl --system). `lost`: why somebody does not. */
export type Told = Setting & { readonly boot: boolean; readonly system: boolean; readonly lost?: string };

/** Every line of a host that sets the key of a path below /proc/sys, or one of `others`, in the order in which the boot hears them. */
export const toldOf = (path: string, others: readonly string[], answers: Answers): Told[] => {
  const files = sysctlFiles(answers);
  const lasting = dropinsOf(files.filter((file) => !file.path.startsWith('/run/')));
  const current = dropinsOf(files);
  const byName = [...files].sort((a, b) => (baseName(a.path) < baseName(b.path) ? -1 : 1));
  const all = [
    ...argumentSettings(fileText(answers, '/proc/cmdline') ?? '').map((s): Told => ({ ...s, boot: true, system: false })),
    ...byName.flatMap((file) => toldBy(file, lasting, current)),
    ...parseSysctl(sysctlConf(answers).text, '/etc/sysctl.conf').map((s): Told => ({
      ...s,
      boot: false,
      system: true,
      lost: notAtBoot,
    })),
    ...lateSettings(answers, [...lasting, sysctlConf(answers)]).map((s): Told => ({ ...s, boot: true, system: false })),
  ];
  return all.filter((s) => [path, ...others].includes(s.path) || (isGlob(s.path) && globbed(s.path, path) !== undefined));
};

const notAtBoot = 'read last by sysctl --system, not at boot';

const toldBy = (file: FoundFile, lasting: readonly FoundFile[], current: readonly FoundFile[]): Told[] => {
  const boot = lasting.some((f) => f.path === file.path) && !leadsToRun(file);
  const system = current.some((f) => f.path === file.path);
  const hider = current.find((f) => baseName(f.path) === baseName(file.path))?.path;
  const lost = !system ? `hidden by ${hider ?? 'another file'}` : boot ? undefined : 'gone at boot: /run is emptied';
  return parseSysctl(file.text, file.path).map((s) => ({ ...s, boot, system, ...(lost && { lost }) }));
};
