/**
 * The kernel command line as each of its readers understands it: systemd, libkmod and the kernel itself differ about quotes, about
 * `-` and `_`, and about a name that is given twice (all measured with systemd 252, kmod 30, Linux 6.1).
 */

/**
 * The names in modules_load= (also modules-load=), as written. systemd takes quotes away, adds up what is given several times, and
 * reads rd.modules_load= in the initial RAM disk only (kernel-command-line(7), src/basic/proc-cmdline.c).
 */
export const bootArguments = (cmdline: string): string[] =>
  systemdWords(cmdline).flatMap((word) => /^modules[-_]load=(.*)$/s.exec(word)?.[1]?.split(',').filter(Boolean) ?? []);

/**
 * The names in modprobe.blacklist=. libkmod compares them as they are with the module's own name, so one that is written with `-`
 * keeps nothing out, nor does one in quotes (kmod_config_parse_kcmdline()).
 */
export const kmodBlacklist = (cmdline: string): string[] =>
  quotedWords(cmdline).flatMap((word) => /^modprobe\.blacklist=(.*)$/s.exec(word)?.[1]?.split(',') ?? []);

/**
 * The names in module_blacklist=, which the kernel refuses with EPERM. The last one given counts, names are compared as they are,
 * and what follows `--` is for init (kernel/params.c, kernel/module/main.c: blacklisted()).
 */
export const kernelBlacklist = (cmdline: string): string[] => {
  const words = quotedWords(cmdline);
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  const last = own.map((word) => /^"?module[-_]blacklist=(.*)$/s.exec(word)?.[1]).findLast((value) => value !== undefined);
  return (last ?? '').replaceAll('"', '').split(',').filter(Boolean);
};

/** Words between spaces that are not within double quotes; the quotes stay. */
const quotedWords = (cmdline: string): string[] => cmdline.split('\n', 1)[0]?.match(/(?:"[^"]*"?|[^ "])+/g) ?? [];

/** Words between white space, without the quotes of either kind that held some together. */
const systemdWords = (cmdline: string): string[] =>
  (cmdline.split('\n', 1)[0]?.match(/(?:"[^"]*"?|'[^']*'?|[^\s"'])+/g) ?? []).map((word) =>
    word.replace(/"([^"]*)"?|'([^']*)'?/g, '$1$2'),
  );
