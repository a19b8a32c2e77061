/**
 * AutoFields where mappings are unusual: padded and transformed ids, keys of several parts, authors by lazy, embedded and composite relations.
 *
 * @module
 */
import { hasErrorCode, install, withContext } from 'flushpoint'
import { AutoFields, AutoId, LatestAuthor, OriginalAuthor } from 'flushpoint/extensions'
import fc from 'fast-check'
import { Column, Entity, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import { errorOf, sessionExtension, useDatabase } from '../../support/chains.js'
import { databaseName, recordStatements } from '../../support/databases.js'
import { Company, Deal, DEALS, sequence } from '../../support/deals.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

@Entity()
class Padded {
  @AutoId() @PrimaryColumn({ type: databaseName().includes('sqlite') ? 'character' : 'char', length: 8 }) id: string
  @Column() text: string
}

/** In the table they begin with `x-`. */
@Entity()
class Prefixed {
  @PrimaryGeneratedColumn() key: number
  @AutoId()
  @Column({
    type: 'varchar',
    transformer: { to: (id?: string | null) => (id ? `x-${id}` : id), from: (id?: string | null) => (id ? id.slice(2) : id) },
  })
  id: string
}

@Entity()
class Clerk {
  @PrimaryColumn() office: string
  @PrimaryColumn() number: number
  @Column() name: string
}

class Trail {
  @Column({ default: '' }) note: string // TypeORM 0.3 cannot read an embedded object of relations alone
  @LatestAuthor() @ManyToOne(() => Clerk, { nullable: true }) clerk?: Clerk | null
}

/** A part of its key is the key of another. */
@Entity()
class Memo {
  @AutoId() @PrimaryColumn({ type: 'varchar', length: 5 }) id: string
  @PrimaryColumn() year: number
  @Column() text: string
  @OriginalAuthor() @ManyToOne(() => Clerk, { nullable: true, lazy: true }) clerk: Promise<Clerk | null>
  @Column(() => Trail) trail: Trail
}

const entities = [...DEALS, Padded, Prefixed, Clerk, Memo]

describeWays('AutoFields on unusual mappings', (way) => {
  const db = useDatabase(entities)

  it('find ids that the database fills up with blanks', async () => {
    await way.seed(db.ds, make(Padded, { id: 'first', text: 'a' }))
    const row = await way.save(db.use(AutoFields.with({ generate: sequence('first', 'next') })), make(Padded, { text: 'b' }))
    expect(row.id).toBe('next')
    expect(await db.ds.manager.count(Padded)).toBe(2)
  })

  it('find ids that a transformer stores in another form', async () => {
    await way.seed(db.ds, make(Prefixed, { id: 'first' }))
    const row = await way.save(db.use(AutoFields.with({ generate: sequence('first', 'next') })), make(Prefixed, {}))
    expect(row.id).toBe('next')
    expect((await db.ds.manager.find(Prefixed, { order: { key: 'ASC' } })).map(({ id }) => id)).toEqual(['first', 'next'])
  })

  it('find ids that a collation takes for the same', async () => {
    await way.seed(db.ds, make(Deal, { id: 'FIRST', title: 'a' }))
    const row = await way.save(db.use(AutoFields.with({ generate: sequence('first', 'next') })), make(Deal, { title: 'b' }))
    expect(row.id).toBe(databaseName() === 'mariadb' ? 'next' : 'first')
  })

  it('give a part of a key, and authors by lazy, embedded and composite relations', async () => {
    await way.seed(db.ds, [make(Clerk, { office: 'A', number: 1, name: 'Ann' }), make(Clerk, { office: 'A', number: 2, name: 'Bob' })])
    db.use(AutoFields)
    const memo = make(Memo, { year: 2026, text: 'a' })
    await withContext({ actor: { office: 'A', number: 1 } }, () => way.save(db.ds, memo))
    expect(await memo.clerk).toMatchObject({ office: 'A', number: 1 })
    const read = async () => {
      const [row] = await db.ds.manager.find(Memo, { relations: { clerk: true, trail: { clerk: true } } })
      return { ...row!, clerk: await row!.clerk }
    }
    expect(await read()).toMatchObject({
      id: expect.stringMatching(/^[a-z0-9]{5}$/) as string,
      clerk: { name: 'Ann' },
      trail: { clerk: null },
    })
    const loaded = await way.load(db.ds, Memo, { year: 2026 })
    loaded.text = 'b'
    await withContext({ actor: { office: 'A', number: 2, name: 'not stored' } }, () => way.save(db.ds, loaded))
    expect(await read()).toMatchObject({ text: 'b', clerk: { name: 'Ann' }, trail: { clerk: { number: 2, name: 'Bob' } } })
    loaded.text = 'c'
    expect(await errorOf(withContext({ actor: 7 }, () => way.save(db.ds, loaded)))).toMatchObject({ code: 'AUTHOR_UNUSABLE' })
  })

  it('put the latest author on a child that only its new parent knows', async () => {
    const [from, to] = await way.seed(db.ds, [make(Company, { id: 'from', name: 'x' }), make(Company, { id: 'to', name: 'y' })])
    await way.seed(db.ds, make(Deal, { id: 'deal', title: 'a', company: from! }))
    db.use(AutoFields)
    await withContext({ actor: 'ann' }, () =>
      way.transaction(db.ds, async ({ save, loadAll }) => {
        const [deal] = await loadAll(Deal)
        const company = (await loadAll(Company)).find(({ id }) => id === to!.id)!
        company.deals = [deal!]
        await save(company)
      }),
    )
    const [row] = await db.ds.manager.find(Deal, { relations: { company: true } })
    expect(row).toMatchObject({ company: { id: 'to' }, updatedBy: 'ann' })
  })

  it('write nothing where a failed try has left an author and the change was taken back since', async () => {
    await way.seed(db.ds, make(Deal, { id: 'one', title: 'a', updatedBy: 'eve' }))
    const deal = await way.load(db.ds, Deal, { id: 'one' })
    let isRefused = true
    const veto = sessionExtension({
      beforeWrite() {
        if (isRefused) throw new Error('refused')
      },
    })
    db.use(AutoFields, veto)
    deal.title = 'b'
    await withContext({ actor: 'ann' }, () => errorOf(way.save(db.ds, deal)))
    isRefused = false
    deal.title = 'a'
    const statements = recordStatements(db.ds)
    await withContext({ actor: 'ann' }, () => way.save(db.ds, deal))
    statements.stop()
    expect(statements.sql().filter((sql) => sql.startsWith('UPDATE'))).toEqual([])
    expect(deal.updatedBy).toBe('eve')
    expect(await db.ds.manager.find(Deal)).toMatchObject([{ title: 'a', updatedBy: 'eve' }])
  })

  it('never give an id twice, and keep every one that is preset', async () => {
    const id = fc.constantFrom(...'abcdefgh')
    const some = fc.uniqueArray(id, { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(some, some, fc.integer({ min: 1, max: 3 }), fc.infiniteStream(id), async (there, preset, fresh, stream) => {
        const extension = AutoFields.with({ generate: () => stream.next().value as string })
        await db.ds.manager.createQueryBuilder().delete().from(Padded).execute()
        await way.seed(
          db.ds,
          there.map((one) => make(Padded, { id: one, text: 'there' })),
        )
        const rows = [
          ...preset.filter((one) => !there.includes(one)).map((one) => make(Padded, { id: one, text: 'preset' })),
          ...Array.from({ length: fresh }, () => make(Padded, { text: 'fresh' })),
        ]
        const before = rows.map((row) => row.id)
        const off = install(db.ds, { extensions: [extension] })
        const outcome = await way.save(db.ds, rows).catch((error: unknown) => error)
        off()
        const stored = (await db.ds.manager.find(Padded)).map((row) => row.id.trim())
        if (hasErrorCode(outcome, 'AUTO_ID_EXHAUSTED')) return expect(stored.sort()).toEqual([...there].sort())
        expect(outcome).toBe(rows)
        expect(stored.sort()).toEqual([...there, ...rows.map((row) => row.id)].sort())
        rows.forEach((row, index) => expect(row.id).toBe(before[index] ?? row.id))
      }),
      { numRuns: 25 },
    )
  })
})
