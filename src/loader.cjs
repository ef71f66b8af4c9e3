#!/usr/bin/env node
'use strict';
// Runs app.cjs from compiled code that the build left beside it: compiling takes longer than planning. V8 refuses a cache that
// another version of it made; then the text is compiled as usual. In the executable both travel inside of it.
if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.stdout.write(`${NODE_PREP_VERSION}\n`);
} else {
  const { Script } = require('node:vm');
  const parts = IN_EXECUTABLE ? partsInside() : partsBeside();
  const source = `(function (exports, require, module, __filename, __dirname) {${parts.text('app.cjs')}\n})`;
  const script = new Script(source, { filename: parts.path('app.cjs'), ...parts.compiled() });
  const cache = process.env.NODE_PREP_MAKE_CACHE;
  if (cache) process.once('exit', () => require('node:fs').writeFileSync(cache, script.createCachedData()));
  const loaded = { exports: {} };
  script.runInThisContext().call(loaded.exports, loaded.exports, parts.require, loaded, parts.path('app.cjs'), parts.path('.'));
  loaded.exports.main(process.argv.slice(2));
}

/** What the build left in this file's folder. */
function partsBeside() {
  const { existsSync, readFileSync } = require('node:fs');
  const { join } = require('node:path');
  const path = (name) => join(__dirname, name);
  return {
    path,
    require,
    text: (name) => readFileSync(path(name), 'utf8'),
    compiled: () => existsSync(path('app.cache')) && { cachedData: readFileSync(path('app.cache')) },
  };
}

/** What travels in the executable. Libraries are files of their own there as well, read when they are first used. */
function partsInside() {
  const { getAsset, getAssetKeys, getRawAsset } = require('node:sea');
  const path = (name) => `/node-prep/${name}`;
  const libraries = new Map();
  const library = (name) => {
    const known = libraries.get(name);
    if (known) return known.exports;
    const module = { exports: {} };
    libraries.set(name, module);
    const wrapper = `(function (exports, require, module, __filename, __dirname) {${getAsset(name, 'utf8')}\n})`;
    const { Script } = require('node:vm');
    new Script(wrapper, { filename: path(name) })
      .runInThisContext()
      .call(module.exports, module.exports, need, module, path(name), path('lib'));
    return module.exports;
  };
  const need = (name) => (name.startsWith('./lib/') ? library(name.slice(2)) : require(name));
  return {
    path,
    require: need,
    text: (name) => getAsset(name, 'utf8'),
    compiled: () => getAssetKeys().includes('app.cache') && { cachedData: new Uint8Array(getRawAsset('app.cache')) },
  };
}
