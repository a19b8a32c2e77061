/**
 * The signals of statements that write by query: one before, one after, and images of the rows where a receiver asks for them.
 *
 * @module
 */
import { withoutExtensions } from 'flushpoint'
import {
  anyModel,
  postBulkDelete,
  postBulkInsert,
  postBulkRecover,
  postBulkSoftRemove,
  postBulkUpdate,
  postDelete,
  postSave,
  postUpdate,
  preBulkDelete,
  preBulkInsert,
  preBulkRecover,
  preBulkSoftRemove,
  preBulkUpdate,
  preDelete,
  preRelationAdd,
  preSave,
  preUpdate,
  type BulkPayload,
} from 'flushpoint/signals'
import { In, type EntityManager } from 'typeorm'
import { Album, AuditLine, Format, Genre, MaxiSingle, Release, Single } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'
import { describeWays, type WayIn } from '../support/ways-in.js'

const music = useSignals()
const SIGNALS = {
  preBulkInsert,
  postBulkInsert,
  preBulkUpdate,
  postBulkUpdate,
  preBulkDelete,
  postBulkDelete,
  preBulkSoftRemove,
  postBulkSoftRemove,
  preBulkRecover,
  postBulkRecover,
}

/** Notes each bulk signal of albums, and each signal of single ones, which must not come. */
function listen(): string[] {
  const lines: string[] = []
  for (const [name, connect] of Object.entries(SIGNALS))
    music.keep(connect(Album)(({ statement }) => void lines.push(`${name} ${statement.kind} ${statement.affected ?? 'not sent'}`)))
  for (const [name, connect] of Object.entries({ preSave, postSave, preUpdate, postUpdate, preDelete, postDelete }))
    music.keep(connect(anyModel)(({ sender }) => void lines.push(`${name} ${sender.name}`)))
  music.keep(preRelationAdd(anyModel)(() => void lines.push('preRelationAdd')))
  return lines
}

/** Three albums nobody was told of. */
async function shelf(way: WayIn): Promise<Album[]> {
  await way.seed(
    music.ds,
    ['Blue', 'Court', 'Hejira'].map((name) => Object.assign(new Album(), { name })),
  )
  return music.rows(Album)
}

const STATEMENTS: readonly [string, string, number, (manager: EntityManager, ids: number[]) => Promise<unknown>][] = [
  ['an insert', 'Insert insert', 1, (manager) => manager.insert(Album, { name: 'Mingus' })],
  ['an update', 'Update update', 2, (manager) => manager.update(Album, { name: In(['Blue', 'Court']) }, { plays: 5 })],
  ['an increment', 'Update update', 3, (manager, ids) => manager.increment(Album, { id: In(ids) }, 'plays', 2)],
  ['a delete', 'Delete delete', 1, (manager) => manager.delete(Album, { name: 'Blue' })],
  ['a soft delete', 'SoftRemove softDelete', 2, (manager) => manager.softDelete(Album, { name: In(['Blue', 'Court']) })],
  ['a restore', 'Recover restore', 3, (manager, ids) => manager.restore(Album, { id: In(ids) })],
  ['an insert by builder', 'Insert insert', 2, (manager) => insert(manager).execute()],
  ['an update by builder', 'Update update', 3, (manager) => manager.createQueryBuilder().update(Album).set({ plays: 1 }).execute()],
  ['a delete by builder', 'Delete delete', 3, (manager) => manager.createQueryBuilder().delete().from(Album).execute()],
  ['a soft delete by builder', 'SoftRemove softDelete', 3, (manager) => manager.createQueryBuilder().softDelete().from(Album).execute()],
  ['a restore by builder', 'Recover restore', 3, (manager) => manager.createQueryBuilder().restore().from(Album).execute()],
  ['a statement of a repository', 'Update update', 1, (manager) => manager.getRepository(Album).update({ name: 'Blue' }, { plays: 7 })],
]

function insert(manager: EntityManager) {
  return manager
    .createQueryBuilder()
    .insert()
    .into(Album)
    .values([{ name: 'Mingus' }, { name: 'Shadows' }])
}

