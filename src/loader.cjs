#!/usr/bin/env node
'use strict';
// Runs app.cjs from compiled code that the build left beside it: compiling takes longer than planning. V8 refuses a cache that
// another version of it made; then the text is compiled as usual. In the executable both travel inside of it.
if (process.argv.length === 3 && process.argv[2] === '--version') {
  sayVersion(`${NODE_PREP_VERSION}\n`);
} else {
  const { Script } = require('node:vm');
  const parts = IN_EXECUTABLE ? partsInside() : partsBeside();
  const source = IN_EXECUTABLE ? parts.bytes('app.cjs').latin1Slice() : wrapped(parts.bytes('app.cjs').latin1Slice());
  const script = new Script(source, { filename: parts.path('app.cjs'), cachedData: parts.bytes('app.cache') });
  const loaded = { exports: {} };
  script.runInThisContext().call(loaded.exports, loaded.exports, parts.require, loaded, parts.path('app.cjs'), parts.path('.'));
  // What is left when the process ends need not be tidied up.
  void loaded.exports.main(process.argv.slice(2)).then((isWritten) => isWritten && process.exit());
}

/** As Node itself wraps a CommonJS module. */
function wrapped(text) {
  return `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
}

/** Node's own stream for it would take longer to load than all the rest. */
function sayVersion(text) {
  try {
    require('node:fs').writeSync(1, text);
  } catch (error) {
    if (error.code === 'EAGAIN') process.stdout.write(text);
    else if (error.code !== 'EPIPE') process.exitCode = 1;
  }
}

/** What the build left in this file's folder. */
function partsBeside() {
  const { existsSync, readFileSync } = require('node:fs');
  const path = (name) => `${__dirname}/${name}`;
  return { path, require, bytes: (name) => (existsSync(path(name)) ? readFileSync(path(name)) : undefined) };
}

/** What travels in the executable. Libraries are files of their own there as well, read when they are first used. */
function partsInside() {
  const { getRawAsset } = require('node:sea');
  const path = (name) => `/node-prep/${name}`;
  const bytes = (name) => Buffer.from(getRawAsset(name));
  const libraries = new Map();
  const library = (name) => {
    const known = libraries.get(name);
    if (known) return known.exports;
    const module = { exports: {} };
    libraries.set(name, module);
    const { Script } = require('node:vm');
    new Script(wrapped(bytes(name).toString('utf8')), { filename: path(name) })
      .runInThisContext()
      .call(module.exports, module.exports, need, module, path(name), path('lib'));
    return module.exports;
  };
  const need = (name) => (name.startsWith('./lib/') ? library(name.slice(2)) : require(name));
  return { path, require: need, bytes };
}
