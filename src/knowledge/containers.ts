import { fileText } from '../answers.ts';
import type { Answers, Query } from '../model.ts';

/**
 * Where a container says what it is: systemd writes the first, podman and others the second (systemd's container interface),
 * Docker and podman put an empty file in the root or in /run.
 */
export const containerQueries: readonly Query[] = [
  { ask: 'read', path: '/run/systemd/container' },
  { ask: 'read', path: '/run/host/container-manager' },
  { ask: 'read', path: '/run/.containerenv', lines: [] },
  { ask: 'read', path: '/.dockerenv', lines: [] },
];

/** The kind of container that this is, and the file that says so; undefined where nothing says that it is one. */
export const containerOf = (answers: Answers): { readonly kind: string; readonly from: string } | undefined => {
  for (const from of ['/run/systemd/container', '/run/host/container-manager']) {
    const word = (fileText(answers, from) ?? '').trim();
    if (word !== '') return { kind: names[word] ?? word, from };
  }
  if (fileText(answers, '/run/.containerenv') !== undefined) return { kind: 'podman', from: '/run/.containerenv' };
  return fileText(answers, '/.dockerenv') === undefined ? undefined : { kind: 'Docker', from: '/.dockerenv' };
};

/** What a container says of itself, as people call it. */
const names: { readonly [word: string]: string } = { lxc: 'LXC', 'lxc-libvirt': 'LXC', docker: 'Docker', oci: 'OCI' };
