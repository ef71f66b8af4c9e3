import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { dayOf } from './about.ts';
import type { About } from './about.ts';
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts';
import { manPage } from './man.ts';

/**
 * A file that a package installs, owned by root, with its bytes or copied from another. The folder of the metrics is none of them:
 * where Prometheus' package owns it, with another owner, rpm would refuse to install both; the unit makes it where it is missing.
 */
export type Entry = { readonly path: string; readonly mode: number } & (
  { readonly bytes: string | Uint8Array } | { readonly from: string }
);

/** Where distributions want a thing that not all of them want in the same place. */
export type Places = { readonly zsh: string; readonly doc: string };

/** What both packages install, apart from what each says of itself in its own way. */
export const contents = (executable: string, about: About, places: Places): Entry[] => [
  { path: '/usr/bin/node-prep', mode: 0o755, from: executable },
  file('/usr/share/man/man1/node-prep.1.gz', gzipped(manPage(about))),
  file('/usr/share/bash-completion/completions/node-prep', bashCompletion()),
  file(`${places.zsh}/_node-prep`, zshCompletion()),
  file('/usr/share/fish/vendor_completions.d/node-prep.fish', fishCompletion()),
  file('/usr/lib/systemd/system/node-prep-verify.service', template('node-prep-verify.service')),
  file('/usr/lib/systemd/system/node-prep-verify.timer', template('node-prep-verify.timer')),
  file('/usr/share/node-prep/node-problem-detector.json', template('node-problem-detector.json')),
  file('/usr/share/node-prep/config.schema.json', readFileSync('schemas/config.schema.json')),
  file('/usr/share/node-prep/output.schema.json', readFileSync('schemas/output.schema.json')),
  file('/usr/share/node-prep/history.schema.json', readFileSync('schemas/history.schema.json')),
  file(`${places.doc}/examples/node-prep.yaml`, template('node-prep.yaml')),
];

export const file = (path: string, bytes: string | Uint8Array): Entry => ({ path, mode: 0o644, bytes });

/** Without name and time, so that the same text gives the same bytes. */
export const gzipped = (text: string | Uint8Array): Uint8Array => gzipSync(text, { level: 9 });

export const template = (name: string): string => readFileSync(`templates/package/${name}`, 'utf8');

/** Under which terms a package is, and where those of its parts are. */
export const copyright = (about: About, notices: string): string => `node-prep ${about.version}

Copyright ${dayOf(about).slice(0, 4)} the node-prep maintainers

Licensed under the Apache License, Version 2.0; on Debian a copy is in
/usr/share/common-licenses/Apache-2.0, elsewhere at
https://www.apache.org/licenses/LICENSE-2.0

The executable holds Node.js and libraries, each under its own terms, which
are in ${notices}
`;
