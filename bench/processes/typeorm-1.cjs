/**
 * Loaded first, makes `typeorm` mean TypeORM 1 to everything that is required in this process, flushpoint included.
 */
const Module = require('node:module')
const resolveFilename = Module._resolveFilename

Module._resolveFilename = function (request, ...rest) {
  return resolveFilename.call(this, request.replace(/^typeorm(?=\/|$)/, 'typeorm-1'), ...rest)
}
