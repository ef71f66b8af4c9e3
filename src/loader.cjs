#!/usr/bin/env node
'use strict';
// Runs app.cjs from compiled code that the build left beside it: compiling takes longer than planning. V8 refuses a cache that
// another version of it made; then the text is compiled as usual.
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const app = join(__dirname, 'app.cjs');
const cache = join(__dirname, 'app.cache');
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(app, 'utf8')}\n})`;
const script = new Script(source, { filename: app, ...(existsSync(cache) && { cachedData: readFileSync(cache) }) });
if (process.env.NODE_PREP_MAKE_CACHE === '1') process.once('exit', () => writeFileSync(cache, script.createCachedData()));
const loaded = { exports: {} };
script.runInThisContext().call(loaded.exports, loaded.exports, require, loaded, app, __dirname);
