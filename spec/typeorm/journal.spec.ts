/**
 * The journal of one transaction and the net changes told after its commit: only rows the database really changed.
 *
 * @module
 */
import { SessionExtension, sessionOf, type Change } from 'flushpoint'
import { Column, Entity, PrimaryColumn, type DataSource, type EntityManager } from 'typeorm'
import { closeAll, describeDatabase } from '../support/databases.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'
import { openLogged, openStranger, tell, tellAll } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })

@Entity()
class Place {
  @PrimaryColumn() id: number
  @Column() name: string
}

/** Runs `fn` once, in the first hook of its name: after TypeORM has read the row, before it writes. */
function once(hook: 'beforeUpdate' | 'beforeDelete', fn: () => Promise<unknown>) {
  let isDone = false
  return class extends SessionExtension {
    override async beforeUpdate() {
      if (hook === 'beforeUpdate') await this.#run()
    }
    override async beforeDelete() {
      if (hook === 'beforeDelete') await this.#run()
    }
    async #run() {
      if (isDone) return
      isDone = true
      await fn()
    }
  }
}

async function netOf(dataSource: DataSource, work: (manager: EntityManager) => Promise<unknown>) {
  let net: readonly Change[] = []
  await dataSource.transaction(async (manager) => {
    sessionOf(manager).onCommit((changes) => void (net = changes))
    await work(manager)
  })
  return net
}

describeDatabase('the journal', () => {
  afterEach(closeAll)

  it('tells key, images and changes of every row, oldest first', async () => {
    const { dataSource } = await openLogged()
    const ann = await dataSource.manager.save(author('Ann'))
    const { id } = ann
    const journal = await dataSource.transaction(async (manager) => {
      await manager.save(Object.assign(ann, { name: 'Bea' }))
      await manager.remove(ann)
      return sessionOf(manager).journal
    })
    expect(journal.map(String)).toEqual([`update author {"id":${id}} (name)`, `delete author {"id":${id}}`])
    const [update, removal] = journal as [Change, Change]
    expect(update).toMatchObject({ before: { id, name: 'Ann' }, after: { id, name: 'Bea' }, changes: { name: { from: 'Ann', to: 'Bea' } } })
    expect(removal).toMatchObject({ key: { id }, before: { id, name: 'Bea' }, after: null })
    expect([update.is(Author), update.is(Tag), update.changed('name'), update.changed('id')]).toEqual([true, false, true, false])
    expect(Object.isFrozen(update)).toBe(true)
  })

  it('tells junction rows as relations of their owner', async () => {
    const { dataSource } = await openLogged()
    const [one, two] = [make(Tag, { name: 'one' }), make(Tag, { name: 'two' })]
    const article = await dataSource.manager.save(make(Article, { title: 'First', tags: [one] }))
    await dataSource.manager.save(two)
    const net = await netOf(dataSource, (manager) => manager.save(Object.assign(article, { tags: [two] })))
    expect(net).toHaveLength(1)
    expect(net[0]).toMatchObject({ kind: 'update', changes: {} })
    const { added, removed } = net[0]!.relations['tags' as never] as { added: Tag[]; removed: Tag[] }
    expect([added.map((tag) => tag.id), removed.map((tag) => tag.id)]).toEqual([[two.id], [one.id]])
  })

  it('has nothing for an update of a row that somebody else removed in between', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeUpdate', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const ann = await dataSource.manager.save(author('Ann'))
    removal.by = () => stranger.manager.delete(Author, { id: ann.id })
    lines.length = 0
    await dataSource.manager.save(Object.assign(ann, { name: 'Bea' }))
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: nothing'])
  })

  it('has nothing for a delete of a row that somebody else removed in between', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeDelete', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const ann = await dataSource.manager.save(author('Ann'))
    removal.by = () => stranger.manager.delete(Author, { id: ann.id })
    lines.length = 0
    await dataSource.manager.remove(ann)
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: nothing'])
  })

  it('has only the rows that were there when several are removed together', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeDelete', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const all = await dataSource.manager.save(['Ann', 'Bea', 'Cid'].map(author))
    removal.by = () => stranger.manager.delete(Author, { id: all[1]!.id })
    lines.length = 0
    await dataSource.manager.remove(all)
    expect(lines.slice(0, 2)).toEqual(['begin transaction 1', 'beforeCommit'])
    expect(lines[2]!.replace('commit: ', '').split(', ').sort()).toEqual(['delete Ann', 'delete Cid'])
  })

  it('has only the rows that were there when several are updated together', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeUpdate', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const all = await dataSource.manager.save(['Ann', 'Bea', 'Cid'].map(author))
    removal.by = () => stranger.manager.delete(Author, { id: all[1]!.id })
    lines.length = 0
    for (const one of all) one.name += '!'
    await dataSource.manager.save(all)
    expect(lines.at(-1)).toBe('commit: update Ann -> Ann!, update Cid -> Cid!')
  })

  it('has nothing for remove of a row that never existed', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.manager.remove(make(Author, { id: 404, name: 'Nobody' }))
    expect(lines.at(-1)).toBe('commit: nothing')
  })
})

