/**
 * What one transaction tells its session: afterBegin, beforeCommit, afterCommit, afterRollback, onCommit and onRollback.
 *
 * @module
 */
import { SessionExtension, sessionOf, type Change, type Session, type TransactionScope } from 'flushpoint'
import { closeAll, describeDatabase, recordStatements } from '../support/databases.js'
import { Author, make, Tag } from '../support/models.js'
import { errorOf, namesOf, openLogged, tellAll } from '../support/transaction-log.js'
import { describeWays } from '../support/ways-in.js'

const author = (name: string) => make(Author, { name })

describeWays('a transaction', (way) => {
  afterEach(closeAll)

  it('runs afterBegin first, beforeCommit before COMMIT and afterCommit once with everything written', async () => {
    const { dataSource, lines } = await openLogged()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      lines.push('work')
      await work.save(author('Ann'))
      await work.save(author('Bea'))
    })
    const atFirst = ['begin transaction 1', 'work']
    const begun = way.pick({ ambient: atFirst, session: atFirst, block: [...atFirst].reverse() }) // a block begins when it has to
    expect(lines).toEqual([...begun, 'beforeCommit', 'commit: insert Ann, insert Bea'])
    expect(recording.sql().at(-1)).toBe('COMMIT')
  })

  it('is the one that save opens when there is none', async () => {
    const { dataSource, lines } = await openLogged()
    await way.save(dataSource, [author('Ann'), author('Bea')])
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann, insert Bea'])
  })

  it('tells afterRollback what was undone and which level, and never afterCommit', async () => {
    const { dataSource, lines } = await openLogged()
    const error = new Error('no')
    const work = way.transaction(dataSource, async (work) => {
      await work.save(author('Ann'))
      throw error
    })
    await expect(work).rejects.toBe(error)
    expect(lines).toEqual(['begin transaction 1', 'rollback transaction 1: insert Ann'])
    expect(await namesOf(dataSource, Author)).toEqual([])
  })

  it('has one session for everything that happens in it, which is gone afterwards', async () => {
    const seen = new Set<Session>()
    const Seer = class extends SessionExtension {
      override beforeFlush() {
        seen.add(this.session)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Seer] })
    const [session, scope] = await way.transaction(dataSource, async (work) => {
      await work.save(author('Ann'))
      await work.manager.getRepository(Tag).save(make(Tag, { name: 'new' }))
      return [work.session, sessionOf(work.manager.getRepository(Tag)).scope] as const
    })
    expect([...seen]).toEqual([session])
    expect(scope).toEqual({ kind: 'transaction', depth: 1, parent: null })
    const code = way.pick({ ambient: 'SESSION_ENDED', session: 'SESSION_CLOSED' }) // it ends with the transaction, or when its owner says so
    expect(() => session.add(author('late'))).toThrow(expect.objectContaining({ code }))
    expect(() => session.onCommit(() => undefined)).toThrow(expect.objectContaining({ code }))
  })

  it('rolls back and rejects with the very error of beforeCommit', async () => {
    const error = new Error('not like this')
    const Veto = class extends SessionExtension {
      override beforeCommit() {
        throw error
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Veto] })
    await expect(way.save(dataSource, author('Ann'))).rejects.toBe(error)
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'rollback transaction 1: insert Ann'])
    expect(await namesOf(dataSource, Author)).toEqual([])
  })

  it('rolls back and rejects with the very error of afterBegin', async () => {
    const error = new Error('closed today')
    const Veto = class extends SessionExtension {
      override afterBegin() {
        throw error
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Veto] })
    await expect(way.save(dataSource, author('Ann'))).rejects.toBe(error)
    expect(lines).toEqual(['begin transaction 1', 'rollback transaction 1: nothing'])
    expect(await namesOf(dataSource, Author)).toEqual([])
  })

  it('flushes what beforeCommit adds and asks again until nothing is left', async () => {
    let left = 2
    const Adder = class extends SessionExtension {
      override beforeCommit() {
        if (left > 0) this.session.add(author(`added ${left--}`))
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Adder] })
    await way.save(dataSource, author('Ann'))
    expect(lines).toEqual([
      'begin transaction 1',
      'beforeCommit',
      'beforeCommit',
      'beforeCommit',
      'commit: insert Ann, insert added 2, insert added 1',
    ])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'added 1', 'added 2'])
  })

  it('flushes work that was added between two saves before the commit', async () => {
    const { dataSource, lines } = await openLogged()
    const pending = await way.transaction(dataSource, async (work) => {
      const session = work.session
      session.add(author('Ann'), make(Tag, { name: 'new' }))
      return [...session.uow.dirty].length + [...session.uow.new].length
    })
    expect(pending).toBe(2)
    expect(lines).toContainEqual(expect.stringMatching(/^commit: insert (Ann, insert new|new, insert Ann)$/))
  })

  it('gives up after 100 rounds of beforeCommit that always add work', async () => {
    let rounds = 0
    const Endless = class extends SessionExtension {
      override beforeCommit() {
        this.session.add(author(`round ${++rounds}`))
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Endless] })
    const error = await errorOf(way.save(dataSource, author('Ann')))
    expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES', message: expect.stringContaining('after 100 rounds "beforeCommit"') })
    expect(rounds).toBe(101)
    expect(lines.at(-1)).toMatch(/^rollback transaction 1: insert Ann, insert round 1, /)
    expect(await namesOf(dataSource, Author)).toEqual([])
  })

  it('calls onCommit with the net changes after afterCommit, and awaits it', async () => {
    const { dataSource, lines } = await openLogged()
    await way.transaction(dataSource, async (work) => {
      const ann = await work.save(author('Ann'))
      work.session.onCommit(async (changes) => {
        await Promise.resolve()
        lines.push(`onCommit: ${tellAll(changes)}`)
      })
      work.session.onRollback(() => void lines.push('onRollback'))
      await work.save(Object.assign(ann, { name: 'Bea' }))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Bea', 'onCommit: insert Bea'])
  })

  it('calls onRollback with what was undone, and drops onCommit', async () => {
    const { dataSource, lines } = await openLogged()
    const work = way.transaction(dataSource, async (work) => {
      work.session.onCommit(() => void lines.push('onCommit'))
      work.session.onRollback((changes, scope) => void lines.push(`onRollback ${scope.kind}: ${tellAll(changes)}`))
      await work.save(author('Ann'))
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(lines).toEqual(['begin transaction 1', 'rollback transaction 1: insert Ann', 'onRollback transaction: insert Ann'])
  })

  it('tells afterCommit nothing changed when only reads ran', async () => {
    const { dataSource, lines } = await openLogged()
    await way.transaction(dataSource, (work) => work.manager.find(Author))
    const told = ['begin transaction 1', 'beforeCommit', 'commit: nothing']
    expect(lines).toEqual(way.pick({ ambient: told, session: told, block: [] })) // a block that only reads needs no transaction
  })

  it('is followed when it is begun and ended by hand', async () => {
    const { dataSource, lines } = await openLogged()
    const hand = await way.byHand(dataSource)
    await hand.begin()
    await hand.save(author('Ann'))
    await hand.commit()
    await hand.begin()
    await hand.save(author('Bea'))
    await hand.rollback()
    await hand.end()
    expect(lines).toEqual([
      'begin transaction 1',
      'beforeCommit',
      'commit: insert Ann',
      'begin transaction 1',
      'rollback transaction 1: insert Bea',
    ])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })
})

// A session always begins: what it writes is one flush in one transaction.
describeDatabase('a write without a transaction', () => {
  afterEach(closeAll)

  it('is its own commit, with no BEGIN and a scope of its own', async () => {
    const scopes: (TransactionScope | null)[] = []
    const Seer = class extends SessionExtension {
      override afterInsert() {
        scopes.push(this.session.scope)
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Seer] })
    const recording = recordStatements(dataSource)
    await dataSource.manager.save(author('Ann'), { transaction: false })
    expect(lines).toEqual(['commit: insert Ann'])
    expect(scopes).toEqual([{ kind: 'write', depth: 0, parent: null }])
    expect(recording.sql().filter((sql) => /^(START|BEGIN|COMMIT)/.test(sql))).toEqual([])
  })

  it('tells afterRollback when nothing of it was written', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.manager.save(make(Tag, { name: 'one' }))
    lines.length = 0
    await expect(dataSource.manager.save(make(Tag, { name: 'one' }), { transaction: false })).rejects.toThrow()
    expect(lines).toEqual(['rollback write 0: nothing'])
  })

  it('tells afterCommit what stays when an after-hook fails, since nothing can undo it', async () => {
    const error = new Error('too late')
    const Late = class extends SessionExtension {
      override afterInsert() {
        throw error
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Late] })
    await expect(dataSource.manager.save(author('Ann'), { transaction: false })).rejects.toBe(error)
    expect(lines).toEqual(['commit: insert Ann'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })

  it('writes at once what an after-hook adds', async () => {
    const Companion = class extends SessionExtension {
      override afterInsert(entity: object) {
        if (entity instanceof Author) this.session.add(make(Tag, { name: `for ${entity.name}` }))
      }
    }
    const { dataSource } = await openLogged({ extensions: [Companion] })
    await dataSource.manager.save(author('Ann'), { transaction: false })
    expect(await namesOf(dataSource, Tag)).toEqual(['for Ann'])
  })

  it('begins a transaction of its own only where a hook does', async () => {
    const told: string[] = []
    const Inner = class extends SessionExtension {
      override async afterInsert(entity: object) {
        if (entity instanceof Author) await this.session.manager.transaction((manager) => manager.save(make(Tag, { name: 'inner' })))
      }
      override afterCommit(changes: readonly Change[]) {
        told.push(tellAll(changes))
      }
    }
    const { dataSource } = await openLogged({ extensions: [Inner] })
    await dataSource.manager.save(author('Ann'), { transaction: false })
    expect(told).toEqual(['insert inner', 'insert Ann'])
  })
})
