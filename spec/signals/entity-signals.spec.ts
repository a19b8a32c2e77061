/**
 * The signals of one instance: inserted, updated, deleted, soft-removed, recovered; before the statements, and after them in the same
 * transaction.
 *
 * @module
 */
import { withoutExtensions } from 'flushpoint'
import {
  anyModel,
  postDelete,
  postInsert,
  postRecover,
  postSave,
  postSoftRemove,
  postUpdate,
  preDelete,
  preInsert,
  preRecover,
  preSave,
  preSoftRemove,
  preUpdate,
  signalsOf,
  type SignalPayload,
} from 'flushpoint/signals'
import { album, storedAlbum } from '../support/albums.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { fresh } from '../support/hooks.js'
import { make } from '../support/models.js'
import { Album, Artist, AuditLine, Format, Genre, Track } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'
import { describeWays } from '../support/ways-in.js'

const music = useSignals()
const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A receiver that writes a line to the database, in the transaction it is called in. */
const audit =
  (what: string) =>
  ({ instance, state, session }: SignalPayload<Album>) =>
    session.add(make(AuditLine, { text: `${what} ${instance.name} ${JSON.stringify(state.key)}` }))

const audited = async () => (await music.rows(AuditLine)).map(({ text }) => text)

/** Notes each signal of albums and genres in this test. */
function listen(): string[] {
  const lines: string[] = []
  const models = [Album, Genre]
  const note =
    (what: string) =>
    ({ instance }: { instance: Album | Genre }) =>
      void lines.push(`${what} ${instance.name}`)
  for (const [name, connect] of Object.entries({ preSave, postSave, preUpdate, postUpdate, preDelete, postDelete }))
    music.keep(connect(models)(note(name)))
  for (const [name, connect] of Object.entries({ preSoftRemove, postSoftRemove, preRecover, postRecover }))
    music.keep(connect(Album)(note(name)))
  return lines
}

describeWays('a new instance', (way) => {
  it('is told before its row is there, without a key, and after, with its key', async () => {
    music.keep(preSave(Album)(audit('pre')))
    music.keep(postSave(Album)(audit('post')))
    const { id } = await way.save(music.ds, album())
    expect(await audited()).toEqual(['pre Blue {}', `post Blue {"id":${id}}`])
  }) // A04

  it('is told alike however it was made', async () => {
    const lines = listen()
    await way.save(music.ds, music.ds.manager.create(Album, { name: 'created' }))
    await way.save(music.ds, Object.assign(new Album(), { name: 'made' }))
    expect(lines).toEqual(['preSave created', 'postSave created', 'preSave made', 'postSave made'])
  }) // A05, A25

  it('is told once to each receiver, in the order they were connected', async () => {
    const lines: string[] = []
    music.keep(preSave(Album)(() => void lines.push('first')))
    music.keep(preSave(Album)(() => tick().then(() => void lines.push('second'))))
    music.keep(preSave(Album)(() => void lines.push('third')))
    await way.save(music.ds, album())
    expect(lines).toEqual(['first', 'second', 'third'])
  }) // A10

  it('is told to receivers of insert, which is what save means here', async () => {
    const lines: string[] = []
    music.keep(preInsert(Album)(() => void lines.push('preInsert')))
    music.keep(postInsert(Album)(() => void lines.push('postInsert')))
    await way.save(music.ds, album())
    expect(lines).toEqual(['preInsert', 'postInsert'])
  })

  it('is told as inserted, not updated, though it has a key already', async () => {
    const lines: string[] = []
    music.keep(preSave(Format)(({ state }) => void lines.push(`preSave ${JSON.stringify(state.key)}`)))
    music.keep(preUpdate(Format)(() => void lines.push('preUpdate')))
    await way.save(music.ds, make(Format, { code: 'lp', name: 'vinyl' }))
    expect(lines).toEqual(['preSave {"code":"lp"}'])
    expect(await music.ds.manager.find(Format)).toEqual([{ code: 'lp', name: 'vinyl' }])
  }) // A30: there is nothing that updates what was never saved

  it('comes with its class, its state and its session', async () => {
    const payloads: SignalPayload<Album>[] = []
    music.keep(preSave(Album)((payload) => void payloads.push(payload)))
    const { saved, session } = await way.transaction(music.ds, async (work) => ({
      saved: await work.save(album()),
      session: work.session,
    }))
    expect(payloads).toHaveLength(1)
    const [payload] = payloads
    expect(Object.keys(payload!).sort()).toEqual(['instance', 'sender', 'session', 'state'])
    expect([payload!.sender, payload!.instance, payload!.state.entity, payload!.session]).toEqual([Album, saved, saved, session])
    expect(payload!.instance).toBe(saved)
    expect(payload!.session).toBe(session)
  })
})

