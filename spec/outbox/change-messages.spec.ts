/** `changes: [Entity]`: the net changes of a transaction are stored in it, one message for each row. */
import { withContext, withoutExtensions, type EntityClass } from 'flushpoint'
import { track } from 'flushpoint/events'
import type { ChangePayload, OutboxOptions } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { errorOf, sessionExtension } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { noted } from '../support/events.js'
import { once } from '../support/hooks.js'
import { Article, Author, ENTITIES, make, Note, Tag } from '../support/models.js'
import { isStoring, messagesOf, openOutbox, type OutboxOpening } from '../support/outbox.js'
import { Car, ROWS, Vehicle } from '../support/rows.js'
import { describeWays, type WayIn } from '../support/ways-in.js'

const note = (text: string) => make(Note, { text })
const article = (title: string, values: Partial<Article> = {}) => make(Article, { title, ...values })

const open = (changes: readonly EntityClass[], extra: OutboxOpening = {}, options: OutboxOptions = {}) =>
  openOutbox({ changes, ...options }, { entities: ENTITIES, ...extra })

const changesIn = async (dataSource: DataSource) =>
  (await messagesOf(dataSource)).map(({ type, payload }) => ({ type, ...(payload as ChangePayload) }))

/** `note.update 1`: kind and key of each. */
const toldIn = async (dataSource: DataSource) => (await changesIn(dataSource)).map(({ type, id }) => `${type} ${id}`)

/** Rows that were there before: nobody is told of them. */
const seed = <E extends object>(way: WayIn, dataSource: DataSource, entity: E) => way.seed(dataSource, entity)