describeWays('a statement by query', (way) => {
  it.each(STATEMENTS)('%s is told before and after, once, and no row of its own', async (_what, told, affected, write) => {
    const ids = (await shelf(way)).map(({ id }) => id)
    const [verb, kind] = told.split(' ')
    if (verb === 'Recover') await withoutExtensions(() => music.ds.manager.softDelete(Album, { id: In(ids) }))
    const lines = listen()
    await way.manager(music.ds, (manager) => write(manager, ids))
    expect(lines).toEqual([`preBulk${verb} ${kind} not sent`, `postBulk${verb} ${kind} ${affected}`])
  }) // A27, A28: what ormar sends nothing of has signals of its own here

  it('that inserts or updates is told as an insert, and says what it is', async () => {
    await way.seed(music.ds, Object.assign(new Format(), { code: 'lp', name: 'vinyl' }))
    const kinds: string[] = []
    music.keep(preBulkInsert(Format)(({ statement }) => void kinds.push(statement.kind)))
    music.keep(postBulkInsert(Format)(({ statement }) => void kinds.push(statement.kind)))
    music.keep(preBulkUpdate(Format)(() => void kinds.push('never')))
    const values = [
      { code: 'lp', name: 'long play' },
      { code: 'mc', name: 'cassette' },
    ]
    await way.manager(music.ds, (manager) => manager.upsert(Format, values, ['code']))
    expect(kinds).toEqual(['upsert', 'upsert'])
    expect((await music.ds.manager.find(Format, { order: { code: 'ASC' } })).map(({ name }) => name)).toEqual(['long play', 'cassette'])
  }) // A25

  it('comes with its class, what it says, and the session', async () => {
    await shelf(way)
    const payloads: BulkPayload<Album>[] = []
    music.keep(preBulkUpdate(Album)((payload) => void payloads.push(payload)))
    const session = await way.transaction(music.ds, async (work) => {
      await work.manager.update(Album, { name: 'Blue' }, { plays: 5 })
      return work.session
    })
    expect(payloads).toHaveLength(1)
    const { sender, statement, changes, session: given } = payloads[0]!
    expect([sender, statement.where, statement.values, changes]).toEqual([Album, { name: 'Blue' }, { plays: 5 }, []])
    expect(given).toBe(session)
  })

  it('sends nothing for no rows at all, nor inside withoutExtensions', async () => {
    const lines = listen()
    await way.manager(music.ds, (manager) => manager.save(Album, []))
    await withoutExtensions(() => way.manager(music.ds, (manager) => manager.update(Album, { name: 'Blue' }, { plays: 5 })))
    expect(lines).toEqual([])
  }) // A29: an empty list is no error here, and none of its entities is new

  it('of another class is not heard, of a class below on request', async () => {
    const heard: string[] = []
    music.keep(postBulkInsert(Single)(({ sender }) => void heard.push(`exactly ${sender.name}`)))
    music.keep(postBulkInsert(Release, { subclasses: true })(({ sender }) => void heard.push(`also ${sender.name}`)))
    music.keep(postBulkInsert(anyModel)(({ sender }) => void heard.push(`any ${sender.name}`)))
    await way.manager(music.ds, async (manager) => {
      await manager.insert(MaxiSingle, { name: 'River' })
      await manager.insert(Single, { name: 'Carey' })
      await manager.insert(Genre, { name: 'folk' })
    })
    expect(heard).toEqual(['also MaxiSingle', 'any MaxiSingle', 'exactly Single', 'also Single', 'any Single', 'any Genre'])
  })
})

