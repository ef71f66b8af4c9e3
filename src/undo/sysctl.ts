import { driverOf, kernelInteger, sysctlKey, sysctlValue } from '../knowledge/sysctl.ts';
import type { Answers } from '../model.ts';
import { mapOf, text } from '../journal/checks.ts';
import { command, namesInWords, nothing } from './part.ts';
import type { BackView, Left, Part } from './part.ts';
import { isNamedBy, keyQueries, maySet, meantBy, queryFor, setsKeys } from './sysctl-keys.ts';

/** Values by path below /proc/sys, as the kernel shows them with single spaces. */
type Values = { readonly [path: string]: string };

/** What is to be done about one key. */
type Want = { readonly path: string; readonly value: string };

/** Kernel settings that `sysctl` changed, whoever's file it read them from. */
export const sysctlPart: Part<Values> = {
  name: 'sysctl',
  holds: mapOf(text, /^[^-]/),
  queries: keyQueries,
  again: (before, after) => [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].map(queryFor),
  read: (actions, answers) => (setsKeys(actions) ? valuesIn(answers) : {}),
  back: (all, after, now, view) => {
    if (!setsKeys(view.actions)) return nothing;
    const mayBeSet = maySet(view.actions, view.answers);
    const before = Object.fromEntries(Object.entries(all).filter(([path]) => mayBeSet(path)));
    const differing = Object.keys(before).filter((path) => now[path] !== before[path] && isThere(path, now, after, view));
    const meant = meantBy(view.actions, view.answers);
    const isOurs = (path: string): boolean => {
      const values = meant.filter((one) => isNamedBy(one.path, path)).map(({ value }) => value);
      const isMeant = values.some((value) => isSame(value, now[path]));
      return after ? now[path] === after[path] && (isMeant || values.length === 0 || isLed(path, differing)) : isMeant;
    };
    const stays = differing.flatMap((path) => obstacle(path, before[path] ?? '', now[path]));
    const free = differing.filter((path) => !stays.some(({ what }) => what === sysctlKey(path)));
    const wants = free.filter(isOurs).map((path) => ({ path, value: before[path] ?? '' }));
    const kept = withDriven(wants, before, now, (path) => !after || isOurs(path));
    const others = free.filter((path) => !isOurs(path) && !isDriven(path, kept));
    return {
      ...nothing,
      actions: kept.length === 0 ? [] : [writeAll(kept)],
      left: [...stays, ...others.map((path) => changed(path, before, after, now))],
    };
  },
};

/** All that is answered below /proc/sys. */
const valuesIn = (answers: Answers): Values => {
  const found: { [path: string]: string } = {};
  for (const [key, answer] of answers) {
    if (key.startsWith('read /proc/sys/') && answer.status === 0)
      found[key.slice('read /proc/sys/'.length)] = sysctlValue(answer.text);
    if (!key.startsWith('list /proc/sys/')) continue;
    for (const file of answer.files ?? []) found[file.path.slice('/proc/sys/'.length)] = sysctlValue(file.text);
  }
  return found;
};

/** A key that went with a module is there again once the module is; others that are gone, as with a device, stay away. */
const isThere = (path: string, now: Values, after: Values | undefined, view: BackView): boolean =>
  now[path] !== undefined ||
  (after !== undefined && after[path] === undefined && view.done.some((a) => a.do === 'run' && a.argv[0] === 'modprobe'));

/** As the kernel reads and shows them: 0x1f is 31. */
const isSame = (meant: string, shown: string | undefined): boolean =>
  meant === shown || (shown !== undefined && kernelInteger(meant) === shown);

/** Whether another key that differs as well may have set this one, whatever files say of it. */
const isLed = (path: string, differing: readonly string[]): boolean =>
  driverOf(path)?.paths.some((driver) => differing.includes(driver)) === true;

/**
 * Switches that the kernel lets nobody turn back before the next boot, with the values that lock them, and what is no setting at all
 * (Documentation/admin-guide/sysctl/kernel.rst, vm.rst; LSM/Yama.rst).
 */
