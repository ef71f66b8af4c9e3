import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { About } from './about.ts';
import type { Library } from './libraries.ts';

type Lock = { readonly packages: { readonly [path: string]: { readonly version: string } } };
type Component = {
  readonly type: 'library' | 'platform';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: 'SHA-512'; readonly content: string }[];
  readonly licenses?: readonly object[];
  readonly components?: readonly Component[];
};

/**
 * What is in the executable, as CycloneDX 1.6: Node with the libraries that it is linked with, and the libraries of the bundle.
 * The same inputs give the same bytes: the serial number is made from the content, the time is the artefacts'.
 */
export const sbomJson = (about: About, libraries: readonly Library[]): string => {
  const components = [nodeComponent(), ...libraries.map(libraryComponent)];
  const own = `pkg:npm/${about.name}@${about.version}`;
  const body = {
    version: 1,
    metadata: {
      timestamp: new Date(about.epoch * 1000).toISOString().replace('.000', ''),
      component: {
        type: 'application',
        'bom-ref': own,
        name: about.name,
        version: about.version,
        description: about.summary,
        licenses: [{ license: { id: about.license } }],
        purl: own,
      },
    },
    components,
    dependencies: [{ ref: own, dependsOn: components.map((c) => c['bom-ref']) }],
  };
  const head = { bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber: `urn:uuid:${uuidFor(JSON.stringify(body))}` };
  return `${JSON.stringify({ ...head, ...body }, undefined, 2)}\n`;
};

const libraryComponent = ({ name, version, license, integrity }: Library): Component => {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const content = Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    hashes: [{ alg: 'SHA-512', content }],
    licenses: [/ (OR|AND|WITH) /.test(license) ? { expression: license } : { license: { id: license } }],
  };
};

/** Versions of process.versions that are of data or interfaces, not of code. */
const notCode = ['node', 'modules', 'napi', 'unicode', 'cldr', 'tz'];

/** Node as this build runs on it, which must be the one that is shipped. */
const nodeComponent = (): Component => {
  const { node, ...parts } = process.versions;
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
  for (const arch of ['x64', 'arm64'])
    if (packages[`node_modules/node-linux-${arch}`]?.version !== node)
      throw new Error(`run this with the Node that is shipped, not ${node}`);
  const purl = `pkg:generic/node@${node}`;
  return {
    type: 'platform',
    'bom-ref': purl,
    name: 'node',
    version: node,
    purl,
    licenses: [{ license: { id: 'MIT' } }],
    components: Object.entries(parts)
      .filter(([name, version]) => !notCode.includes(name) && version !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, version = '']) => ({ type: 'library', 'bom-ref': `${purl}#${name}`, name, version })),
  };
};

/** A UUID of version 8 (RFC 9562: made as one likes) from a text. */
const uuidFor = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