describeWays('the net changes of a transaction', (way) => {
  it('are a message each: insert, update, soft removal, recovery, removal', async () => {
    const dataSource = await open([Note])
    const entity = note('a')
    await way.save(dataSource, entity)
    const { id } = entity
    entity.text = 'b'
    await way.save(dataSource, entity)
    await way.softRemove(dataSource, entity)
    await way.recover(dataSource, entity)
    await way.remove(dataSource, entity)
    expect(await changesIn(dataSource)).toMatchObject([
      { type: 'note.insert', id: `${id}`, key: { id }, before: null, after: { id, text: 'a', version: 1 }, relations: {} },
      {
        type: 'note.update',
        key: { id },
        before: { text: 'a' },
        after: { text: 'b', version: 2 },
        changes: { text: { from: 'a', to: 'b' } },
      },
      {
        type: 'note.softRemove',
        key: { id },
        before: { deletedAt: null },
        after: { deletedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string },
      },
      { type: 'note.recover', key: { id }, after: { deletedAt: null } },
      { type: 'note.delete', key: { id }, before: { text: 'b' }, after: null },
    ])
    expect(await messagesOf(dataSource)).toMatchObject(
      Array(5).fill({ kind: 'tracked', subject: `note:${id}`, aggregate_type: 'note', aggregate_id: `${id}`, partition_key: `note:${id}` }),
    )
  })

  it('are stored by the one statement before the commit, behind what was told', async () => {
    const dataSource = await open([Note])
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      await work.save(note('a'))
      track(noted('told'))
      await work.save([note('b'), note('c')])
    })
    const at = recording.statements.findIndex(isStoring)
    expect(recording.sql().slice(at + 1)).toEqual(['COMMIT'])
    expect((await messagesOf(dataSource)).map(({ type }) => type)).toEqual(['test.noted', 'note.insert', 'note.insert', 'note.insert'])
  })

  it('are one for each row, as it ends', async () => {
    const dataSource = await open([Note])
    const entity = note('a')
    await way.transaction(dataSource, async (work) => {
      await work.save(entity)
      entity.text = 'b'
      await work.save(entity)
      entity.reason = 'so'
      await work.save(entity)
    })
    expect(await changesIn(dataSource)).toMatchObject([{ type: 'note.insert', after: { text: 'b', reason: 'so', version: 3 } }])
  })

  it('are none for a row that ends where it began, or never was', async () => {
    const dataSource = await open([Note])
    const kept = await seed(way, dataSource, note('a'))
    await way.transaction(dataSource, async (work) => {
      const entity = (await work.loadAll(Note))[0]!
      for (const text of ['b', 'a']) {
        entity.text = text
        await work.save(entity)
      }
      const gone = note('gone')
      await work.save(gone)
      await work.remove(gone)
    })
    expect([await toldIn(dataSource), (await dataSource.manager.findOneByOrFail(Note, { id: kept.id })).text]).toEqual([[], 'a'])
  })

  it('are none for classes that are not listed', async () => {
    const dataSource = await open([Tag])
    await way.transaction(dataSource, async (work) => {
      await work.save(note('a'))
      await work.save(make(Tag, { name: 'red' }))
    })
    expect((await messagesOf(dataSource)).map(({ type }) => type)).toEqual(['tag.insert'])
  })

  it('are stored whatever `events` names', async () => {
    const dataSource = await open([Note], {}, { events: ['order.*'] })
    await way.save(dataSource, note('a'))
    expect((await messagesOf(dataSource)).map(({ type }) => type)).toEqual(['note.insert'])
  })

  it('are none of what is rolled back: the whole, a savepoint, a flush', async () => {
    const dataSource = await open([Note])
    await errorOf(
      way.transaction(dataSource, async (work) => {
        await work.save(note('undone'))
        throw new Error('no')
      }),
    )
    await way.transaction(dataSource, async (work) => {
      await work.save(note('kept'))
      await errorOf(
        work.transaction(async (inner) => {
          await inner.save(note('undone'))
          throw new Error('no')
        }),
      )
    })
    expect((await changesIn(dataSource)).map(({ after }) => after!['text'])).toEqual(['kept'])
  })

  it('are none inside withoutExtensions, unless the journal is kept', async () => {
    const dataSource = await open([Note])
    await way.transaction(dataSource, async (work) => {
      await work.save(note('told'))
      await withoutExtensions(() => work.save(note('fixture')))
      await withoutExtensions({ journal: true }, () => work.save(note('quiet')))
    })
    expect((await changesIn(dataSource)).map(({ after }) => after!['text'])).toEqual(['told', 'quiet'])
  })

  it('are in order for each row over many transactions', async () => {
    const dataSource = await open([Note])
    const entities = [note('0'), note('0'), note('0')]
    await way.save(dataSource, entities)
    for (let round = 1; round < 5; round++) {
      for (const entity of entities) entity.text = `${round}`
      await way.save(dataSource, round % 2 === 0 ? entities : [...entities].reverse())
    }
    const changes = await changesIn(dataSource)
    for (const { id } of entities) {
      const own = changes.filter(({ key }) => key['id'] === id)
      expect(own.map(({ after }) => after!['text'])).toEqual(['0', '1', '2', '3', '4'])
    }
    expect(new Set((await messagesOf(dataSource)).map(({ slot, partition_key }) => `${slot} ${partition_key}`)).size).toBe(3)
  })

  it('tell relations: keys of a to-one, members of a collection that came and went', async () => {
    const dataSource = await open([Article])
    const [red, blue, green] = await seed(
      way,
      dataSource,
      ['red', 'blue', 'green'].map((name) => make(Tag, { name })),
    )
    const [ann, bob] = await seed(
      way,
      dataSource,
      ['Ann', 'Bob'].map((name) => make(Author, { name })),
    )
    const { id } = await seed(way, dataSource, article('A', { author: ann!, tags: [red!, blue!] }))
    const entity = await way.load(dataSource, Article, { id }, 'author', 'tags')
    entity.author = bob!
    entity.tags = [...entity.tags!.filter(({ name }) => name !== 'red'), green!]
    await way.save(dataSource, entity)
    expect(await changesIn(dataSource)).toMatchObject([
      {
        type: 'article.update',
        changes: { author: { from: { id: ann!.id }, to: { id: bob!.id } } },
        relations: { tags: { added: [{ id: green!.id }], removed: [{ id: red!.id }] } },
      },
    ])
  })

  it('tell members that are removed with it by their keys', async () => {
    const dataSource = await open([Article])
    const [red] = await seed(way, dataSource, [make(Tag, { name: 'red' })])
    const { id } = await seed(way, dataSource, article('A', { tags: [red!] }))
    const tagId = red!.id
    await way.transaction(dataSource, async (work) => {
      const entity = way.isSession
        ? await work.session.find(Article, { id }).with('tags').one()
        : await work.manager.findOneOrFail(Article, { where: { id }, relations: { tags: true } })
      const [gone] = entity.tags!
      entity.tags = []
      await work.save(entity)
      await work.remove(gone!)
    })
    expect((await changesIn(dataSource)).map(({ relations }) => relations)).toEqual([{ tags: { added: [], removed: [{ id: tagId }] } }])
  })

  it('tell classes below the listed one, by their table', async () => {
    const dataSource = await open([Vehicle], { entities: ROWS })
    await way.save(dataSource, make(Car, { name: 'Beetle', doors: 3 }))
    expect(await changesIn(dataSource)).toMatchObject([{ type: 'vehicle.insert', after: { name: 'Beetle', doors: 3 } }])
  })

  it('carry the context of the transaction', async () => {
    const dataSource = await open([Note])
    await withContext({ actor: 'ann', tenant: 'acme' }, () => way.save(dataSource, note('a')))
    expect((await messagesOf(dataSource)).map(({ headers }) => headers)).toEqual([{ actor: 'ann', tenant: 'acme' }])
  })
})