describeWays('a changed instance', (way) => {
  it('is told before and after its row is written', async () => {
    const one = await storedAlbum(music.ds, way, {})
    music.keep(preUpdate(Album)(audit('pre')))
    music.keep(
      postUpdate(Album)(async ({ instance, session }) => {
        const row = await session.manager.findOneByOrFail(Album, { id: instance.id })
        session.add(make(AuditLine, { text: `post ${row.name}` }))
      }),
    )
    await way.save(music.ds, Object.assign(one, { name: 'Green' }))
    expect(await audited()).toEqual([`pre Green {"id":${one.id}}`, 'post Green'])
  }) // A06

  it('is told no more to receivers that were disconnected through the instance', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const [before, after] = [audit('pre'), audit('post')]
    preUpdate(Album)(before)
    postUpdate(Album)(after)
    await way.save(music.ds, Object.assign(one, { name: 'Green' }))
    expect(await audited()).toHaveLength(2)

    const signals = signalsOf(one)
    expect([signals.preUpdate.disconnect(before), signals.postUpdate.disconnect(after)]).toEqual([true, true])
    await way.save(music.ds, Object.assign(one, { name: 'Red' }))
    expect(await audited()).toHaveLength(2)
    expect(await music.names(Album)).toEqual(['Red'])
  }) // A07

  it('says what was changed, from and to', async () => {
    const one = await storedAlbum(music.ds, way, { plays: 1 })
    const told: unknown[] = []
    music.keep(preUpdate(Album)(({ state }) => void told.push(state.changes.plays, state.changed('name'), state.original.plays)))
    music.keep(postUpdate(Album)(({ state }) => void told.push(state.changes.plays, state.status)))
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    expect(told).toEqual([{ from: 1, to: 2 }, false, 1, { from: 1, to: 2 }, 'clean'])
  })

  it('is not written otherwise by what a receiver does to the payload, which is frozen', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const errors: unknown[] = []
    music.keep(
      preUpdate(Album)(async ({ state }) => {
        errors.push(await errorOf(() => void ((state.changes as any).name.to = 'Black')))
        errors.push(await errorOf(() => void ((state.changes as any).plays = { to: 9 })))
      }),
    )
    await way.save(music.ds, Object.assign(one, { name: 'Green' }))
    expect(errors).toEqual([expect.any(TypeError), expect.any(TypeError)])
    expect(await music.rows(Album)).toMatchObject([{ name: 'Green', plays: 0 }])
  }) // A44

  it('is told only where something differs', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const lines = listen()
    await way.save(music.ds, one)
    await way.save(music.ds, Object.assign(one, { name: 'Blue' }))
    expect(lines).toEqual([])
  }) // A26: what is found and not changed sends nothing

  it('is told as updated, and nothing else', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const lines = listen()
    await way.save(music.ds, Object.assign(one, { name: 'Green' }))
    expect(lines).toEqual(['preUpdate Green', 'postUpdate Green'])
  }) // A25

  it('is told as updated where a to-one leads elsewhere, without a relation signal', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const lines = listen()
    await way.save(music.ds, Object.assign(one, { artist: make(Artist, { name: 'Joni' }) }))
    expect(lines).toEqual(['preUpdate Blue', 'postUpdate Blue'])
    expect((await fresh(music.ds, Album, one.id, 'artist')).artist?.name).toBe('Joni')
  })
})

describeWays('a deleted instance', (way) => {
  it('is told before and after with the same key', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const { id } = one
    music.keep(preDelete(Album)(audit('pre')))
    music.keep(postDelete(Album)(audit('post')))
    await way.remove(music.ds, one)
    expect(await audited()).toEqual([`pre Blue {"id":${id}}`, `post Blue {"id":${id}}`])
    expect(await music.rows(Album)).toEqual([])
  }) // A08

  it('is told alone where the database deletes rows that refer to it', async () => {
    const { id } = await way.seed(music.ds, album({ tracks: [make(Track, { name: 'River' })] }))
    const lines: string[] = []
    music.keep(preDelete([Album, Track])(({ sender }) => void lines.push(`pre ${sender.name}`)))
    music.keep(postDelete([Album, Track])(({ sender }) => void lines.push(`post ${sender.name}`)))
    await way.remove(music.ds, await way.load(music.ds, Album, { id }))
    expect(lines).toEqual(['pre Album', 'post Album'])
    expect(await music.rows(Track)).toEqual([])
  }) // A42
})

