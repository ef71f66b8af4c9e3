import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What every artefact says of itself. `epoch`: the one moment that all of them are dated with, in seconds of Unix time. */
export type About = {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly license: string;
  readonly maintainer: string;
  readonly epoch: number;
};

type PackageJson = { readonly name: string; readonly version: string; readonly description: string; readonly license: string };

/** From package.json alone, dated as SOURCE_DATE_EPOCH says (reproducible-builds.org), else by the last commit. */
export const readAbout = (): About => {
  const { name, version, description, license } = JSON.parse(readFileSync('package.json', 'utf8')) as PackageJson;
  const maintainer = 'node-prep maintainers <maintainers@node-prep.invalid>';
  return { name, version, summary: description, license, maintainer, epoch: epochOf(process.env['SOURCE_DATE_EPOCH']) };
};

/** Where there is neither the variable nor a history, as in an unpacked archive of the sources, the start of 1980. */
const epochOf = (given: string | undefined): number => {
  const text = given ?? spawnSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' }).stdout ?? '';
  if (given !== undefined && !/^\d+$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${given}`);
  return Number(text) || 315_532_800;
};

/** The day of an artefact as "2026-11-21". */
export const dayOf = ({ epoch }: About): string => new Date(epoch * 1000).toISOString().slice(0, 10);