describeDatabase('the net changes of a transaction', () => {
  afterEach(closeAll)

  it('fold insert and updates to one insert with the final values', async () => {
    const { dataSource } = await openLogged()
    const net = await netOf(dataSource, async (manager) => {
      const ann = await manager.save(author('Ann'))
      await manager.save(Object.assign(ann, { name: 'Bea' }))
      await manager.save(Object.assign(ann, { name: 'Cid' }))
    })
    expect(net).toHaveLength(1)
    expect(net[0]).toMatchObject({ kind: 'insert', before: null, after: { name: 'Cid' } })
  })

  it('fold updates to one, from the first value to the last', async () => {
    const { dataSource } = await openLogged()
    const ann = await dataSource.manager.save(author('Ann'))
    const net = await netOf(dataSource, async (manager) => {
      await manager.save(Object.assign(ann, { name: 'Bea' }))
      await manager.save(Object.assign(ann, { name: 'Cid' }))
    })
    expect(net.map(tell)).toEqual(['update Ann -> Cid'])
    expect(net[0]!.changes).toEqual({ name: { from: 'Ann', to: 'Cid' } })
  })

  it('drop an update that ends where it began, whatever version and update date did', async () => {
    const { dataSource } = await openLogged()
    const note = await dataSource.manager.save(make(Note, { text: 'same' }))
    const net = await netOf(dataSource, async (manager) => {
      await manager.save(Object.assign(note, { text: 'other' }))
      await manager.save(Object.assign(note, { text: 'same' }))
    })
    expect(net).toEqual([])
  })

  it('fold update and delete to one delete with the first image', async () => {
    const { dataSource } = await openLogged()
    const ann = await dataSource.manager.save(author('Ann'))
    const net = await netOf(dataSource, async (manager) => {
      await manager.save(Object.assign(ann, { name: 'Bea' }))
      await manager.remove(ann)
    })
    expect(net.map(tell)).toEqual(['delete Ann'])
  })

  it('drop an insert that was deleted again', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.transaction(async (manager) => manager.remove(await manager.save(author('Ann'))))
    expect(lines.at(-1)).toBe('commit: nothing')
  })

  it('fold delete and insert of one key to an update', async () => {
    const { dataSource } = await openLogged({}, { entities: [Place] })
    const seat = await dataSource.manager.save(make(Place, { id: 7, name: 'Ann' }))
    const net = await netOf(dataSource, async (manager) => {
      await manager.remove(seat)
      await manager.save(make(Place, { id: 7, name: 'Bea' }))
    })
    expect(net.map(tell)).toEqual(['update Ann -> Bea'])
  })

  it('keep what a rolled-back savepoint touched as it was before', async () => {
    const { dataSource } = await openLogged()
    const ann = await dataSource.manager.save(author('Ann'))
    const net = await netOf(dataSource, async (manager) => {
      await manager.save(Object.assign(ann, { name: 'Bea' }))
      const failing = manager.transaction((inner) => inner.remove(ann).then(() => Promise.reject(new Error('no'))))
      await expect(failing).rejects.toThrow('no')
    })
    expect(net.map(tell)).toEqual(['update Ann -> Bea'])
  })

  it('come in the order in which their rows were first touched, children of a cascade included', async () => {
    const { dataSource } = await openLogged()
    const net = await netOf(dataSource, async (manager) => {
      await manager.save(make(Article, { title: 'First', author: author('Ann'), comments: [make(Comment, { text: 'hm' })] }))
      await manager.save(author('Bea'))
    })
    expect(tellAll(net)).toBe('insert Ann, insert First, insert hm, insert Bea')
  })

  it('tell soft removal and recovery as such', async () => {
    const { dataSource } = await openLogged()
    const note = await dataSource.manager.save(make(Note, { text: 'n' }))
    const removed = await netOf(dataSource, (manager) => manager.softRemove(note))
    const recovered = await netOf(dataSource, (manager) => manager.recover(note))
    expect([removed, recovered].map(tellAll)).toEqual(['softRemove n', 'recover n'])
  })
})
