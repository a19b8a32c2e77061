/**
 * Runs the specs, one Jest run per TypeORM major and database, and sums up.
 *
 *   node .ci/specs.mjs               static checks, then the pairs that need nothing but Node
 *   node .ci/specs.mjs all           static checks, then every pair; servers that do not answer are skipped
 *   node .ci/specs.mjs servers       only the pairs that need a server
 *   node .ci/specs.mjs 1+postgres …  these pairs; add `static` for the static checks
 *   node .ci/specs.mjs 1+postgres+row  the session's specs with every row written by a statement of its own; with `+fast` the specs of both ways
 *                                    in, `save` and `remove` writing by sets
 *
 * Arguments after `--` go to Jest. The last line is `N passed, N failed`, with `, N skipped` where there are any; with TOTALS=<file>
 * the numbers are added to that file as a line of JSON.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LOCAL = ['0.3+sqlite', '1+better-sqlite3', '1+better-sqlite3+fast']
const SERVERS = ['0.3+postgres', '1+postgres', '0.3+mariadb', '1+mariadb', '1+postgres+row']
/** What another run says nearly as much of: for `all`. */
const FURTHER = ['0.3+sqlite+row', '0.3+mariadb+row', '0.3+postgres+fast']
const STATIC = ['spec/architecture', 'spec/docs']
/** What asks no database: it is run with the local ones. */
const WITHOUT_DATABASE = [
  'spec/core/',
  'spec/cli/(?!processes)',
  'spec/outbox/transports/',
  'spec/outbox/(json-payload|name-pattern|partition-key)',
]
/** What stands on public hooks: `servers` runs it with one TypeORM for each server; `all` and the local pairs with both. */
const ON_HOOKS = ['spec/outbox/', 'spec/cli/', 'spec/signals/', 'spec/events/', 'spec/extensions/']
/** What is run again where rows are written another way than by default. */
const ENGINES = {
  row: { title: 'row by row', scope: ['--testPathPatterns', 'spec/session', 'spec/typeorm/step-writer'] },
  fast: {
    title: 'fastWrites',
    scope: ['--testPathPatterns', 'spec/session', 'spec/typeorm', 'spec/mapper', '--testPathIgnorePatterns', 'property', 'typeorm/sets'],
  },
}
const SETS = { local: ['static', ...LOCAL], all: ['static', ...LOCAL, ...SERVERS, ...FURTHER], servers: SERVERS }

const [wanted, jestArgs] = splitAt(process.argv.slice(2), '--')
const runs = (wanted.length > 0 ? wanted : ['local']).flatMap((name) => SETS[name] ?? [name])
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'flushpoint-specs-'))
const results = runs.map(run)
rmSync(folder, { recursive: true, force: true })

const sum = (key) => results.reduce((total, result) => total + result[key], 0)
const totals = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
if (process.env.TOTALS) appendFileSync(process.env.TOTALS, `${JSON.stringify(totals)}\n`)

console.log('')
for (const { name, ...result } of results) console.log(`${name.padEnd(40)} ${lineOf(result)}, ${result.seconds.toFixed(1)} s`)
console.log(lineOf(totals))
process.exitCode = totals.failed > 0 || totals.passed === 0 || results.some((result) => result.broken) ? 1 : 0

function run(name) {
  const [typeorm, database, engine] = name.split('+')
  const isStatic = name === 'static'
  const again = ENGINES[engine]
  const title = isStatic ? 'architecture, docs' : `typeorm ${typeorm}, ${database}${again ? `, ${again.title}` : ''}`
  const report = join(folder, `${name}.json`)
  const scope =
    again?.scope ??
    (isStatic
      ? ['--passWithNoTests', ...STATIC]
      : leftOut(database, typeorm).flatMap((path) => ['--testPathIgnorePatterns', `<rootDir>/${path}`]))
  const start = Date.now()
  console.log(`\n=== ${title}`)
  const jest = spawnSync(
    process.execPath,
    [
      'node_modules/jest/bin/jest.js',
      '--json',
      `--outputFile=${report}`,
      '--reporters=default',
      ...workers(database),
      ...scope,
      ...jestArgs,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        ...(isStatic ? { TYPEORM: '0.3', DB: 'sqlite' } : { TYPEORM: typeorm, DB: database, ENGINE: engine ?? 'set' }),
      },
    },
  )
  return { name: title, ...read(report, jest.status), seconds: (Date.now() - start) / 1000 }
}

function leftOut(database, typeorm) {
  const folders = STATIC.map((path) => `${path}/`)
  if (!isServer(database)) return folders
  const isShort = wanted.includes('servers') && typeorm === '0.3'
  return [...folders, ...WITHOUT_DATABASE, ...(isShort ? ON_HOOKS : [])]
}

function isServer(database) {
  return database === 'postgres' || database === 'mariadb'
}

/** One more than jest.config.cjs says: specs wait for a server half of their time. */
function workers(database) {
  return isServer(database) ? ['--maxWorkers=3'] : []
}

/** A suite that does not load has no tests to count, so it counts as one failure itself, as does a run that left no report. */
function read(report, status) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    const failed = numFailedTests + numRuntimeErrorTestSuites
    return {
      passed: numPassedTests,
      failed: status !== 0 && failed === 0 ? 1 : failed,
      skipped: numPendingTests + numTodoTests,
      broken: status !== 0,
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0, broken: true }
  }
}

function lineOf({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

function splitAt(list, mark) {
  const at = list.indexOf(mark)
  return at < 0 ? [list, []] : [list.slice(0, at), list.slice(at + 1)]
}
