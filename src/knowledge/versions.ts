/** Orders two versions of one distribution: negative, 0 or positive. */
export type Compare = (a: string, b: string) => number;

/** dpkg's order, epoch and revision included (deb-version(7)). */
export const compareDebian: Compare = (a, b) => {
  const [x, y] = [debianParts(a), debianParts(b)];
  return x.epoch - y.epoch || debianString(x.upstream, y.upstream) || debianString(x.revision, y.revision);
};

/** rpm's order of EPOCH:VERSION-RELEASE; a missing epoch is 0, a missing release is before any (rpm-version(7)). */
export const compareRpm: Compare = (a, b) => {
  const [x, y] = [debianParts(a), debianParts(b)];
  return x.epoch - y.epoch || rpmString(x.upstream, y.upstream) || rpmString(x.revision, y.revision);
};

/** The version that the authors gave, without the distribution's epoch and revision: "1:1.4.7-1+b2" is "1.4.7". */
export const upstreamVersion = (version: string): string => debianParts(version).upstream;

const debianParts = (version: string): { epoch: number; upstream: string; revision: string } => {
  const match = /^(?:(\d+):)?(.*?)(?:-([^-]*))?$/s.exec(version.trim());
  return { epoch: Number(match?.[1] ?? 0), upstream: match?.[2] ?? '', revision: match?.[3] ?? '' };
};

/** Runs of non-digits and digits in turn; letters sort before other signs, `~` before the end itself. */
const debianString: Compare = (a, b) => {
  let [x, y] = [a, b];
  while (x !== '' || y !== '') {
    const [s, t] = [/^\D*/.exec(x)?.[0] ?? '', /^\D*/.exec(y)?.[0] ?? ''];
    for (let i = 0; i < Math.max(s.length, t.length); i++) {
      const d = debianWeight(s[i]) - debianWeight(t[i]);
      if (d !== 0) return d;
    }
    [x, y] = [x.slice(s.length), y.slice(t.length)];
    const [m, n] = [/^\d*/.exec(x)?.[0] ?? '', /^\d*/.exec(y)?.[0] ?? ''];
    const d = compareNumbers(m, n);
    if (d !== 0) return d;
    [x, y] = [x.slice(m.length), y.slice(n.length)];
  }
  return 0;
};

const debianWeight = (sign: string | undefined): number => {
  if (sign === undefined) return 0;
  if (sign === '~') return -1;
  return /[A-Za-z]/.test(sign) ? sign.charCodeAt(0) : sign.charCodeAt(0) + 256;
};

/** Digits as numbers of any length: leading zeroes do not count. */
const compareNumbers: Compare = (a, b) => {
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0);
};

/** Segments of digits or letters, all else separates; numbers beat letters, `~` sorts before the end, `^` after it but before more. */
const rpmString: Compare = (a, b) => {
  let [x, y] = [a, b];
  while (x !== '' || y !== '') {
    [x, y] = [x.replace(/^[^A-Za-z0-9~^]+/, ''), y.replace(/^[^A-Za-z0-9~^]+/, '')];
    if (x[0] === '~' || y[0] === '~') {
      if (x[0] !== y[0]) return x[0] === '~' ? -1 : 1;
      [x, y] = [x.slice(1), y.slice(1)];
      continue;
    }
    if (x[0] === '^' || y[0] === '^') {
      if (x === '' || y === '') return x === '' ? -1 : 1;
      if (x[0] !== y[0]) return x[0] === '^' ? -1 : 1;
      [x, y] = [x.slice(1), y.slice(1)];
      continue;
    }
    if (x === '' || y === '') break;
    const numeric = /^\d/.test(x);
    const run = numeric ? /^\d+/ : /^[A-Za-z]+/;
    const [s, t] = [run.exec(x)?.[0] ?? '', run.exec(y)?.[0] ?? ''];
    if (t === '') return numeric ? 1 : -1;
    const d = numeric ? compareNumbers(s, t) : s < t ? -1 : s > t ? 1 : 0;
    if (d !== 0) return d;
    [x, y] = [x.slice(s.length), y.slice(t.length)];
  }
  return x === y ? 0 : x === '' ? -1 : 1;
};
