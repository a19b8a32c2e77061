/**
 * Validation by Standard Schemas: what is validated, what fails, and what is written then.
 *
 * @module
 */
import { hasErrorCode, withoutExtensions } from 'flushpoint'
import { AutoFields, Validation, type ValidationError, type ValidationOptions } from 'flushpoint/extensions'
import * as v from 'valibot'
import { z } from 'zod'
import { errorOf, mapperExtension, extend, sessionExtension, useDatabase } from '../../support/chains.js'
import { describeDatabase, recordStatements } from '../../support/databases.js'
import { Badge, Captain, Member, MEMBERS, Team, member } from '../../support/members.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const MemberSchema = z.object({
  email: z.email(),
  name: z.string().min(2),
  rank: z.number().int().positive(),
  address: z.object({ city: z.string().min(2), zip: z.string().nullish() }),
})

const schemas: ValidationOptions['schemas'] = [[Member, MemberSchema]]

async function failed(action: Promise<unknown>): Promise<ValidationError> {
  const error = await errorOf(action)
  if (!hasErrorCode(error, 'VALIDATION_FAILED')) throw error
  return error as ValidationError
}

/** `path message` of each failure. */
const told = ({ failures }: ValidationError) => failures.map(({ name, path }) => `${name} ${path}`)

describeWays('validation by schemas', (way) => {
  const db = useDatabase(MEMBERS)

  it('writes what is valid', async () => {
    await way.save(db.use(Validation.with({ schemas })), member())
    expect(await db.ds.manager.find(Member)).toMatchObject([{ email: 'ann@example.org', address: { city: 'Rome' } }])
  })

  it('collects all failures of a flush in one error, and sends nothing', async () => {
    const good = member()
    const bad = [member({ email: 'none', name: 'x' }), member({ address: { city: 'R' } })]
    const statements = recordStatements(db.use(Validation.with({ schemas })))
    const error = await failed(way.save(db.ds, [good, ...bad]))
    statements.stop()
    expect(told(error)).toEqual(['Member email', 'Member name', 'Member address.city'])
    expect(error.failures.map(({ entity }) => entity)).toEqual([bad[0], bad[0], bad[1]])
    expect(error.failures[0]).toMatchObject({ isNew: true, key: {}, message: expect.stringMatching(/email/i) as string })
    expect(statements.sql().filter((sql) => sql.startsWith('INSERT'))).toEqual([])
    expect(await db.ds.manager.count(Member)).toBe(0)
  })

  it('names entity, key and path, and no value', async () => {
    const one = await way.seed(db.ds, member())
    db.use(Validation.with({ schemas }))
    one.email = 'secret@'
    const error = await failed(way.save(db.ds, one))
    expect(error.message).toContain(`Cannot write 1 entity with 1 invalid value: Member {"id":${one.id}} "email"`)
    expect(error.message).not.toContain('secret')
    expect(error.failures).toMatchObject([{ name: 'Member', isNew: false, key: { id: one.id }, path: 'email' }])
    expect(error.failures[0]!.entity).toBe(one)
  })

  it('names the first few of many, and lists all', async () => {
    const many = Array.from({ length: 30 }, () => member({ name: '' }))
    const error = await failed(way.save(db.use(Validation.with({ schemas })), many))
    expect(error.failures).toHaveLength(30)
    expect(error.message).toContain('Cannot write 30 entities with 30 invalid values')
    expect(error.message).toContain('new Member "name", and 25 more')
    expect(error.message.length).toBeLessThan(500)
  })

  it('leaves the work pending: mended it is written', async () => {
    db.use(Validation.with({ schemas }))
    const one = member({ email: 'none' })
    const work = await way.byHand(db.ds)
    try {
      await failed(work.save(one))
      one.email = 'ann@example.org'
      await work.save(one)
    } finally {
      await work.end()
    }
    expect(await db.ds.manager.count(Member)).toBe(1)
  })

  it('validates what hooks have made of entities', async () => {
    extend(Member, mapperExtension({ beforeInsert: (one: Member) => void (one.name = one.name.repeat(2)) }))
    const early = sessionExtension({ beforeFlush: () => undefined, beforeInsert: (one) => void ((one as Member).email += '.org') })
    await way.save(db.use(Validation.with({ schemas }), early), member({ name: 'x', email: 'ann@example' }))
    expect(await db.ds.manager.find(Member)).toMatchObject([{ name: 'xx', email: 'ann@example.org' }])
  })

  it('validates updates, with what was not changed', async () => {
    const one = await way.seed(db.ds, member({ since: 2000, until: 2010 }))
    const order = z
      .object({ since: z.number().nullish(), until: z.number().nullish() })
      .refine(({ since, until }) => (since ?? 0) <= (until ?? 9999), {
        path: ['until'],
      })
    db.use(Validation.with({ schemas: [[Member, order]] }))
    const loaded = await way.load(db.ds, Member, { id: one.id })
    loaded.since = 2020
    expect(told(await failed(way.save(db.ds, loaded)))).toEqual(['Member until'])
  })

  it('does not ask where nothing is written', async () => {
    const one = await way.seed(db.ds, member({ name: '' }))
    db.use(Validation.with({ schemas }))
    await way.save(db.ds, await way.load(db.ds, Member, { id: one.id }))
    expect(await db.ds.manager.count(Member)).toBe(1)
  })

  it('lets deletions, soft removal, recovery and changes of members pass', async () => {
    const one = await way.seed(db.ds, member({ name: '' }))
    db.use(Validation.with({ schemas }))
    const loaded = await way.load(db.ds, Member, { id: one.id }, 'badges')
    loaded.badges!.push(make(Badge, { name: 'gold' }))
    await way.save(db.ds, loaded)
    await way.softRemove(db.ds, loaded)
    await way.recover(db.ds, loaded)
    await way.remove(db.ds, loaded)
    expect(await db.ds.manager.count(Member, { withDeleted: true })).toBe(0)
    expect(await db.ds.manager.count(Badge)).toBe(1)
  })

  it('waits for schemas that are asynchronous', async () => {
    const taken = z.object({ email: z.string().refine((email) => Promise.resolve(email !== 'ann@example.org')) })
    db.use(Validation.with({ schemas: [[Member, taken]] }))
    expect(told(await failed(way.save(db.ds, member())))).toEqual(['Member email'])
    await way.save(db.ds, member({ email: 'bob@example.org' }))
    expect(await db.ds.manager.count(Member)).toBe(1)
  })

  it('takes schemas of valibot, and several for one class', async () => {
    const named = v.object({ name: v.pipe(v.string(), v.minLength(3)) })
    db.use(Validation.with({ schemas: [...schemas, [Member, named]] }))
    const error = await failed(way.save(db.ds, member({ name: 'x', email: '' })))
    expect(told(error)).toEqual(['Member email', 'Member name', 'Member name'])
    expect(error.message).not.toContain('Received')
  })

  it('holds for subclasses, unless they have schemas of their own', async () => {
    const captain = z.object({ rank: z.number().min(5) })
    const first = db.use(Validation.with({ schemas }))
    expect(told(await failed(way.save(first, member({ name: '' }, Captain))))).toEqual(['Captain name'])
    db.use(Validation.with({ schemas: [[Captain, captain]] }))
    expect(told(await failed(way.save(db.ds, member({ name: 'Bob' }, Captain))))).toEqual(['Captain rank'])
    await way.save(db.ds, member({ name: 'Bob' }))
    expect(await db.ds.manager.count(Member)).toBe(1)
  })

  it('does not miss what the database or a relation fills in', async () => {
    const row = z.object({
      id: z.number(),
      rank: z.number(),
      version: z.number(),
      createdAt: z.date(),
      teamId: z.number(),
      team: z.object({ id: z.number() }),
      name: z.string(),
    })
    db.use(Validation.with({ schemas: [[Member, row]] }))
    const ranked = (values: Partial<Member> = {}) => member({ rank: undefined as never, ...values })
    const team = make(Team, { name: 'x', members: [ranked()] })
    await way.save(db.ds, team)
    await way.save(db.ds, ranked({ team: make(Team, { name: 'y' }) }))
    expect(await db.ds.manager.count(Member)).toBe(2)
    expect(told(await failed(way.save(db.ds, ranked({ name: undefined as never }))))).toEqual(['Member name'])
  })

  it('gives schemas columns, embedded ones nested and relations as keys', async () => {
    const team = await way.seed(db.ds, make(Team, { name: 'x' }))
    const seen: unknown[] = []
    const spy = z.custom((value) => (seen.push(value), true))
    await way.save(db.use(Validation.with({ schemas: [[Member, spy]] })), member({ team, badges: [] }))
    expect(seen).toEqual([
      { email: 'ann@example.org', name: 'Ann', rank: 1, address: { city: 'Rome', zip: '00100' }, team: { id: team.id }, teamId: team.id },
    ])
  })

  it('sees what automatic fields have put on entities', async () => {
    const filled = z.object({ secret: z.string().length(5) })
    db.use(AutoFields.with({ fields: [{ entity: Member, id: 'secret' }] }), Validation.with({ schemas: [[Member, filled]] }))
    const one = await way.save(db.ds, member())
    expect(one.secret).toMatch(/^[a-z0-9]{5}$/)
  })

  it('leaves entities as they are, or writes back what schemas make of them', async () => {
    const trimmed = z.object({ name: z.string().trim(), since: z.number().nullable().default(1999), id: z.number().optional() })
    const entity = [Member, trimmed] as const
    db.use(Validation.with({ schemas: [entity] }))
    const one = await way.save(db.ds, member({ name: ' Ann ' }))
    expect(await db.ds.manager.find(Member)).toMatchObject([{ name: ' Ann ', since: null }])
    db.use(Validation.with({ schemas: [entity], writeBack: true }))
    one.name = ' Bob '
    await way.save(db.ds, [one, member({ name: ' Eve ' })])
    expect(await db.ds.manager.find(Member, { order: { id: 'ASC' } })).toMatchObject([
      { name: 'Bob', since: null },
      { name: 'Eve', since: 1999 },
    ])
    expect(one.name).toBe('Bob')
  })

  it('writes back once, whatever else joins the flush', async () => {
    let made = 0
    const counted = z.object({ name: z.string().transform((name) => `${name}${++made}`) })
    const adds = sessionExtension({
      beforeWrite() {
        if (this.session.uow.new.size === 1) this.session.add(make(Team, { name: 'late' }))
      },
    })
    await way.save(db.use(Validation.with({ schemas: [[Member, counted]], writeBack: true }), adds), member({ name: 'n' }))
    expect(await db.ds.manager.find(Member)).toMatchObject([{ name: 'n1' }])
    expect(await db.ds.manager.count(Team)).toBe(1)
  })

  it('lets what a schema throws out as it is', async () => {
    const broken = new Error('schema is broken')
    const thrower = z.custom(() => {
      throw broken
    })
    await expect(way.save(db.use(Validation.with({ schemas: [[Member, thrower]] })), member())).rejects.toBe(broken)
  })

  it('is off where extensions are', async () => {
    db.use(Validation.with({ schemas }))
    await withoutExtensions(() => way.save(db.ds, member({ name: '' })))
    expect(await db.ds.manager.count(Member)).toBe(1)
  })
})

