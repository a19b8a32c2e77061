/** What people see of a dump, a load and a validation, and how the process ends. */
import type { DataSource } from 'typeorm'
import { openDataSource } from '../../support/databases.js'
import { emptyFolder, filesIn, folderOf } from '../../support/fixtures.js'
import { Author, ENTITIES } from '../../support/models.js'
import { play, type Play } from '../fakes.js'

/** A command line on a database of its own that has these authors. */
async function scene(...names: readonly string[]): Promise<Play> {
  return sceneOn(undefined, names)
}

/** @param columns of a terminal; a pipe without */
async function sceneOn(
  columns: number | undefined,
  names: readonly string[],
  prepare?: (dataSource: DataSource) => Promise<unknown>,
): Promise<Play> {
  const dataSource = await openDataSource({ entities: ENTITIES })
  await prepare?.(dataSource)
  if (names.length > 0) await dataSource.getRepository(Author).insert(names.map((name) => ({ name })))
  return play({ open: async () => dataSource as never, ...(columns !== undefined && { columns }) })
}

const ADA = { 'Author/1_Ada.json': { id: 1, name: 'Ada', model: 'Author' } }

describe('data dump', () => {
  it('writes the files, and says how many of what', async () => {
    const dir = emptyFolder()
    const { run, out, err } = await scene('Ada', 'Grace')
    expect(await run('data', 'dump', dir, '-d', 'ormconfig.ts')).toBe(0)
    expect(Object.keys(filesIn(dir))).toEqual(['Author/1_Ada.json', 'Author/2_Grace.json'])
    expect(out.text).toMatch(/│ Author +│ +2 │/)
    expect(out.lines.at(-1)).toMatch(/^2 rows dumped to .* in \d+ m?s\.$/)
    expect(err.text).toBe('')
  })

  it('shows a bar on a terminal, and not among the results', async () => {
    const { run, out, err } = await sceneOn(100, ['Ada'])
    expect(await run('data', 'dump', emptyFolder())).toBe(0)
    expect(out.text).toMatch(/Author/)
    expect(out.text).not.toContain('dumping')
    expect(err.text).toContain('dumping Author [')
  })

  it('prints one JSON value when asked to, and writes nothing in a dry run', async () => {
    const dir = emptyFolder()
    const { run, out } = await scene('Ada')
    expect(await run('data', 'dump', '--json', '--dry-run', '--include', 'Author', dir)).toBe(0)
    expect(JSON.parse(out.text)).toMatchObject({ rows: 1, isDryRun: true, models: [{ model: 'Author', rows: 1, renamed: 0, removed: 0 }] })
    expect(filesIn(dir)).toEqual({})
  })
})

describe('data load', () => {
  it('loads the files, and says how many of what', async () => {
    const { run, out } = await scene()
    expect(await run('data', 'load', folderOf(ADA))).toBe(0)
    expect(out.text).toMatch(/│ Author +│ +1 │/)
    expect(out.lines.at(-1)).toMatch(/^1 row loaded in /)
  })

  it('rolls a dry run back, and says so', async () => {
    const { run, out } = await scene()
    expect(await run('data', 'load', folderOf(ADA), '--dry-run')).toBe(0)
    expect(out.lines.at(-1)).toMatch(/^1 row could be loaded; rolled back in /)
  })

  it('ends with 1 and the whole error when a table is not empty or a file is wrong', async () => {
    const { run, err } = await scene('Ada')
    expect(await run('data', 'load', folderOf(ADA))).toBe(1)
    expect(err.text).toContain('[DATA_TABLE_NOT_EMPTY]')
    const other = await scene()
    expect(await other.run('data', 'load', folderOf({ 'Author/1.json': { id: 1, nam: 'Ada' } }))).toBe(1)
    expect(other.err.text).toContain('Author/1.json: nam: there is no such column; did you mean "name"?')
  })
})

