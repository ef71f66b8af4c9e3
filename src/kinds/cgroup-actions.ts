import { fileText } from '../answers.ts';
import { familyNamed } from '../families/table.ts';
import { cgroupsAtBoot, disabledBy } from '../knowledge/cgroup.ts';
import { bootCmdline, cmdlineWords } from '../knowledge/cmdline.ts';
import { grubFileLines, ownGrubArguments, ownGrubFile } from '../knowledge/grub-arguments.ts';
import type { ArgumentChange } from '../knowledge/grub-arguments.ts';
import type { Action, HostView } from '../model.ts';
import { ownFile } from './own-file.ts';

const unified = 'systemd.unified_cgroup_hierarchy';

/** The kernel arguments that bring version 2 with all controllers at the next boot. */
export const changeFor = (host: HostView): ArgumentChange => {
  const { fs, absent } = cgroupsAtBoot(host);
  const words = cmdlineWords(bootCmdline(host.answers).text);
  const isWrong = (word: string): boolean =>
    (fs !== 'cgroup2fs' && word.startsWith(`${unified}=`)) ||
    (word.startsWith('cgroup_disable=') && disabledBy(word).some((c) => absent.includes(c)));
  const remove = [...new Set(words.filter(isWrong))];
  // These words go into a shell file that root runs: what is no controller's name stays behind.
  const kept = remove.flatMap(disabledBy).filter((c) => !absent.includes(c) && /^[a-z_]+$/.test(c));
  return {
    add: [...(fs === 'cgroup2fs' ? [] : [`${unified}=1`]), ...(kept.length > 0 ? [`cgroup_disable=${kept.join(',')}`] : [])],
    remove,
  };
};

/** Whether what is to be changed stands in our own file already, so that only the menu has to be made from it. */
export const isWritten = (host: HostView): boolean => {
  const [own, { add, remove }] = [ownGrubArguments(host.answers), changeFor(host)];
  const gone = remove.filter((word) => !word.startsWith('systemd.'));
  return add.length + gone.length > 0 && add.every((w) => own.add.includes(w)) && gone.every((w) => own.remove.includes(w));
};

/** Has the boot loader's menu written with these arguments; they count from the next boot on. */
export const cgroupActions = (id: string, host: HostView): Action[] => {
  const way = familyNamed(host.system.family).kernelArguments;
  const change = changeFor(host);
  if (!way) return [];
  return [
    ...(way.ownFile ? [writeOwn(id, host, change)] : []),
    { do: 'run', argv: way.command(change), why: 'put these kernel arguments into the boot menu (needs a reboot)', for: [id] },
  ];
};

/** What an earlier run put there stays. */
const writeOwn = (id: string, host: HostView, { add, remove }: ArgumentChange): Action => {
  const earlier = ownGrubArguments(host.answers);
  // Of systemd's own arguments the last one given counts, so that nothing need be taken away.
  const gone = remove.filter((word) => !word.startsWith('systemd.'));
  const all = { add: [...new Set([...earlier.add, ...add])], remove: [...new Set([...earlier.remove, ...gone])] };
  return {
    ...ownFile(ownGrubFile, host, {
      purpose: 'kernel arguments; update-grub reads this file',
      lines: grubFileLines(all),
      kept: [],
      before: fileText(host.answers, ownGrubFile),
    }),
    for: [id],
  };
};
