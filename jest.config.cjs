/**
 * One run tests one database with one TypeORM major, chosen by the environment:
 * DB=sqlite|better-sqlite3|postgres|mariadb (default sqlite) and TYPEORM=0.3|1 (default 0.3). ENGINE=row writes every row by a statement
 * of its own, as on databases without a strategy for sets of rows; ENGINE=fast has `save` and `remove` write by sets, too.
 */
const { readFileSync } = require('node:fs')

const swc = JSON.parse(readFileSync(`${__dirname}/.swcrc`, 'utf8'))
const { TYPEORM = '0.3', ENGINE = 'set', DB = TYPEORM === '1' ? 'better-sqlite3' : 'sqlite' } = process.env
const databases = {
  0.3: ['sqlite', 'better-sqlite3', 'postgres', 'mariadb'],
  1: ['better-sqlite3', 'postgres', 'mariadb'],
}
if (!databases[TYPEORM]?.includes(DB)) {
  throw new Error(`Cannot test TYPEORM=${TYPEORM} with DB=${DB}: choose one of ${JSON.stringify(databases)}`)
}
process.env.DB = DB
process.env.TYPEORM = TYPEORM

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/spec/**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform: { '\\.ts$': ['@swc/jest', { ...swc, swcrc: false }] },
  resolver: '<rootDir>/.ci/jest-resolver.cjs',
  moduleNameMapper: {
    '^flushpoint$': '<rootDir>/lib/index.ts',
    '^flushpoint/(.*)$': '<rootDir>/lib/$1/index.ts',
    ...(ENGINE === 'row' && { '/strategy-of\\.js$': '<rootDir>/spec/support/no-strategy.ts' }),
    // Everywhere, node_modules included: Nest and the other transaction libraries must meet the same TypeORM.
    ...(TYPEORM === '1' && { '^typeorm$': 'typeorm-1', '^typeorm/(.*)$': 'typeorm-1/$1' }),
  },
  setupFiles: ['reflect-metadata'],
  globalSetup: '<rootDir>/spec/support/global-setup.ts',
  maxWorkers: 2,
  workerIdleMemoryLimit: '500MB', // every file loads TypeORM anew, and a worker that has run fifty of them does little but collect garbage
  testTimeout: 20_000,
}
