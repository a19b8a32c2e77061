/**
 * Validation by class-validator's decorators, and where it is not installed.
 *
 * @module
 */
import { hasErrorCode, install } from 'flushpoint'
import { Validation, type ValidationError } from 'flushpoint/extensions'
import { z } from 'zod'
import { errorOf, useDatabase } from '../../support/chains.js'
import { describeDatabase } from '../../support/databases.js'
import { Captain, Member, MEMBERS, Team, member } from '../../support/members.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const told = (error: Error) => {
  if (!hasErrorCode(error, 'VALIDATION_FAILED')) throw error
  return (error as unknown as ValidationError).failures.map(({ name, path }) => `${name} ${path}`).sort()
}

describeWays('validation by class-validator', (way) => {
  const db = useDatabase(MEMBERS)

  it('refuses what the decorators refuse, nested and inherited ones too', async () => {
    db.use(Validation.with({ classValidator: true }))
    const wrong = member({ email: 'none', address: Object.assign(member().address, { zip: '1' }) }, Captain)
    expect(told(await errorOf(way.save(db.ds, [wrong, member({ name: '' })])))).toEqual([
      'Captain address.zip',
      'Captain email',
      'Member name',
    ])
    expect(await db.ds.manager.count(Member)).toBe(0)
  })

  it('writes what is valid, and classes without decorators', async () => {
    const team = await way.save(db.use(Validation.with({ classValidator: true })), make(Team, { name: '', members: [member()] }))
    expect((await db.ds.manager.find(Team)).map(({ id, name }) => ({ id, name }))).toEqual([{ id: team.id, name: '' }])
    expect((await db.ds.manager.find(Member)).map(({ name }) => name)).toEqual([member().name])
  })

  it('does not miss what the database fills in', async () => {
    await way.save(db.use(Validation.with({ classValidator: true })), member({ rank: undefined as never }))
    expect(await db.ds.manager.find(Member)).toMatchObject([{ rank: 1 }])
  })

  it('validates updates, and lets options choose', async () => {
    const one = await way.seed(db.ds, member())
    db.use(Validation.with({ classValidator: { groups: ['nobody'] } }))
    one.name = 'x'
    await way.save(db.ds, one)
    db.use(Validation.with({ classValidator: { stopAtFirstError: true } }))
    one.name = ''
    expect(told(await errorOf(way.save(db.ds, one)))).toEqual(['Member name'])
    expect(await db.ds.manager.find(Member)).toMatchObject([{ name: 'x' }])
  })
})

describeDatabase('validation of partial objects by class-validator', () => {
  const db = useDatabase(MEMBERS)

  it('sees the row behind them as an instance', async () => {
    const { id } = await db.ds.manager.save(member())
    db.use(Validation.with({ classValidator: true }))
    await db.ds.manager.save(Member, { id, name: 'Bob' })
    expect(told(await errorOf(db.ds.manager.save(Member, { id, email: 'none' })))).toEqual(['Member email'])
    expect(await db.ds.manager.find(Member)).toMatchObject([{ name: 'Bob', email: 'ann@example.org', address: { zip: '00100' } }])
  })
})

describeWays('class-validator that is not installed', (way) => {
  const db = useDatabase(MEMBERS)

  beforeEach(() => {
    jest.doMock('class-validator', () => {
      throw new Error("Cannot find module 'class-validator'\nRequire stack: …")
    })
  })
  afterEach(() => void jest.dontMock('class-validator'))

  it('is refused when it is asked for', async () => {
    const error = await errorOf(() => install(db.ds, { extensions: [Validation.with({ classValidator: true })] }))
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'CLASS_VALIDATOR_MISSING' })
    expect(error.message).toContain("(Cannot find module 'class-validator')")
  })

  it('is not missed where it is not asked for', async () => {
    await way.save(db.use(Validation.with({ schemas: [[Member, z.object({ name: z.string() })]] })), member())
    expect(await db.ds.manager.count(Member)).toBe(1)
  })
})