describeWays('an instance that is removed softly, and recovered,', (way) => {
  it('has signals of its own for both', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const lines = listen()
    await way.softRemove(music.ds, one)
    expect(await music.rows(Album)).toMatchObject([{ deletedAt: expect.any(Date) }])
    await way.recover(music.ds, one)
    expect(await music.rows(Album)).toMatchObject([{ deletedAt: null }])
    expect(lines).toEqual(['preSoftRemove Blue', 'postSoftRemove Blue', 'preRecover Blue', 'postRecover Blue'])
  })

  it('is written as receivers have changed it', async () => {
    const one = await storedAlbum(music.ds, way, {})
    music.keep(preSoftRemove(Album)(({ instance }) => void (instance.name = 'gone')))
    music.keep(preRecover(Album)(({ instance }) => void (instance.name = 'back')))
    await way.softRemove(music.ds, one)
    expect(await music.names(Album)).toEqual(['gone'])
    await way.recover(music.ds, one)
    expect(await music.names(Album)).toEqual(['back'])
  })
})

describeWays('what a receiver does to the instance', (way) => {
  const flag = ({ instance }: SignalPayload<Album>) => void (instance.isBestSeller = instance.plays > 50)

  it('is written with it, each time', async () => {
    const one = await storedAlbum(music.ds, way, {})
    music.keep(preUpdate(Album)(flag))
    await way.save(music.ds, Object.assign(one, { plays: 30 }))
    expect(await music.rows(Album)).toMatchObject([{ plays: 30, isBestSeller: false }])
    await way.save(music.ds, Object.assign(one, { plays: 60 }))
    expect(await music.rows(Album)).toMatchObject([{ plays: 60, isBestSeller: true }])
  }) // A14

  it('is written with a new one', async () => {
    music.keep(preSave(Album)(async ({ instance }) => tick().then(() => void (instance.name = instance.name.trim()))))
    await way.save(music.ds, album({ name: '  Hejira ' }))
    expect(await music.names(Album)).toEqual(['Hejira'])
  })

  it('is seen by the receivers after it', async () => {
    const seen: string[] = []
    music.keep(preSave(Album)(({ instance }) => void (instance.name += '!')))
    music.keep(preSave(Album)(({ instance }) => void seen.push(instance.name)))
    await way.save(music.ds, album())
    expect(seen).toEqual(['Blue!'])
  })

  it('in a post signal is written before the commit, and told again', async () => {
    const one = await storedAlbum(music.ds, way, {})
    const lines = listen()
    music.keep(postUpdate(Album)(({ instance }) => void (instance.plays = Math.min(instance.plays + 1, 3))))
    await way.save(music.ds, Object.assign(one, { plays: 1 }))
    expect(lines.filter((line) => line.startsWith('pre'))).toHaveLength(3)
    expect(await music.rows(Album)).toMatchObject([{ plays: 3 }])
  })
})

describeWays('several instances of one flush', (way) => {
  it('are all told before the first statement, and all again after the last', async () => {
    const lines = listen()
    const statements = recordStatements(music.ds)
    music.keep(preSave([Album, Genre])(() => void lines.push(`${statements.sql().filter((sql) => sql.startsWith('INSERT')).length} sent`)))
    await way.save(music.ds, [album(), make(Genre, { name: 'folk' })])
    statements.stop()
    expect(lines.slice(0, 4).sort()).toEqual(['0 sent', '0 sent', 'preSave Blue', 'preSave folk'])
    expect(lines.slice(4).sort()).toEqual(['postSave Blue', 'postSave folk'])
  })

  it('come with the class of each', async () => {
    const senders: unknown[] = []
    music.keep(preSave([Album, Genre])(({ sender, instance }) => void senders.push(sender, instance.constructor)))
    await way.save(music.ds, album())
    await way.save(music.ds, make(Genre, { name: 'folk' }))
    expect(senders).toEqual([Album, Album, Genre, Genre])
  }) // A13

  it('send nothing inside withoutExtensions', async () => {
    const lines = listen()
    await withoutExtensions(() => way.save(music.ds, album()))
    expect(lines).toEqual([])
    expect(await music.names(Album)).toEqual(['Blue'])
  })
})

describeDatabase('a plain object that TypeORM saves as it is', () => {
  it('is told with the class it is saved as', async () => {
    const told: unknown[] = []
    const note =
      (what: string) =>
      ({ sender, instance }: SignalPayload<Album>) =>
        void told.push([what, sender, instance.name])
    music.keep(preSave(Album)(note('preSave')))
    music.keep(postUpdate(Album)(note('postUpdate')))
    music.keep(postDelete(anyModel)(({ sender }) => void told.push(['postDelete', sender])))
    const repository = music.ds.getRepository(Album)
    const { id } = await repository.save({ name: 'plain' })
    await repository.save({ id, name: 'changed' })
    await repository.remove({ id, name: 'changed' } as Album)
    expect(told).toEqual([
      ['preSave', Album, 'plain'],
      ['postUpdate', Album, 'changed'],
      ['postDelete', Album],
    ])
  })
})
