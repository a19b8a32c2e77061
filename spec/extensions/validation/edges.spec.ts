/**
 * Validation inside of transactions, beside other work of a flush, and on values that are only partly there.
 *
 * @module
 */
import { hasErrorCode } from 'flushpoint'
import { AutoFields, Validation, type ValidationError } from 'flushpoint/extensions'
import { Column, Entity, ManyToOne, PrimaryGeneratedColumn } from 'typeorm'
import { z } from 'zod'
import { errorOf, sessionExtension, useDatabase } from '../../support/chains.js'
import { Captain, Member, MEMBERS, Team, member } from '../../support/members.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

@Entity()
class Poll {
  @PrimaryGeneratedColumn() id: number
  @Column('simple-json') options: { readonly texts: readonly string[] }
  @ManyToOne(() => Team, { nullable: true, lazy: true }) team: Promise<Team | null>
}

const named = z.object({ name: z.string().min(2) })

function told(error: Error): readonly string[] {
  if (!hasErrorCode(error, 'VALIDATION_FAILED')) throw error
  return (error as unknown as ValidationError).failures.map(({ name, path }) => `${name} ${path}`)
}

describeWays('validation beside other work', (way) => {
  const db = useDatabase([...MEMBERS, Poll])

  it('leaves the transaction around it usable', async () => {
    db.use(AutoFields.with({ fields: [{ entity: Member, id: 'secret' }] }), Validation.with({ schemas: [[Member, named]] }))
    await way.transaction(db.ds, async ({ save }) => {
      await save(make(Team, { name: 'before' }))
      const one = member({ name: 'x' })
      expect(told(await errorOf(save(one)))).toEqual(['Member name'])
      one.name = 'Xenia'
      await save(one)
    })
    expect(await db.ds.manager.find(Member)).toMatchObject([{ name: 'Xenia' }])
    expect(await db.ds.manager.count(Team)).toBe(1)
  })

  it('validates what hooks add, and not what they take out', async () => {
    const swaps = sessionExtension({
      beforeFlush() {
        for (const entity of this.session.uow.new) if (entity instanceof Captain) this.session.expunge(entity)
        this.session.add(member({ name: 'y' }))
      },
    })
    db.use(swaps, Validation.with({ schemas: [[Member, named]] }))
    expect(told(await errorOf(way.save(db.ds, [member({ name: 'fine' }), member({ name: '' }, Captain)])))).toEqual(['Member name'])
    expect(await db.ds.manager.count(Member)).toBe(0)
  })

  it('validates what cascades bring', async () => {
    db.use(Validation.with({ schemas: [[Member, named]] }))
    const team = make(Team, { name: 'x', members: [member({ name: 'ok' }), member({ name: '' })] })
    expect(told(await errorOf(way.save(db.ds, team)))).toEqual(['Member name'])
    expect(await db.ds.manager.count(Team)).toBe(0)
  })

  it('does not miss the key of a row that the same flush inserts', async () => {
    const { id } = await way.seed(db.ds, member({ team: make(Team, { name: 'old' }) }))
    const one = await way.load(db.ds, Member, { id }, 'team')
    db.use(Validation.with({ schemas: [[Member, z.object({ team: z.object({ id: z.number() }), teamId: z.number() })]] }))
    one.team = make(Team, { name: 'new' })
    await way.save(db.ds, one)
    expect(await db.ds.manager.find(Member, { relations: { team: true } })).toMatchObject([{ team: { name: 'new' } }])
    one.team = null
    one.teamId = null
    expect(told(await errorOf(way.save(db.ds, one)))).toEqual(['Member team', 'Member teamId'])
  })

  it('names places inside of values, also where relations are lazy', async () => {
    const schema = z.object({ options: z.object({ texts: z.array(z.string().min(1)) }), team: z.object({ id: z.number() }).nullish() })
    db.use(Validation.with({ schemas: [[Poll, schema]], classValidator: true }))
    const poll = make(Poll, { options: { texts: ['a', 'b'] } })
    await way.save(db.ds, poll)
    const loaded = await way.load(db.ds, Poll, { id: poll.id })
    loaded.options = { texts: ['a', ''] }
    expect(told(await errorOf(way.save(db.ds, loaded)))).toEqual(['Poll options.texts.1'])
    expect(await db.ds.manager.find(Poll)).toMatchObject([{ options: { texts: ['a', 'b'] } }])
  })

  it('takes a loaded value that is undefined for what is written', async () => {
    const { id } = await way.seed(db.ds, member({ since: 2000 }))
    const one = await way.load(db.ds, Member, { id })
    db.use(Validation.with({ schemas: [[Member, z.object({ since: z.number() })]] }))
    Object.assign(one, { since: undefined, name: 'Bob' })
    const error = await way.save(db.ds, one).catch((thrown: Error) => thrown)
    // A session writes NULL for what was loaded and is undefined now; TypeORM's save leaves the column alone.
    expect(way.pick<unknown>({ ambient: error, session: error instanceof Error && told(error) })).toEqual(
      way.pick<unknown>({ ambient: one, session: ['Member since'] }),
    )
    expect(await db.ds.manager.find(Member)).toMatchObject([{ since: 2000 }])
  })
})
