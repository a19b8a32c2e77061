/** Files of every kind are loaded as their module systems want it; what goes wrong on the way is told whole. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DataSourcePlace } from '../../../lib/cli/command.js'
import type { Opening, Outcome } from './open-files.js'

jest.setTimeout(60_000)

const ROOT = join(__dirname, '../../..')
const MEMORY = `{ type: 'better-sqlite3', database: ':memory:' }`
/** As loaders go: the files of this spec need no compiling. */
const FAKE_LOADER = (name: string) => `
  globalThis.loaded.push(${JSON.stringify(name)})
  const load = () => { require('node:module')._extensions['.ts'] = (module, path) => module._compile(require('node:fs').readFileSync(path, 'utf8'), path) }
`

const folders: string[] = []
const openings: Opening[] = []
let outcomes: Outcome[] = []

/** Written before any of them is opened; each is opened once, all in one process. */
function opened(
  files: Readonly<Record<string, string>>,
  place: DataSourcePlace = {},
  isPlainNode = false,
): () => Outcome & { folder: string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flushpoint-cli-')))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const index = openings.push({ folder, place, isPlainNode }) - 1
  return () => ({ ...outcomes[index]!, folder })
}

beforeAll(() => {
  const words = ['-r', './.ci/register.cjs', join(__dirname, 'open-files.ts'), JSON.stringify(openings)]
  outcomes = JSON.parse(execFileSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8' })) as Outcome[]
})
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

describe('a file', () => {
  const KINDS: readonly [what: string, file: string, outcome: () => Outcome][] = (
    [
      ['TypeScript', 'a.ts', { 'a.ts': `export default ${MEMORY} as const` }],
      ['CommonJS', 'a.js', { 'a.js': `exports.options = ${MEMORY}` }],
      ['CommonJS by its ending', 'a.cjs', { 'a.cjs': `module.exports = ${MEMORY}`, 'package.json': '{ "type": "module" }' }],
      ['an ES module by its ending', 'a.mjs', { 'a.mjs': `export default ${MEMORY}` }],
      ['an ES module by its package', 'a.js', { 'a.js': `export default ${MEMORY}`, 'package.json': '{ "type": "module" }' }],
      ['an ES module that awaits', 'a.mjs', { 'a.mjs': `export default await Promise.resolve(${MEMORY})` }],
    ] as const
  ).map(([what, file, files]) => [what, file, opened(files as unknown as Record<string, string>, { dataSource: file })])

  it.each(KINDS)('that is %s is loaded', (_what, file, outcome) => {
    expect(outcome()).toMatchObject({ file, type: 'better-sqlite3' })
  })

  const [typescript, module, source] = [
    opened({ 'ormconfig.ts': `export default ${MEMORY}`, 'ormconfig.js': 'nonsense!' }),
    opened({ 'ormconfig.mjs': `export default ${MEMORY}`, 'src/data-source.ts': 'nonsense!' }),
    opened({ 'src/data-source.ts': `export default ${MEMORY}` }),
  ]
  it('is looked for where it usually is', () => {
    expect([typescript().file, module().file, source().file]).toEqual(['ormconfig.ts', 'ormconfig.mjs', join('src', 'data-source.ts')])
  })

  const [nowhere, elsewhere, folder] = [
    opened({}),
    opened({ 'ormconfig.ts': `export default ${MEMORY}` }, { dataSource: 'orm.ts' }),
    opened({ 'src/a.ts': '' }, { dataSource: 'src' }),
  ]
  it('that is not there is refused, with all places where it was looked for', () => {
    expect(nowhere()).toMatchObject({
      code: 'CLI_DATA_SOURCE_NOT_FOUND',
      message: expect.stringContaining(
        'looked for ormconfig.ts, ormconfig.js, ormconfig.mjs, ormconfig.cjs, src/data-source.ts, src/data-source.js.',
      ),
    })
    expect(elsewhere().message).toMatch(/^Cannot find the file of the data source: looked for orm\.ts\./)
    expect(folder().code).toBe('CLI_DATA_SOURCE_NOT_FOUND')
  })

  const preloaded = opened(
    {
      'env.cjs': `process.env.CLI_SPEC_DATABASE = ':memory:'`,
      'node_modules/more/index.js': `globalThis.loaded.push('more')`,
      'a.js': `module.exports = { type: 'better-sqlite3', database: process.env.CLI_SPEC_DATABASE }`,
    },
    { dataSource: 'a.js', require: ['./env.cjs', 'more'] },
  )
  const missing = opened({ 'a.js': '' }, { dataSource: 'a.js', require: ['./gone.cjs'] })
  it('is loaded after what is to be preloaded', () => {
    expect(preloaded()).toMatchObject({ file: 'a.js', loaded: ['more'] })
    expect(missing()).toMatchObject({
      code: 'CLI_FILE_UNLOADABLE',
      message: expect.stringMatching(/^Cannot load \.\/gone\.cjs: Cannot find module/),
    })
  })

  const chosen = opened(
    { 'a.ts': `export const a = ${MEMORY}\nexport const b = { ...a, type: 'nonsense' }` },
    { dataSource: 'a.ts', export: 'a' },
  )
  const both = opened({ 'a.ts': `export const a = ${MEMORY}\nexport const b = { ...a }` }, { dataSource: 'a.ts' })
  it('may export several, of which one is picked', () => {
    expect(chosen().type).toBe('better-sqlite3')
    expect(both()).toMatchObject({ code: 'CLI_DATA_SOURCE_MANY', message: expect.stringContaining('a.ts: it exports a, b') })
  })
})

describe('a file that fails', () => {
  const CASES: readonly [what: string, outcome: () => Outcome, message: string, cause: RegExp][] = (
    [
      [
        'throws',
        'a.ts',
        `throw new RangeError('too far', { cause: new Error('behind it') })`,
        'Cannot load a.ts: too far.',
        /^RangeError: too far\n +at .*a\.ts:1[^]*\nCaused by: Error: behind it\n +at /,
      ],
      ['has a syntax error, as TypeScript', 'a.ts', `const a: number = 1\nexport default {{`, 'Cannot load a.ts: ', /a\.ts:2/],
      [
        'has a syntax error, as CommonJS',
        'a.cjs',
        `const a = 1\nfoo bar`,
        `Cannot load a.cjs: Unexpected identifier 'bar'.`,
        /a\.cjs:2\nfoo bar\n +\^\^\^\n+SyntaxError: /,
      ],
      [
        'has a syntax error, as an ES module',
        'a.mjs',
        `const a = 1\nfoo bar`,
        `Cannot load a.mjs: Unexpected identifier 'bar'.`,
        /a\.mjs:2\nfoo bar\n +\^\^\^\n+SyntaxError: /,
      ],
      [
        'imports what is not there',
        'a.ts',
        `import './entities'`,
        `Cannot load a.ts: Cannot find module './entities'.`,
        /Require stack:\n- .*a\.ts/,
      ],
      ['throws no error', 'a.js', `throw 'no'`, 'Cannot load a.js: no.', /^'no'$/],
      [
        'exports a promise that is rejected',
        'a.ts',
        `export default Promise.reject(new Error('no vault'))`,
        'Cannot load a.ts: no vault.',
        /^Error: no vault\n +at .*a\.ts:1/,
      ],
      [
        'names a driver nobody has',
        'a.ts',
        `export default { type: 'nonsense' }`,
        'Cannot load a.ts: Wrong driver: "nonsense" given.',
        /^MissingDriverError: [^]*\n +at /,
      ],
      [
        'names a driver that is not installed',
        'a.ts',
        `export default { type: 'oracle' }`,
        'Cannot load a.ts: ',
        /^DriverPackageNotInstalledError: [^]*npm install oracledb/,
      ],
    ] as const
  ).map(([what, file, text, message, cause]) => [what, opened({ [file]: text }, { dataSource: file }), message, cause])

  it.each(CASES)('as it %s is told whole', (_what, outcome, message, cause) => {
    expect(outcome()).toMatchObject({
      code: 'CLI_FILE_UNLOADABLE',
      message: expect.stringContaining(message),
      cause: expect.stringMatching(cause),
    })
  })

  const refused = opened(
    { 'a.ts': `export default { type: 'postgres', host: '127.0.0.1', port: 1, username: 'ada', password: 'hunter2' }` },
    { dataSource: 'a.ts' },
  )
  it('to connect is told whole, without its password', () => {
    expect(refused()).toMatchObject({
      code: 'CLI_DATA_SOURCE_UNREACHABLE',
      message: expect.stringContaining('Cannot connect the data source of a.ts: '),
    })
    expect(refused().cause).toMatch(/^(Aggregate)?Error.*ECONNREFUSED[^]*\n +at /)
    expect(JSON.stringify(refused())).not.toContain('hunter2')
  })
})

describe('opening', () => {
  const TABLES = `
    const { DataSource, EntitySchema } = require(${JSON.stringify(join(ROOT, 'node_modules', process.env['TYPEORM'] === '1' ? 'typeorm-1' : 'typeorm'))})
    const Film = new EntitySchema({ name: 'Film', columns: { id: { type: Number, primary: true } } })
    const options = { type: 'better-sqlite3', database: __dirname + '/films.sqlite', entities: [Film], synchronize: true, dropSchema: true, migrationsRun: true }`
  const changing = opened({ 'a.js': `${TABLES}\nexports.films = new DataSource(options)` }, { dataSource: 'a.js' })
  const connected = opened({ 'a.js': `${TABLES}\nexports.films = new DataSource({ ...options }).initialize()` }, { dataSource: 'a.js' })

  it('changes no table', () => {
    expect(changing()).toMatchObject({ tables: [], options: { synchronize: false, migrationsRun: false, dropSchema: false } })
  })

  it('takes a data source that is connected already as it is', () => {
    expect(connected()).toMatchObject({ tables: expect.arrayContaining(['film', 'migrations']) as unknown })
  })
})

describe('TypeScript', () => {
  const DATA_SOURCE = { 'a.ts': `exports.options = ${MEMORY}` }
  const packaged = (name: string, path: string, text: string) => ({
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, exports: { [path]: './loader.js' } }),
    [`node_modules/${name}/loader.js`]: text,
  })
  const TSX = packaged('tsx', './cjs/api', `${FAKE_LOADER('tsx/cjs/api')}; exports.register = load`)
  const OLD_TSX = packaged('tsx', './cjs', `${FAKE_LOADER('tsx/cjs')}; load()`)
  const SWC = packaged('@swc-node/register', '.', `${FAKE_LOADER('@swc-node/register')}; load()`)
  const TS_NODE = packaged('ts-node', './register/transpile-only', `${FAKE_LOADER('ts-node')}; load()`)
  const BROKEN = packaged('tsx', './cjs/api', `throw new Error('wrong platform')`)
  const plain = (files: object, place: DataSourcePlace = { dataSource: 'a.ts' }) => opened({ ...DATA_SOURCE, ...files }, place, true)

  const LOADERS = [
    ['tsx', plain({ ...TSX, ...SWC, ...TS_NODE }), ['tsx/cjs/api']],
    ['an older tsx', plain({ ...OLD_TSX, ...SWC, ...TS_NODE }), ['tsx/cjs']],
    ['@swc-node/register', plain({ ...SWC, ...TS_NODE }), ['@swc-node/register']],
    ['ts-node', plain(TS_NODE), ['ts-node']],
    ['the next one, where one does not work', plain({ ...BROKEN, ...TS_NODE }), ['ts-node']],
    ['what is registered already', opened({ ...DATA_SOURCE, ...TSX }, { dataSource: 'a.ts' }), []],
    [
      'what was preloaded',
      plain({ ...TSX, ...TS_NODE }, { dataSource: 'a.ts', require: ['ts-node/register/transpile-only'] }),
      ['ts-node'],
    ],
  ] as const
  it.each(LOADERS)('is loaded by %s', (_what, outcome, loaded) => {
    expect(outcome()).toMatchObject({ file: 'a.ts', type: 'better-sqlite3', loaded })
  })

  const below = Object.fromEntries(Object.entries({ ...DATA_SOURCE, ...TS_NODE }).map(([path, text]) => [`app/${path}`, text]))
  const nested = opened(below, { dataSource: 'app/a.ts' }, true)
  it('is loaded by what is beside the file, where there is nothing where the user is', () => {
    expect(nested()).toMatchObject({ file: join('app', 'a.ts'), loaded: ['ts-node'] })
  })

  const DECORATED = `const a = () => () => {}\nclass Film { @a() title: string = '' }\nexport default ${MEMORY}`
  const [none, broken, decorated] = [plain({}), plain(BROKEN), plain({ 'a.ts': DECORATED })]
  const isEnough = Boolean((process.features as { typescript?: unknown }).typescript)
  it('without a loader is refused, with what to do, unless Node itself takes the types off', () => {
    if (isEnough) return expect(none()).toMatchObject({ type: 'better-sqlite3', loaded: [] })
    expect(none()).toMatchObject({
      code: 'CLI_LOADER_MISSING',
      message: expect.stringMatching(
        /a\.ts: Node alone does not run it, and none of tsx, @swc-node\/register, ts-node is installed\. Fix: install one of them/,
      ),
    })
  })

  it('with decorators is refused without a loader on every Node', () => {
    expect(decorated().code).toBe('CLI_LOADER_MISSING')
  })

  it('with a loader that does not work says why', () => {
    expect(broken()).toMatchObject({
      code: 'CLI_FILE_UNLOADABLE',
      message: expect.stringContaining('Cannot load tsx/cjs/api: wrong platform.'),
      cause: expect.stringMatching(/^Error: wrong platform\n +at .*loader\.js/),
    })
  })
})
