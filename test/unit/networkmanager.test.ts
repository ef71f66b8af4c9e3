import { expect, describe, test } from 'vitest';
import { queryKey } from '../../src/answers.ts';
import type { Answer } from '../../src/model.ts';
import { careOf, networkManagerQueries } from '../../src/knowledge/networkmanager.ts';
import { debianWith } from './support.ts';
import recorded from '../recordings/networkmanager.json' with { type: 'json' };

type Tree = {
  readonly tree: string;
  readonly files: { readonly [path: string]: string };
  readonly managed: { readonly [device: string]: boolean };
};

const types: { readonly [name: string]: string } = recorded.types;
const main = { '/etc/NetworkManager/NetworkManager.conf': '[main]\nplugins=keyfile\n' };

describe(`lists of unmanaged devices, as ${recorded.program} followed them`, () => {
  test.each((recorded.trees as unknown as Tree[]).map((tree) => [tree.tree, tree] as const))(
    '%s',
    async (_name, { files, managed }) => {
      const answers: ReadonlyMap<string, Answer> = await debianWith({ ...main, ...files }).probe(networkManagerQueries);
      expect(answers.has(queryKey({ ask: 'read', path: '/etc/NetworkManager/NetworkManager.conf' }))).toBe(true);
      const judged = Object.keys(managed).map((name) => [
        name,
        !careOf({ name, type: types[name] ?? '' }, answers, 'now').leftAlone,
      ]);
      expect(Object.fromEntries(judged)).toEqual(managed);
    },
  );
});
