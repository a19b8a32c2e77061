/**
 * When relation signals are not sent, sent again, or sent before the statements alone; and what their own receivers may do.
 *
 * @module
 */
import { withoutExtensions, withSession } from 'flushpoint'
import { anyModel, postRelationAdd, preRelationAdd, preUpdate } from 'flushpoint/signals'
import { album, genre, genresOf, relationLog, storedAlbum, track, tracksOf } from '../support/albums.js'
import { describeDatabase } from '../support/databases.js'
import { make } from '../support/models.js'
import { Album, Genre, Track } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'
import { describeWays } from '../support/ways-in.js'

const music = useSignals()

describeWays('relation signals', (way) => {
  it('are not sent where nothing comes or goes: what was no member, and what comes back', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [genre('folk')] })
    const [folk] = one.genres!
    const lines = relationLog(music, Album)
    one.genres = one.genres!.filter(({ name }) => name !== 'no such genre')
    one.genres = [folk!]
    await way.save(music.ds, Object.assign(one, { name: 'Green' }))
    expect(lines).toEqual([])
    expect(await music.names(Album)).toEqual(['Green'])
  }) // A22

  it('are sent for each member when all go, and for members that were made with their owner', async () => {
    const lines = relationLog(music, Album)
    const one = await way.save(music.ds, album({ tracks: [track('River'), track('Carey')] }))
    expect(lines).toHaveLength(4)
    lines.length = 0
    one.tracks = []
    await way.save(music.ds, one)
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['preRemove', 'preRemove', 'postRemove', 'postRemove'])
    expect(await tracksOf(music.ds, one.id)).toEqual([])
  }) // A41: what a flush writes is told, however the array was edited

  it('are not sent for members that leave because their owner is deleted', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [genre('folk')] })
    const lines = relationLog(music, Album, Genre)
    await way.remove(music.ds, one)
    expect(lines).toEqual([])
    expect(await music.names(Genre)).toEqual(['folk'])
  })

  it('are sent of every model, where that was asked for', async () => {
    const senders: string[] = []
    music.keep(preRelationAdd(anyModel)(({ sender, relationName }) => void senders.push(`${sender.name}.${relationName}`)))
    await way.save(music.ds, album({ genres: [genre('folk')] }))
    expect(senders).toEqual(['Album.genres'])
  })

  it('tell what their own receivers do to collections, and write it', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const lines = relationLog(music, Album)
    const [folk, jazz] = await way.seed(music.ds, [genre('folk'), genre('jazz')])
    music.keep(
      preRelationAdd(Album)(({ instance, child }) => {
        if (child === folk) instance.genres!.push(jazz!)
      }),
    )
    one.genres!.push(folk!)
    await way.save(music.ds, one)
    expect(lines).toEqual([
      `preAdd Blue.genres ${folk!.id}`,
      `preAdd Blue.genres ${jazz!.id}`,
      `postAdd Blue.genres ${folk!.id}`,
      `postAdd Blue.genres ${jazz!.id}`,
    ])
    expect(await genresOf(music.ds, one.id)).toEqual(['folk', 'jazz'])
  })

  it('are stopped after a hundred rounds of receivers that never settle', async () => {
    let made = 0
    music.keep(preRelationAdd(Album)(({ instance }) => void instance.genres!.push(genre(`${++made}`))))
    const error = await errorOf(way.save(music.ds, album({ genres: [genre('first')] })))
    expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES', message: expect.stringContaining('preRelationAdd') })
    expect(await music.rows(Album)).toEqual([])
  })

  it('are told before the statements alone where a receiver refuses, and nothing is written', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const lines = relationLog(music, Album)
    const folk = await way.seed(music.ds, genre('folk'))
    const error = new Error('no')
    music.keep(
      preRelationAdd(Album)(() => {
        throw error
      }),
    )
    one.genres!.push(folk)
    expect(await errorOf(way.save(music.ds, one))).toBe(error)
    expect(lines).toEqual([`preAdd Blue.genres ${folk.id}`])
    expect(await genresOf(music.ds, one.id)).toEqual([])
  })

  it('are told before the statements alone where these fail', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const lines = relationLog(music, Album)
    one.genres!.push(make(Genre, { name: null as never }))
    await expect(way.save(music.ds, one)).rejects.toThrow()
    expect(lines).toEqual(['preAdd Blue.genres new'])
    expect(await music.rows(Genre)).toEqual([])
  })

  it('are told before the statements alone where another hook takes the edit back', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [], tracks: [] })
    const lines = relationLog(music, Album)
    const carey = await way.seed(music.ds, track('Carey'))
    const folk = await way.seed(music.ds, genre('folk'))
    music.keep(preUpdate(Album)(({ instance }) => void ((instance.genres = []), (instance.tracks = []))))
    await way.save(music.ds, Object.assign(one, { name: 'Green', genres: [folk], tracks: [Object.assign(carey, { name: 'Cary' })] }))
    expect([...lines].sort()).toEqual([`preAdd Green.genres ${folk.id}`, `preAdd Green.tracks ${carey.id}`])
    expect([await genresOf(music.ds, one.id), await tracksOf(music.ds, one.id)]).toEqual([[], []])
  })

  it('undo the transaction where one of them fails after the statements', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const error = new Error('no')
    music.keep(postRelationAdd(Album)(() => Promise.reject(error)))
    one.genres!.push(genre('folk'))
    expect(await errorOf(way.save(music.ds, one))).toBe(error)
    expect([await genresOf(music.ds, one.id), await music.rows(Genre)]).toEqual([[], []])
  })

  it('are sent again when what failed is saved again', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const lines = relationLog(music, Album)
    let isFirst = true
    music.keep(preUpdate(Album)(() => (isFirst ? Promise.reject(new Error('no')) : undefined)))
    const folk = await way.seed(music.ds, genre('folk'))
    await expect(way.save(music.ds, Object.assign(one, { genres: [folk] }))).rejects.toThrow('no')
    isFirst = false
    await way.save(music.ds, Object.assign(one, { genres: [folk] }))
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['preAdd', 'preAdd', 'postAdd'])
    expect(await genresOf(music.ds, one.id)).toEqual(['folk'])
  })
})

