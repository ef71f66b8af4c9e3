import { execFileSync } from 'node:child_process';
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

const epochOf = (given: string | undefined): number => {
  const text = given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' });
  if (!/^\d+\s*$/.test(text)) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${text}`);
  return Number(text);
};

/** The day of an artefact as "2026-11-21". */
export const dayOf = ({ epoch }: About): string => new Date(epoch * 1000).toISOString().slice(0, 10);
