/**
 * The journal of one transaction and the net changes told after its commit: only rows the database really changed.
 *
 * @module
 */
import { SessionExtension, type Change } from 'flushpoint'
import { Column, Entity, PrimaryColumn, type DataSource } from 'typeorm'
import { closeAll } from '../support/databases.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'
import { namesOf, openLogged, openStranger, tell, tellAll } from '../support/transaction-log.js'
import { describeWays, type WayIn, type Work } from '../support/ways-in.js'

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

/** TypeORM's save and remove do not mind a row that is gone; a session counts rows, and nothing of that flush is written. */
async function missingRow(way: WayIn, writing: Promise<unknown>): Promise<void> {
  if (way.isSession) await expect(writing).rejects.toMatchObject({ code: 'ROWS_STALE' })
  else await writing
}
const NOTHING_WRITTEN = {
  ambient: ['begin transaction 1', 'beforeCommit', 'commit: nothing'],
  session: ['begin transaction 1', 'rollback transaction 1: nothing'],
}

async function netOf(way: WayIn, dataSource: DataSource, fn: (work: Work) => Promise<unknown>) {
  let net: readonly Change[] = []
  await way.transaction(dataSource, async (work) => {
    work.session.onCommit((changes) => void (net = changes))
    await fn(work)
  })
  return net
}

describeWays('the journal', (way) => {
  afterEach(closeAll)

  it('tells key, images and changes of every row, oldest first', async () => {
    const { dataSource } = await openLogged()
    const ann = await way.save(dataSource, author('Ann'))
    const { id } = ann
    const journal = await way.transaction(dataSource, async (work) => {
      await work.save(Object.assign(ann, { name: 'Bea' }))
      await work.remove(ann)
      return work.session.journal
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
    const article = await way.save(dataSource, make(Article, { title: 'First', tags: [one] }))
    await way.save(dataSource, two)
    const net = await netOf(way, dataSource, (work) => work.save(Object.assign(article, { tags: [two] })))
    expect(net).toHaveLength(1)
    expect(net[0]).toMatchObject({ kind: 'update', changes: {} })
    const { added, removed } = net[0]!.relations['tags' as never] as { added: Tag[]; removed: Tag[] }
    expect([added.map((tag) => tag.id), removed.map((tag) => tag.id)]).toEqual([[two.id], [one.id]])
  })

  it('has nothing for an update of a row that somebody else removed in between', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeUpdate', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const ann = await way.save(dataSource, author('Ann'))
    removal.by = () => stranger.manager.delete(Author, { id: ann.id })
    lines.length = 0
    await missingRow(way, way.save(dataSource, Object.assign(ann, { name: 'Bea' })))
    expect(lines).toEqual(way.pick(NOTHING_WRITTEN))
  })

  it('has nothing for a delete of a row that somebody else removed in between', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeDelete', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const ann = await way.save(dataSource, make(Tag, { name: 'Ann' }))
    removal.by = () => stranger.manager.delete(Tag, { id: ann.id })
    lines.length = 0
    await missingRow(way, way.remove(dataSource, ann))
    expect(lines).toEqual(way.pick(NOTHING_WRITTEN))
  })

  it('has only the rows that were there when several are removed together', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeDelete', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const all = await way.save(
      dataSource,
      ['Ann', 'Bea', 'Cid'].map((name) => make(Tag, { name })),
    )
    removal.by = () => stranger.manager.delete(Tag, { id: all[1]!.id })
    lines.length = 0
    await missingRow(way, way.remove(dataSource, all))
    expect(lines.slice(0, -1)).toEqual(way.pick(NOTHING_WRITTEN).slice(0, -1))
    const told = lines.at(-1)!.split(': ')[1]!.split(', ').sort()
    expect(told).toEqual(way.pick({ ambient: ['delete Ann', 'delete Cid'], session: ['nothing'] }))
    expect(await namesOf(dataSource, Tag)).toEqual(way.pick({ ambient: [], session: ['Ann', 'Cid'] }))
  })

  it('has only the rows that were there when several are updated together', async () => {
    const removal = { by: () => Promise.resolve() as Promise<unknown> }
    const { dataSource, lines } = await openLogged({ extensions: [once('beforeUpdate', () => removal.by())] })
    const stranger = await openStranger(dataSource)
    const all = await way.save(dataSource, ['Ann', 'Bea', 'Cid'].map(author))
    removal.by = () => stranger.manager.delete(Author, { id: all[1]!.id })
    lines.length = 0
    for (const one of all) one.name += '!'
    await missingRow(way, way.save(dataSource, all))
    const told = { ambient: 'commit: update Ann -> Ann!, update Cid -> Cid!', session: 'rollback transaction 1: nothing' }
    expect(lines.at(-1)).toBe(way.pick(told))
    expect(await namesOf(dataSource, Author)).toEqual(way.pick({ ambient: ['Ann!', 'Cid!'], session: ['Ann', 'Cid'] }))
  })

  it('has nothing for remove of a row that never existed', async () => {
    const { dataSource, lines } = await openLogged()
    await missingRow(way, way.remove(dataSource, make(Author, { id: 404, name: 'Nobody' })))
    expect(lines.at(-1)).toBe(way.pick(NOTHING_WRITTEN).at(-1))
  })
})

