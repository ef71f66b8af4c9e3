import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { machine } from 'node:os';
import { resolve } from 'node:path';
import { queryKey } from '../answers.ts';
import { heldLock, holdLock, treeLock } from '../connectors/lock.ts';
import { askInTree, runInTree } from '../connectors/tree.ts';
import { copyAttributes } from '../connectors/local.ts';
import type { Ran } from '../connectors/local.ts';
import { OperatorError } from '../errors.ts';
import { elfHeader, elfMachine } from '../knowledge/processors.ts';
import type { Answer, Answers, Argv, Host, Query } from '../model.ts';
import { codeOf } from '../trouble.ts';
import { listAnswer, unlooked } from './files.ts';
import { readAnswer } from './read.ts';
import type { Place } from './place.ts';
import { pathsOf, sweep } from './leftovers.ts';
import { inOrder } from './steps.ts';
import { treePlace } from './tree.ts';
import { requireWritable } from './writable.ts';

/**
 * The file tree of an image that is not running, below a folder of this machine. Paths are those of the image. Throws an
 * OperatorError where that folder is no such tree.
 */
export const imageHost = (folder: string): Host => {
  const root = rootOf(folder);
  const place = treePlace(root);
  if (![`/etc`, `/usr/lib`].some((path) => isFile(place, `${path}/os-release`))) {
    throw new OperatorError(
      `${folder} holds no system: there is neither etc/os-release nor usr/lib/os-release in it.`,
      '--root wants the folder that will be / of the image.',
    );
  }
  return {
    name: `image ${root}`,
    image: { root },
    probe: (queries) => probe(queries, root, place),
    lock: (patience) => holdLock(`node-prep ${process.argv.slice(2).join(' ')}`, patience, treeLock(root)),
    execute: (actions, watch) => {
      sweep(pathsOf(actions), place);
      requireWritable(actions, place);
      return inOrder(actions, place, { run: (argv, started) => runIn(root, argv, started), attributes: copyAttributes }, watch);
    },
  };
};

/** Where a file of an image is on this machine; undefined where the image has none of that path. */
export const fileOfImage = (folder: string, path: string): string | undefined => {
  const place = treePlace(rootOf(folder));
  return isFile(place, path) ? place.behind(path) : undefined;
};

const rootOf = (folder: string): string => {
  const root = realRoot(folder);
  if (!statSync(root).isDirectory())
    throw new OperatorError(`--root ${folder} is no folder.`, 'Unpack or mount the image first.');
  const [own, there] = [statSync('/'), statSync(root)];
  if (own.dev === there.dev && own.ino === there.ino)
    throw new OperatorError(`--root ${folder} is this host itself, which runs.`, 'Leave --root out.');
  return root;
};

const realRoot = (folder: string): string => {
  try {
    return realpathSync(resolve(folder));
  } catch (error) {
    throw new OperatorError(`--root ${folder} cannot be looked into: ${codeOf(error)}.`, 'Unpack or mount the image first.');
  }
};

const isFile = (place: Place, path: string): boolean => readAnswer(place, path, []).status === 0;

const probe = async (queries: readonly Query[], root: string, place: Place): Promise<Answers> => {
  const looked = unlooked();
  const asked = queries.flatMap((query) => (query.ask === 'run' && query.of === 'files' ? [query.argv] : []));
  const told = process.geteuid?.() === 0 ? await askInTree(root, asked) : { problem: 'only root can run commands in an image' };
  const next = ('answers' in told ? told.answers : []).values();
  const closed = 'problem' in told ? told.problem : undefined;
  return new Map(
    queries.map((query): [string, Answer] => [
      queryKey(query),
      query.ask === 'read'
        ? readAnswer(place, query.path, query.lines, query.paragraphs, looked.room)
        : query.ask === 'list'
          ? listAnswer(place, query.glob, query.lines, looked)
          : query.of === 'files'
            ? (next.next().value ?? { status: 126, text: '' })
            : ofNothing(query.argv, root, place, closed),
    ]),
  );
};

/**
 * What a command would print where nothing runs: scripts, nothing. `chroot ROOT true` is the question whether commands can be run in
 * the tree, and where they cannot the answer says why.
 */
const ofNothing = (argv: Argv, root: string, place: Place, problem: string | undefined): Answer => {
  if (argv[0] === 'sh' && argv[1] === '-c') return { status: 0, text: '' };
  if (argv.join(' ') === 'uname -m') return { status: 0, text: `${processorOf(place)}\n` };
  if (argv[0] !== 'chroot' || argv[1] !== root) return { status: 127, text: '' };
  return problem === undefined ? { status: 0, text: '' } : { status: 126, text: whyClosed(problem, place, processorOf(place)) };
};

/** What is wrong with the tree says more than what became of the try. */
const whyClosed = (problem: string, place: Place, processor: string): string => {
  if (process.geteuid?.() !== 0) return problem;
  if (processor === 'unknown') return 'there is no /bin/sh in this image';
  if ((statSync(place.behind('/')).mode & 0o001) === 0) return 'its / is closed to all but root (chmod 755 it)';
  if (processor !== machine()) return `its programs are for ${processor}, which cannot be run here`;
  return problem;
};

/** The processor that the tree's shell was built for. */
const processorOf = (place: Place): string => {
  try {
    const header = Buffer.alloc(elfHeader);
    const file = openSync(place.behind('/bin/sh'), 'r');
    readSync(file, header);
    closeSync(file);
    return elfMachine(header) ?? 'unknown';
  } catch {
    return 'unknown';
  }
};

/** Only what says itself that it runs in the tree is run: anything else would change this machine. */
const runIn = async (root: string, [program, folder, first, ...words]: Argv, started: (pid: number) => void): Promise<Ran> =>
  program === 'chroot' && folder === root && first !== undefined
    ? runInTree(root, [first, ...words], started, heldLock(treeLock(root)))
    : { exitCode: 127, output: `${program} is not run for an image` };