describe('data load that fails', () => {
  it('tells it in one message, without a stack and without what the database quotes', async () => {
    const { run, err } = await scene('Ada')
    expect(await run('data', 'load', folderOf(ADA))).toBe(1)
    expect(err.lines).toHaveLength(1)
    const rows = { 'Author/1.json': { id: 1, name: 'hunter2' }, 'Author/2.json': { id: 2, name: 'hunter2' } }
    const refused = await sceneOn(undefined, [], (ds) => ds.query('CREATE UNIQUE INDEX one_name ON author (name)'))
    expect(await refused.run('data', 'load', folderOf(rows))).toBe(1)
    expect(refused.err.text).toMatch(/^Cannot load Author\/[12]\.json: .*\(code [\w, ]+\)\. Fix: .* \[DATA_ROW_REFUSED\]\n$/)
    expect(refused.err.text).not.toContain('hunter2')
  })

  it('prints its code, message and problems as JSON when asked to', async () => {
    const { run, out, err } = await scene()
    expect(await run('data', 'load', '--json', folderOf({ 'Author/1.json': { id: 1, nam: 'Ada' } }))).toBe(1)
    expect(JSON.parse(out.text)).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('2 things are wrong') as string,
      problemCount: 2,
      problems: expect.arrayContaining([expect.objectContaining({ file: 'Author/1.json', path: 'nam' })]) as unknown,
    })
    expect(err.text).toBe('')
  })

  it('says so when it is stopped by a signal', async () => {
    const { run, err, stop } = await scene()
    stop.abort()
    expect(await run('data', 'load', folderOf(ADA))).toBe(1)
    expect(err.text).toMatch(/^Cannot finish data load: it was asked to stop\. Fix: .* \[CLI_STOPPED\]\n$/)
  })
})

describe('a database without tables', () => {
  it.each(['dump', 'load'])('is told of by %s, with what to do', async (name) => {
    const { run, err } = await sceneOn(undefined, [], (ds) => ds.dropDatabase())
    expect(await run('data', name, folderOf(ADA))).toBe(1)
    expect(err.lines).toEqual([
      expect.stringMatching(/^Cannot dump or load ".*\. Fix: create the schema first .* \[DATA_TABLES_MISSING\]$/),
    ])
  })
})

describe('data validate', () => {
  it('ends with 0 where nothing is wrong, with 3 where something is', async () => {
    const fine = await scene()
    expect(await fine.run('data', 'validate', folderOf(ADA))).toBe(0)
    expect(fine.out.lines.at(-1)).toBe('Nothing is wrong.')
    const wrong = await scene()
    expect(await wrong.run('data', 'validate', folderOf({ 'Author/1.json': { id: 'x', name: 'Ada' } }))).toBe(3)
    expect(wrong.out.lines.slice(-3)).toEqual(['Author/1.json: id: wanted is a whole number, given is "x"', '', '1 problem found.'])
  })

  it('prints one JSON value when asked to', async () => {
    const { run, out } = await scene()
    expect(await run('data', 'validate', '--json', folderOf({ 'Author/1.json': [] }))).toBe(3)
    expect(JSON.parse(out.text)).toMatchObject({ problemCount: 1, problems: [{ file: 'Author/1.json' }] })
  })
})

describe('every command about data', () => {
  it.each(['dump', 'load', 'validate'])('%s needs a folder, takes one, and names it in its help', async (name) => {
    const { run, err, out } = play()
    expect(await run('data', name)).toBe(2)
    expect(err.text).toContain('[CLI_OPTION_MISSING]')
    expect(err.text).toContain(`Cannot run data ${name}: DIR is required`)
    expect(await run('data', name, 'one', 'two')).toBe(2)
    expect(err.text).toContain('with "two"')
    expect(await run('data', name, ' ')).toBe(2)
    expect(await run('data', name, '--help')).toBe(0)
    expect(out.text).toContain(`Usage: flushpoint data ${name} DIR [options]`)
    expect(out.text).toMatch(/^ {2}DIR +the folder/m)
  })
})