describeWays('the net changes that hooks add before the commit', (way) => {
  const leaving = (text: string) =>
    sessionExtension({
      beforeCommit() {
        if (this.session.info[text] === true) return
        this.session.info[text] = true
        this.session.add(note(text))
      },
    })

  it('are told too, whether the extension is listed before the outbox or after it', async () => {
    const dataSource = await open([Note], { around: (outbox) => [leaving('before'), outbox, leaving('after')] })
    await way.transaction(dataSource, async (work) => {
      await work.save(note('code'))
      work.session.onBeforeCommit(() => work.session.add(note('last')))
    })
    expect((await changesIn(dataSource)).map(({ after }) => after!['text']).sort()).toEqual(['after', 'before', 'code', 'last'])
  })

  it('are told once each, also where a savepoint of such a hook is undone', async () => {
    const trying = sessionExtension({
      async beforeCommit() {
        if (this.session.info['tried'] === true) return
        this.session.info['tried'] = true
        await errorOf(
          this.session.transaction(async () => {
            await this.session.manager.save(note('undone'))
            throw new Error('no')
          }),
        )
        this.session.add(note('hook'))
      },
    })
    const dataSource = await open([Note], { around: (outbox) => [outbox, trying] })
    await way.transaction(dataSource, (work) => work.save(note('code')))
    expect((await changesIn(dataSource)).map(({ after }) => after!['text'])).toEqual(['code', 'hook'])
  })

  it('are an update of a row that was told already', async () => {
    const dataSource = await open([Note])
    const entity = note('a')
    await way.transaction(dataSource, async (work) => {
      await work.save(entity)
      work.session.onBeforeCommit(
        once(() => {
          entity.text = 'b'
          work.session.add(entity)
        }) as () => void,
      )
    })
    expect((await changesIn(dataSource)).map(({ type, after }) => [type, after!['text']])).toEqual([
      ['note.insert', 'a'],
      ['note.update', 'b'],
    ])
  })
})

describeDatabase('statements by query', () => {
  const wanting = sessionExtension({ beforeBulk: (statement) => statement.wantImages('both') })

  it('are told row by row where a hook wants images of them', async () => {
    const dataSource = await open([Note], { around: (outbox) => [wanting, outbox] })
    await dataSource.manager.insert(Note, [{ text: 'a' }, { text: 'b' }])
    await dataSource.manager.update(Note, { text: 'b' }, { reason: 'so' })
    await dataSource.manager.softDelete(Note, { text: 'a' })
    await dataSource.manager.delete(Note, { text: 'b' })
    expect(await changesIn(dataSource)).toMatchObject([
      { type: 'note.insert', after: { text: 'a' } },
      { type: 'note.insert', after: { text: 'b' } },
      { type: 'note.update', changes: { reason: { from: null, to: 'so' } } },
      { type: 'note.softRemove', before: { text: 'a' } },
      { type: 'note.delete', before: { text: 'b', reason: 'so' }, after: null },
    ])
  })
})
