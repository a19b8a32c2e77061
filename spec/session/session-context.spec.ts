/** The context that a session is given: the present one wherever code runs for that session. */
import { currentContext, openSession, withContext, withSession } from 'flushpoint'
import { sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Author, make } from '../support/models.js'

const CONTEXT = { actor: 'cleo' }

describeDatabase('the context of a session', () => {
  const db = useDatabase()
  let heard: (readonly [string, object])[]
  beforeEach(() => void (heard = []))
  const note = (place: string) => void heard.push([place, currentContext()])
  const Noting = sessionExtension({ beforeInsert: () => note('hook'), afterCommit: () => note('afterCommit') })

  it('is the present one in its block and in hooks, and ends with the block', async () => {
    await withSession(db.use(Noting), { context: CONTEXT }, async (session) => {
      note('block')
      withContext({ requestId: 'r' }, () => note('inside'))
      await Promise.resolve(session.add(make(Author, { name: 'Ann' })))
    })
    note('after')

    expect(heard).toEqual([
      ['block', CONTEXT],
      ['inside', { ...CONTEXT, requestId: 'r' }],
      ['hook', CONTEXT],
      ['afterCommit', CONTEXT],
      ['after', {}],
    ])
  })

  it('gives way to a context that surrounds the call', async () => {
    const session = openSession(db.use(Noting), { context: CONTEXT })
    await withContext({ actor: 'ann', tenant: 't1' }, () => session.transaction(() => Promise.resolve(note('transaction'))))
    note('outside')
    await session.close()

    expect(heard.filter(([place]) => place !== 'afterCommit')).toEqual([
      ['transaction', { actor: 'ann', tenant: 't1' }],
      ['outside', {}],
    ])
  })
})
