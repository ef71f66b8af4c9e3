import { reasonOf } from '../knowledge/module-denials.ts';
import type { ModuleDenial } from '../knowledge/module-denials.ts';
import { moduleFact, moduleName } from '../knowledge/module-names.ts';
import type { Requirement } from '../model.ts';
import type { ModuleNeed } from './module-view.ts';

/**
 * What is wanted, and what SELinux keeps the kernel from loading by itself: one more reason for what is wanted already, a requirement for
 * every other module that node-prep knows. Any program in a container can have names put into the log, and to keep unknown modules
 * out is what the denial is for: those are mere advice.
 */
export const withDenied = (
  requirements: readonly Requirement<ModuleNeed>[],
  denials: readonly ModuleDenial[],
): readonly Requirement<ModuleNeed>[] => {
  const meant = (denial: ModuleDenial, name: string): boolean => [denial.module, denial.asked].includes(moduleName(name));
  const wanted = requirements.map((requirement) => ({
    ...requirement,
    because: [...requirement.because, ...denials.filter((denial) => meant(denial, requirement.name)).map(reasonOf)],
  }));
  const others = denials.filter((denial) => !requirements.some(({ name }) => meant(denial, name)));
  return [
    ...wanted,
    ...others.map((denial): Requirement<ModuleNeed> => ({
      kind: 'module',
      name: denial.module,
      because: [reasonOf(denial)],
      ...(moduleFact(denial.module).kconfig === undefined && { advice: true }),
    })),
  ];
};