describeWays('the net changes of a transaction', (way) => {
  afterEach(closeAll)

  it('fold insert and updates to one insert with the final values', async () => {
    const { dataSource } = await openLogged()
    const net = await netOf(way, dataSource, async (work) => {
      const ann = await work.save(author('Ann'))
      await work.save(Object.assign(ann, { name: 'Bea' }))
      await work.save(Object.assign(ann, { name: 'Cid' }))
    })
    expect(net).toHaveLength(1)
    expect(net[0]).toMatchObject({ kind: 'insert', before: null, after: { name: 'Cid' } })
  })

  it('fold updates to one, from the first value to the last', async () => {
    const { dataSource } = await openLogged()
    const ann = await way.save(dataSource, author('Ann'))
    const net = await netOf(way, dataSource, async (work) => {
      await work.save(Object.assign(ann, { name: 'Bea' }))
      await work.save(Object.assign(ann, { name: 'Cid' }))
    })
    expect(net.map(tell)).toEqual(['update Ann -> Cid'])
    expect(net[0]!.changes).toEqual({ name: { from: 'Ann', to: 'Cid' } })
  })

  it('drop an update that ends where it began, whatever version and update date did', async () => {
    const { dataSource } = await openLogged()
    const note = await way.save(dataSource, make(Note, { text: 'same' }))
    const net = await netOf(way, dataSource, async (work) => {
      await work.save(Object.assign(note, { text: 'other' }))
      await work.save(Object.assign(note, { text: 'same' }))
    })
    expect(net).toEqual([])
  })

  it('fold update and delete to one delete with the first image', async () => {
    const { dataSource } = await openLogged()
    const ann = await way.save(dataSource, author('Ann'))
    const net = await netOf(way, dataSource, async (work) => {
      await work.save(Object.assign(ann, { name: 'Bea' }))
      await work.remove(ann)
    })
    expect(net.map(tell)).toEqual(['delete Ann'])
  })

  it('drop an insert that was deleted again', async () => {
    const { dataSource, lines } = await openLogged()
    await way.transaction(dataSource, async (work) => work.remove(await work.save(author('Ann'))))
    expect(lines.at(-1)).toBe('commit: nothing')
  })

  it('fold delete and insert of one key to an update', async () => {
    const { dataSource } = await openLogged({}, { entities: [Place] })
    const seat = await way.save(dataSource, make(Place, { id: 7, name: 'Ann' }))
    const net = await netOf(way, dataSource, async (work) => {
      await work.remove(seat)
      await work.save(make(Place, { id: 7, name: 'Bea' }))
    })
    expect(net.map(tell)).toEqual(['update Ann -> Bea'])
  })

  it('keep what a rolled-back savepoint touched as it was before', async () => {
    const { dataSource } = await openLogged()
    const ann = await way.save(dataSource, author('Ann'))
    const net = await netOf(way, dataSource, async (work) => {
      await work.save(Object.assign(ann, { name: 'Bea' }))
      const failing = work.transaction((inner) => inner.remove(ann).then(() => Promise.reject(new Error('no'))))
      await expect(failing).rejects.toThrow('no')
    })
    expect(net.map(tell)).toEqual(['update Ann -> Bea'])
  })

  it('come in the order in which their rows were first touched, children of a cascade included', async () => {
    const { dataSource } = await openLogged()
    const net = await netOf(way, dataSource, async (work) => {
      await work.save(make(Article, { title: 'First', author: author('Ann'), comments: [make(Comment, { text: 'hm' })] }))
      await work.save(author('Bea'))
    })
    expect(tellAll(net)).toBe('insert Ann, insert First, insert hm, insert Bea')
  })

  it('tell soft removal and recovery as such', async () => {
    const { dataSource } = await openLogged()
    const note = await way.save(dataSource, make(Note, { text: 'n' }))
    const removed = await netOf(way, dataSource, (work) => work.softRemove(note))
    const recovered = await netOf(way, dataSource, (work) => work.recover(note))
    expect([removed, recovered].map(tellAll)).toEqual(['softRemove n', 'recover n'])
  })
})
