/** What a file exports is a data source, leads to one, or is refused by name. */
import { DataSource, type DataSourceOptions } from 'typeorm'
import { chooseDataSource } from '../../../lib/cli/data-source/choose-data-source.js'

const OPTIONS: DataSourceOptions = { type: 'better-sqlite3', database: ':memory:' }
const make = () => new DataSource(OPTIONS)

const [films, people] = [make(), make()]

class Film {}

const choose = (loaded: unknown, exportName?: string) =>
  chooseDataSource(loaded, { file: 'ormconfig.ts', exportName, makeDataSource: (options) => Object.assign(make(), { madeOf: options }) })

const refusal = async (loaded: unknown, exportName?: string): Promise<Error & { code?: string }> =>
  choose(loaded, exportName).then(
    () => Promise.reject(new Error('Expected an error, got none')),
    (error: Error) => error,
  )

describe('a data source', () => {
  it.each([
    ['the default export', { __esModule: true, default: films }],
    ['a named export', { dataSource: films }],
    ['module.exports itself', films],
    ['exported under two names', { default: films, dataSource: films }],
    ['a promise', { default: Promise.resolve(films) }],
    ['module.exports, a promise', Promise.resolve(films)],
    ['beside its options', { options: OPTIONS, default: films }],
    ['beside classes and functions', { Film, other: () => people, films }],
    ['what the default function returns', { default: () => films, other: () => people }],
    ['what an asynchronous function resolves to', { default: async () => films }],
    ['what the only function returns', { Film, connect: () => films }],
    ['what module.exports returns', () => films],
    ['an ES module that imports CommonJS', { default: films, 'module.exports': people }],
  ])('is found as %s', async (_what, loaded) => {
    expect(await choose(loaded)).toBe(films)
  })

  it.each([
    ['the default export', { default: OPTIONS, LIMIT: 7 }],
    ['a named export', { options: OPTIONS }],
    ['module.exports itself', OPTIONS],
    ['a promise', { default: Promise.resolve(OPTIONS) }],
    ['what a function returns', { default: () => OPTIONS }],
  ])('is made of options that are %s', async (_what, loaded) => {
    expect(await choose(loaded)).toMatchObject({ madeOf: OPTIONS })
  })

  it('of another copy of TypeORM is one, too', async () => {
    const foreign = { '@instanceof': Symbol.for('DataSource') }
    expect(await choose({ foreign })).toBe(foreign)
  })

  it('is picked by name', async () => {
    expect(await choose({ films, people }, 'people')).toBe(people)
    expect(await choose({ films, default: people }, 'default')).toBe(people)
    expect(await choose({ films, connect: () => people }, 'connect')).toBe(people)
  })

  it('calls no function where there is a data source without', async () => {
    const drop = jest.fn()
    await choose({ films, drop })
    await choose({ options: OPTIONS, drop })
    expect(drop).not.toHaveBeenCalled()
  })

  it.each([
    ['two of them', { films, people, default: films }, undefined, 'CLI_DATA_SOURCE_MANY', 'it exports films, people, default'],
    ['two options', { a: OPTIONS, b: { ...OPTIONS } }, undefined, 'CLI_DATA_SOURCE_MANY', 'it exports a, b'],
    ['nothing', {}, undefined, 'CLI_DATA_SOURCE_NONE', 'it exports nothing'],
    [
      'other things',
      { Film, LIMIT: 7, list: [OPTIONS] },
      undefined,
      'CLI_DATA_SOURCE_NONE',
      'Film (the class Film), LIMIT (a number), list (an array)',
    ],
    [
      'several functions',
      { one: () => films, two: () => films },
      undefined,
      'CLI_DATA_SOURCE_NONE',
      'one (the function one), two (the function two)',
    ],
    ['a function that returns nothing', { default: () => {} }, undefined, 'CLI_DATA_SOURCE_NONE', 'default (the function default)'],
    ['another name', { films, people }, 'flims', 'CLI_EXPORT_MISSING', 'it has none of that name; did you mean "films"?'],
    ['a class of that name', { Film }, 'Film', 'CLI_DATA_SOURCE_NONE', 'Film (the class Film)'],
    ['undefined', undefined, undefined, 'CLI_DATA_SOURCE_NONE', 'default (undefined)'],
  ])('is not guessed where there are %s', async (_what, loaded, exportName, code, message) => {
    const error = await refusal(loaded, exportName)
    expect(error).toMatchObject({ name: 'CliError', code })
    expect(error.message).toContain(message)
  })

  it.each([
    ['a promise', { default: Promise.reject(new Error('no')) }],
    ['a function', { default: () => Promise.reject(new Error('no')) }],
  ])('that %s fails to give fails with the same error', async (_what, loaded) => {
    expect(await refusal(loaded)).toMatchObject({ message: 'no' })
  })
})
