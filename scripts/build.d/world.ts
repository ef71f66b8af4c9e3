import { readFileSync } from 'node:fs';
import { planHost } from '../../src/apply.ts';
import { chooseProfile } from '../../src/config.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import { desiredState } from '../../src/requirements.ts';
import { debian12, hostFrom } from '../../test/recordings/hosts.ts';

type Files = { readonly [path: string]: MemoryFile };

/** The files of a made-up host, by path, and what `plan --detailed-exitcode` makes of them. */
export type World = { readonly files: Files; readonly status: number };

/** What a plan is asked for in a made-up world: the commonest profiles with most kinds in them. */
export const wishes = ['kubernetes', 'istio:mode=ambient', 'calico:encapsulation=vxlan'];

/**
 * Two made-up hosts, one with everything to do and one where it is done. What runs on them is what the compiled code in the cache
 * is of, so that it depends on nothing but the sources.
 */
export const worlds = async (): Promise<readonly World[]> => {
  const host = hostFrom({ ...debian12, files: { ...debian12.files, ...furniture } });
  const before = filesOf(host);
  const desired = desiredState(
    wishes.map((wish) => chooseProfile(wish, ['ipv4'])),
    { needs: [], from: '' },
    [],
  );
  const { actions } = await planHost(host, desired);
  for await (const step of host.execute(actions)) if (step.status === 'failed') throw new Error(step.output);
  return [
    { files: filesOf(host), status: 0 },
    { files: before, status: 2 },
  ];
};

const filesOf = ({ files, machine }: MemoryHost): Files => ({
  ...Object.fromEntries(files),
  '/var/lib/dpkg/status': [...machine.installed]
    .map(([name, version]) => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`)
    .join('\n'),
});

/** Files that most hosts have and that node-prep reads. */
const furniture: Files = JSON.parse(readFileSync(new URL('furniture.json', import.meta.url), 'utf8')) as Files;
