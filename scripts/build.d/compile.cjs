'use strict';
// Writes V8's compiled code of the bundle: node compile.cjs BUNDLE WORLDS CACHE, on the processor that it is for. Functions are
// compiled when they first run, so the bundle plans made-up hosts first: what it asks Node for, it gets of them.
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, posix, resolve } = require('node:path');
const v8 = require('node:v8');
const { Script } = require('node:vm');

const [bundle, worldsFile, cache] = process.argv.slice(2);
const { worlds, words } = JSON.parse(readFileSync(worldsFile, 'utf8'));
// V8 throws away code that has not run for a while, as often as it collects garbage, and writes down which functions it would
// optimize, as soon as it finds the time: neither may depend on how busy this machine is.
const unsteady = ['flush-bytecode', 'opt', 'maglev', 'sparkplug'];
for (const flag of unsteady) v8.setFlagsFromString(`--no-${flag}`);
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(bundle, 'latin1')}\n})`;
const script = new Script(source, { filename: '/node-prep/app.cjs' });

const main = async () => {
  for (const { files, status } of worlds) {
    const module = { exports: {} };
    script.runInThisContext().call(module.exports, module.exports, madeUp(files), module, '/node-prep/app.cjs', '/node-prep');
    await module.exports.main(words);
    if ((process.exitCode ?? 0) !== status) throw new Error(`the made-up host was found to be otherwise: ${process.exitCode}`);
    process.exitCode = undefined;
  }
  // V8 takes a cache only where its flags are those with which it was written.
  for (const flag of unsteady) v8.setFlagsFromString(`--${flag}`);
  writeFileSync(cache, script.createCachedData());
};

/** What the bundle may require, as the made-up host has it. */
const madeUp = (files) => {
  const modules = {
    'node:fs': fileSystem(files),
    'node:child_process': { spawn: (_shell, words) => child(words) },
  };
  const beside = createRequire(resolve(bundle));
  return (name) => modules[name] ?? beside(name);
};

const fileSystem = (files) => {
  const real = (path, depth = 0) => {
    const parts = path.split('/');
    for (let i = 2; i <= parts.length && depth < 20; i++) {
      const above = parts.slice(0, i).join('/');
      const file = files[above];
      if (typeof file === 'object') return real(posix.resolve(dirname(above), file.link, ...parts.slice(i)), depth + 1);
    }
    return path;
  };
  const at = (path) => {
    if (Object.hasOwn(files, path)) return files[path];
    return Object.keys(files).some((name) => name.startsWith(`${path}/`)) ? 'folder' : undefined;
  };
  const stats = (path) => {
    const found = at(path);
    if (found === undefined) return undefined;
    const folder = !Object.hasOwn(files, path);
    const isLink = typeof found === 'object';
    const size = typeof found === 'string' && !folder ? Buffer.byteLength(found) : 0;
    return { size, isFile: () => !folder && !isLink, isDirectory: () => folder, isSymbolicLink: () => isLink };
  };
  const fail = (code) => {
    throw Object.assign(new Error(code), { code });
  };
  return {
    constants: { X_OK: 1, O_RDONLY: 0, O_NONBLOCK: 0, O_NOCTTY: 0 },
    accessSync: (path) => stats(real(path)) ?? fail('ENOENT'),
    existsSync: (path) => stats(real(path)) !== undefined,
    fstatSync: () => ({ isCharacterDevice: () => false }),
    lstatSync: (path) => stats(posix.join(real(dirname(path)), posix.basename(path))),
    openSync: (path) => {
      const text = files[real(path)];
      return typeof text === 'string' ? { bytes: Buffer.from(text), at: 0 } : fail('ENOENT');
    },
    readSync: (file, into, offset, length) => {
      const got = file.bytes.copy(into, offset, file.at, file.at + length);
      file.at += got;
      return got;
    },
    closeSync: () => undefined,
    readdirSync: (path) => {
      const folder = `${real(path.replace(/\/$/, ''))}/`;
      const below = Object.keys(files).filter((name) => name.startsWith(folder));
      return below.length > 0 ? [...new Set(below.map((name) => name.slice(folder.length).split('/', 1)[0]))] : fail('ENOENT');
    },
    readlinkSync: (path) => files[path].link,
    statSync: (path) => stats(real(path)),
    statfsSync: () => ({ type: 0x63677270 }),
    writeSync: (_to, text) => text.length,
  };
};

/** A shell that has nothing to say to any question. */
const child = ([, text]) => {
  const listeners = {};
  const mark = /end-\d+-\w+/.exec(text)?.[0] ?? '';
  const said = `\n${mark} 0\n`.repeat(text.split(mark).length - 1);
  const stdout = { on: (_event, listener) => queueMicrotask(() => listener(Buffer.from(said))) };
  const once = (event, listener) => void (listeners[event] = listener);
  queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => listeners.close(0))));
  return { pid: undefined, stdout, once };
};

void main();