describeDatabase('validation of partial objects', () => {
  const db = useDatabase(MEMBERS)
  const partial = (values: object) => db.ds.manager.save(Member, values)

  it('takes what is not there from the row', async () => {
    const { id } = await db.ds.manager.save(member({ since: 2000, until: 2010 }))
    const order = MemberSchema.extend({ since: z.number(), until: z.number() }).refine(({ since, until }) => since <= until, {
      path: ['until'],
    })
    db.use(Validation.with({ schemas: [[Member, order]] }))
    await partial({ id, since: 2005 })
    expect(told(await failed(partial({ id, since: 2020 })))).toEqual(['Member until'])
    expect(await db.ds.manager.findOneBy(Member, { id })).toMatchObject({ since: 2005, name: 'Ann' })
  })

  it('does not count what was wrong in the row before', async () => {
    const { id } = await db.ds.manager.save(member({ name: '' }))
    db.use(Validation.with({ schemas }))
    await partial({ id, rank: 2 })
    expect(await db.ds.manager.findOneBy(Member, { id })).toMatchObject({ name: '', rank: 2 })
    expect(told(await failed(partial({ id, rank: -1 })))).toEqual(['Member rank'])
  })

  it('does not count what nobody has read', async () => {
    const { id } = await db.ds.manager.save(member({ secret: 'hash' }))
    db.use(Validation.with({ schemas: [[Member, z.object({ secret: z.string(), name: z.string() })]] }))
    await partial({ id, name: 'Bob' })
    expect(await db.ds.manager.findOneBy(Member, { id })).toMatchObject({ name: 'Bob' })
  })
})
