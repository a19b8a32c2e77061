/**
 * One run tests one database with one TypeORM major, chosen by the environment:
 * DB=sqlite|better-sqlite3|postgres|mariadb (default sqlite) and TYPEORM=0.3|1 (default 0.3).
 */
const { readFileSync } = require('node:fs')

const swc = JSON.parse(readFileSync(`${__dirname}/.swcrc`, 'utf8'))
const { TYPEORM = '0.3', DB = TYPEORM === '1' ? 'better-sqlite3' : 'sqlite' } = process.env
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
    // Everywhere, node_modules included: Nest and the other transaction libraries must meet the same TypeORM.
    ...(TYPEORM === '1' && { '^typeorm$': 'typeorm-1', '^typeorm/(.*)$': 'typeorm-1/$1' }),
  },
  setupFiles: ['reflect-metadata'],
  globalSetup: '<rootDir>/spec/support/global-setup.ts',
  maxWorkers: 2,
  testTimeout: 20_000,
}