describeDatabase('relation signals of a save inside a hook', () => {
  it('are told apart from those of the flush around it', async () => {
    const { manager } = music.ds
    const [one, other] = await withoutExtensions(() => manager.save([album({ genres: [] }), album({ name: 'Court', genres: [] })]))
    const lines = relationLog(music, Album)
    music.keep(
      preUpdate(Album)(async ({ instance, session }) => {
        if (instance !== one) return
        other!.genres!.push(genre('jazz'))
        await session.manager.save(other)
      }),
    )
    one!.genres!.push(genre('folk'))
    await manager.save(one)
    expect(lines.map((line) => line.split('.')[0])).toEqual(['preAdd Blue', 'preAdd Court', 'postAdd Court', 'postAdd Blue'])
    expect([await genresOf(music.ds, one!.id), await genresOf(music.ds, other!.id)]).toEqual([['folk'], ['jazz']])
  })
})

describeDatabase('relation signals of a flush of one entity', () => {
  it('tell what it writes, and leave the rest for the next one', async () => {
    const briefly = (lines: readonly string[]) => lines.map((line) => line.split(' ').slice(0, 2).join(' '))
    const lines = relationLog(music, Album)
    await withSession(music.ds, async (session) => {
      const [one, other] = [album({ genres: [], tracks: [] }), album({ name: 'Court', genres: [] })]
      session.add(one, other)
      await session.flush()
      one.genres!.push(genre('folk'))
      one.tracks!.push(track('River'))
      other.genres!.push(genre('jazz'))
      await session.flush(one)
      expect(briefly(lines)).toEqual(['preAdd Blue.genres', 'postAdd Blue.genres'])
      lines.length = 0
    })
    expect(briefly(lines).sort()).toEqual(['postAdd Blue.tracks', 'postAdd Court.genres', 'preAdd Blue.tracks', 'preAdd Court.genres'])
  })
})

describeDatabase('relation signals of both sides', () => {
  it('are sent for each collection where a session keeps them in step, though one row is written', async () => {
    const lines = relationLog(music, Album, Genre)
    const [one, folk] = [album({ genres: [] }), Object.assign(genre('folk'), { albums: [] as Album[] })]
    await withSession(music.ds, async (session) => {
      session.add(one, folk)
      await session.flush()
      expect(lines).toEqual([])
      one.genres!.push(folk)
      folk.albums.push(one)
      await session.flush()
      const both = [`Blue.genres ${folk.id}`, `folk.albums ${one.id}`]
      expect([...lines].sort()).toEqual([...both.map((line) => `postAdd ${line}`), ...both.map((line) => `preAdd ${line}`)])
    })
    expect(await genresOf(music.ds, one.id)).toEqual(['folk'])
  })
})

describeDatabase('relation signals of plain objects', () => {
  it('come with the class their owner is saved as', async () => {
    const told: unknown[] = []
    music.keep(preRelationAdd(Album)(({ sender, relationName }) => void told.push([sender, relationName])))
    music.keep(postRelationAdd(Album)(({ child }) => void told.push((child as Track).name)))
    await music.ds.getRepository(Album).save({ name: 'plain', tracks: [{ name: 'River' }] })
    expect(told).toEqual([[Album, 'tracks'], 'River'])
    expect(await music.names(Track)).toEqual(['River'])
  })
})