describeWays('images of a statement by query', (way) => {
  it('are there after it when a receiver asks for them before: each row once', async () => {
    const ids = (await shelf(way)).map(({ id }) => id)
    const told: BulkPayload<Album>[] = []
    const lines: string[] = []
    music.keep(preBulkUpdate(Album)(({ statement }) => statement.wantImages('both')))
    music.keep(
      postBulkUpdate(Album)(async (payload) => {
        told.push(payload)
        for (const { key, changes } of payload.changes)
          await payload.session.manager.insert(AuditLine, { text: `${key.id} ${changes.plays?.from} -> ${changes.plays?.to}` })
      }),
    )
    music.keep(preUpdate(Album)(() => void lines.push('never')))
    music.keep(postUpdate(Album)(() => void lines.push('never')))
    await way.manager(music.ds, (manager) => manager.increment(Album, { id: In(ids) }, 'plays', 5))
    expect(told).toHaveLength(1)
    expect(told[0]!.changes).toHaveLength(3)
    expect((await music.rows(AuditLine)).map(({ text }) => text).sort()).toEqual(ids.map((id) => `${id} 0 -> 5`).sort())
    expect(lines).toEqual([])
  }) // A09

  it('tell deleted and inserted rows', async () => {
    const [blue] = await shelf(way)
    const told: unknown[] = []
    music.keep(preBulkDelete(Album)(({ statement }) => statement.wantImages('before')))
    music.keep(postBulkDelete(Album)(({ changes }) => void told.push(...changes.map(({ kind, before }) => [kind, before?.name]))))
    music.keep(preBulkInsert(Album)(({ statement }) => statement.wantImages('both')))
    music.keep(
      postBulkInsert(Album)(({ changes }) => void told.push(...changes.map(({ kind, after }) => [kind, after?.name, after?.plays]))),
    )
    await way.manager(music.ds, async (manager) => {
      await manager.delete(Album, { id: blue!.id })
      await manager.insert(Album, { name: 'Mingus' })
    })
    expect(told).toEqual([
      ['delete', 'Blue'],
      ['insert', 'Mingus', 0],
    ])
  })

  it('are not there where nobody has asked', async () => {
    await shelf(way)
    const told: unknown[] = []
    music.keep(postBulkUpdate(Album)(({ changes, statement }) => void told.push(changes, statement.affected)))
    await way.manager(music.ds, (manager) => manager.update(Album, { name: 'Blue' }, { plays: 5 }))
    expect(told).toEqual([[], 1])
  })

  it('cannot be asked for any more once it was sent', async () => {
    await shelf(way)
    music.keep(postBulkUpdate(Album)(({ statement }) => statement.wantImages('both')))
    const error = await errorOf(way.manager(music.ds, (manager) => manager.update(Album, { name: 'Blue' }, { plays: 5 })))
    expect(error).toMatchObject({ code: 'BULK_IMAGES_TOO_LATE' })
  })
})

describeWays('an error of a receiver of a statement by query', (way) => {
  const error = new Error('no')

  it('before it reaches the caller, and the statement is not sent', async () => {
    await shelf(way)
    const heard: string[] = []
    music.keep(preBulkDelete(Album)(() => Promise.reject(error)))
    music.keep(postBulkDelete(Album)(() => void heard.push('never')))
    expect(await errorOf(way.manager(music.ds, (manager) => manager.delete(Album, { name: 'Blue' })))).toBe(error)
    expect(heard).toEqual([])
    expect(await music.names(Album)).toEqual(['Blue', 'Court', 'Hejira'])
  }) // A34

  it('after it undoes the transaction around it', async () => {
    await shelf(way)
    music.keep(postBulkDelete(Album)(() => Promise.reject(error)))
    const failing = way.transaction(music.ds, (work) => work.manager.delete(Album, { name: 'Blue' }))
    expect(await errorOf(failing)).toBe(error)
    expect(await music.names(Album)).toEqual(['Blue', 'Court', 'Hejira'])
  }) // A35

  it('after it leaves what was written where no transaction was around it', async () => {
    await shelf(way)
    music.keep(postBulkDelete(Album)(() => Promise.reject(error)))
    expect(await errorOf(way.manager(music.ds, (manager) => manager.delete(Album, { name: 'Blue' })))).toBe(error)
    const left = ['Court', 'Hejira']
    expect(await music.names(Album)).toEqual(way.pick({ ambient: left, session: left, block: ['Blue', ...left] })) // a block has a transaction
  }) // A35
})
