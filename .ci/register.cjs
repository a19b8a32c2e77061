/**
 * Runs TypeScript files in place: `node -r ./.ci/register.cjs demo/index.ts`.
 *
 * Compiles with .swcrc (legacy decorators with metadata), resolves `flushpoint` to lib/ and `./name.js` to `./name.ts`,
 * and with TYPEORM=1 `typeorm` to TypeORM 1.
 */
const { existsSync, readFileSync } = require('node:fs')
const Module = require('node:module')
const { dirname, join, resolve } = require('node:path')
const { transformSync } = require('@swc/core')

const ROOT = dirname(__dirname)
const options = JSON.parse(readFileSync(join(ROOT, '.swcrc'), 'utf8'))
const resolveFilename = Module._resolveFilename

process.setSourceMapsEnabled(true)

Module._resolveFilename = function (request, parent, ...rest) {
  return resolveFilename.call(this, redirect(request, parent?.filename), parent, ...rest)
}

function redirect(request, from = '') {
  const [, entry] = /^flushpoint(?:\/(.+))?$/.exec(request) ?? []
  if (entry && entry !== 'package.json') return join(ROOT, 'lib', entry, 'index.ts')
  if (request === 'flushpoint') return join(ROOT, 'lib/index.ts')
  if (process.env.TYPEORM === '1' && /^typeorm(\/|$)/.test(request)) return request.replace('typeorm', 'typeorm-1')
  if (/^\.{1,2}\/.*\.js$/.test(request) && from.endsWith('.ts')) {
    const source = resolve(dirname(from), request.replace(/\.js$/, '.ts'))
    if (existsSync(source)) return source
  }
  return request
}

Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, filename, swcrc: false })
  module._compile(code, filename)
}