const oneWay: readonly (readonly [path: RegExp, locked: RegExp])[] = [
  [/^kernel\/(?:modules_disabled|kexec_load_disabled|unprivileged_bpf_disabled)$/, /^1$/],
  [/^kernel\/yama\/ptrace_scope$/, /^3$/],
  [/^vm\/(?:drop_caches|compact_memory)$/, /^/],
];

const obstacle = (path: string, was: string, is: string | undefined): Left[] => {
  const what = sysctlKey(path);
  if (oneWay.some(([key, locked]) => key.test(path) && locked.test(is ?? '')))
    return [{ what, why: `it is ${is ?? 'gone'} and was ${was}: only a reboot puts that back` }];
  // sysctl takes no empty value.
  return was === '' ? [{ what, why: `it is "${is ?? ''}" and was empty: echo > /proc/sys/${path} puts that back` }] : [];
};

const changed = (path: string, before: Values, after: Values | undefined, now: Values): Left => {
  const [was, left, is] = [before[path] ?? '', after?.[path], now[path] ?? ''];
  if (left === is && left !== undefined)
    return {
      what: sysctlKey(path),
      why: `it is ${is}, and neither this run nor a file says so: somebody set it while the run was at work; before it was ${was}`,
    };
  const run = left === undefined ? '' : `this run left it at ${left}, and `;
  return { what: sysctlKey(path), why: `somebody has set it to ${is} since; ${run}before it was ${was}` };
};

const rank = ({ path, value }: Want): number => {
  // The IPv6 default route must not be lost: devices listen to routers before forwarding comes, and stop only once it is gone.
  if (path.endsWith('/accept_ra')) return value === '2' ? 0 : 9;
  if (path === 'net/ipv4/ip_forward') return 1;
  if (path.includes('/conf/all/')) return 2;
  if (path.includes('/conf/default/')) return 3;
  return value === '0' && path.startsWith('vm/') ? 5 : 4;
};

/** Keys that a kept one sets along with itself. */
const isDriven = (path: string, kept: readonly Want[]): boolean =>
  driverOf(path)?.paths.some((driver) => kept.some((want) => want.path === driver)) === true;

/** In the order in which they are written, without those that a write before sets as wanted, and with those that it sets otherwise. */
const withDriven = (wants: readonly Want[], before: Values, now: Values, isMine: (path: string) => boolean): Want[] => {
  const kept: Want[] = [];
  const sorted = [...wants].sort((a, b) => rank(a) - rank(b));
  for (const want of sorted) if (!isLesser(want) || givenBy(kept, want.path) !== want.value) kept.push(want);
  const others = Object.keys(before).filter((path) => now[path] !== undefined && !wants.some((want) => want.path === path));
  const spoilt = others.flatMap((path): Want[] => {
    const value = isMine(path) ? before[path] : now[path];
    const given = givenBy(kept, path);
    return value !== undefined && value !== '' && given !== undefined && given !== value ? [{ path, value }] : [];
  });
  return [...kept, ...spoilt].sort((a, b) => rank(a) - rank(b));
};

/** One of many devices, or a limit that holds 0 while its rival is in force: the kernel refuses some of these zeros. */
const isLesser = ({ path, value }: Want): boolean =>
  /^net\/ipv[46]\/conf\/(?!all\/|default\/)/.test(path) || (path.startsWith('vm/') && value === '0');

/** The value that a key gets by writes to others. */
const givenBy = (kept: readonly Want[], path: string): string | undefined => {
  const driver = driverOf(path);
  return driver && kept.flatMap((want) => (driver.paths.includes(want.path) ? (driver.gives(want.value) ?? []) : [])).at(-1);
};

/** `-e`: a key that went with its device in the meantime is no failure. */
const writeAll = (kept: readonly Want[]) =>
  command(
    ['sysctl', '-e', '-w', ...kept.map(({ path, value }) => `${sysctlKey(path)}=${value}`)],
    kept.length < 4
      ? `set ${namesInWords(kept.map(({ path }) => sysctlKey(path)))} back`
      : `set ${kept.length} kernel settings back`,
    { judgedBy: 'verify' },
  );
