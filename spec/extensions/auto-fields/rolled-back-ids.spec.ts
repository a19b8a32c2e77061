/**
 * Ids that AutoFields has drawn for rows that were then rolled back.
 *
 * @module
 */
import { openSession } from 'flushpoint'
import { AutoFields } from 'flushpoint/extensions'
import { sessionExtension, useDatabase } from '../../support/chains.js'
import { describeDatabase } from '../../support/databases.js'
import { Company, Deal, DEALS, sequence } from '../../support/deals.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const refused = new Error('refused')

describeWays('ids of AutoFields that were rolled back', (way) => {
  const db = useDatabase(DEALS)

  it('are taken off the entities, children by cascade included', async () => {
    const company = make(Company, { name: 'x', deals: [make(Deal, { title: 'a' })] })
    db.use(AutoFields)
    let drawn: (string | undefined)[] = []
    const failed = way.transaction(db.ds, async ({ save }) => {
      await save(company)
      drawn = [company.id, company.deals![0]!.id]
      throw refused
    })
    await expect(failed).rejects.toBe(refused)
    expect(drawn).toEqual([expect.any(String), expect.any(String)])
    expect([company.id, company.deals?.[0]?.id]).toEqual([undefined, undefined])
  })

  it('do not lead to the row that got such an id meanwhile', async () => {
    const deal = make(Deal, { title: 'mine' })
    db.use(AutoFields.with({ generate: sequence('first', 'second') }))
    const failed = way.transaction(db.ds, async ({ save }) => {
      await save(deal)
      throw refused
    })
    await expect(failed).rejects.toBe(refused)
    await way.seed(db.ds, make(Deal, { id: 'first', title: 'of somebody else' }))
    await way.save(db.ds, deal)
    expect(await db.ds.manager.find(Deal, { order: { id: 'ASC' } })).toMatchObject([
      { id: 'first', title: 'of somebody else' },
      { id: 'second', title: 'mine' },
    ])
  })

  it('are taken off where a savepoint alone is rolled back, and stay where the one around it commits', async () => {
    const [kept, undone] = [make(Deal, { title: 'kept' }), make(Deal, { title: 'undone' })]
    db.use(AutoFields)
    await way.transaction(db.ds, async ({ save, transaction, giveUp }) => {
      await save(kept)
      const failed = transaction(async (inner) => {
        await inner.save(undone)
        throw refused
      })
      await expect(failed).rejects.toBe(refused)
      giveUp(undone)
    })
    expect(undone.id).toBeUndefined()
    expect(await db.ds.manager.find(Deal)).toMatchObject([{ id: kept.id, title: 'kept' }])
  })

  it('are taken off where a transaction rolls back what a savepoint had kept', async () => {
    const deal = make(Deal, { title: 'a' })
    db.use(AutoFields)
    const failed = way.transaction(db.ds, async ({ transaction }) => {
      await transaction(({ save }) => save(deal))
      expect(deal.id).toEqual(expect.any(String))
      throw refused
    })
    await expect(failed).rejects.toBe(refused)
    expect(deal.id).toBeUndefined()
  })

  it('are taken off where the flush fails, before its first statement and after', async () => {
    let hook: 'beforeWrite' | 'afterInsert' = 'beforeWrite'
    const veto = (name: typeof hook) => () => {
      if (hook === name) throw refused
    }
    db.use(AutoFields, sessionExtension({ beforeWrite: veto('beforeWrite'), afterInsert: veto('afterInsert') }))
    for (hook of ['beforeWrite', 'afterInsert'] as const) {
      const deal = make(Deal, { title: 'a' })
      await expect(way.save(db.ds, deal)).rejects.toBe(refused)
      expect(deal.id).toBeUndefined()
    }
    expect(await db.ds.manager.count(Deal)).toBe(0)
  })

  it('are kept where somebody has set another one since', async () => {
    const deal = make(Deal, { title: 'a' })
    db.use(AutoFields, sessionExtension({ afterRollback: () => void (deal.id = 'own') }))
    const failed = way.transaction(db.ds, async ({ save }) => {
      await save(deal)
      throw refused
    })
    await expect(failed).rejects.toBe(refused)
    expect(deal.id).toBe('own')
  })
})

describeDatabase('ids of AutoFields in a flush that is given its first work by a hook', () => {
  const db = useDatabase(DEALS)

  it('are drawn anew where it has failed before a transaction began', async () => {
    let isRefused = true
    const deal = make(Deal, { title: 'a' })
    const gives = sessionExtension({
      beforeFlush() {
        this.session.add(deal)
      },
    })
    const veto = sessionExtension({
      beforeWrite() {
        if (isRefused) throw refused
      },
    })
    const session = openSession(db.use(gives, AutoFields.with({ generate: sequence('first', 'second') }), veto))
    try {
      await expect(session.flush()).rejects.toBe(refused)
      await db.ds.manager.insert(Deal, { id: 'first', title: 'of somebody else' })
      isRefused = false
      await session.flush()
    } finally {
      await session.close()
    }
    expect(await db.ds.manager.find(Deal, { order: { id: 'ASC' } })).toMatchObject([
      { id: 'first', title: 'of somebody else' },
      { id: 'second', title: 'a' },
    ])
  })

  it('are taken off where its transaction is rolled back', async () => {
    const deal = make(Deal, { title: 'a' })
    const gives = sessionExtension({
      beforeFlush() {
        this.session.add(deal)
      },
      afterInsert() {
        throw refused
      },
    })
    const session = openSession(db.use(gives, AutoFields))
    try {
      await expect(session.flush()).rejects.toBe(refused)
      expect(deal.id).toBeUndefined()
    } finally {
      await session.close()
    }
  })

  it('are given to 150,000 entities', async () => {
    let given = 0
    const counts = sessionExtension({
      beforeFlush() {
        for (const entity of this.session.uow.new) if (typeof (entity as Deal).id === 'string') given++
        throw refused
      },
    })
    const session = openSession(db.use(AutoFields.with({ generate: numbers() }), counts))
    try {
      for (let index = 0; index < 150_000; index++) session.add(make(Deal, { title: 'a' }))
      await expect(session.flush()).rejects.toBe(refused)
    } finally {
      await session.close()
    }
    expect(given).toBe(150_000)
  })
})

function numbers(): () => string {
  let last = 0
  return () => String(++last)
}
