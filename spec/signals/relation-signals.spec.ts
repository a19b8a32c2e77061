/**
 * The signals of collections: a member that came or went, of many-to-manys on either side, of one-to-manys, and of links that are entities.
 *
 * @module
 */
import {
  postRelationAdd,
  postRelationRemove,
  postSave,
  postUpdate,
  postDelete,
  preDelete,
  preRelationAdd,
  preRelationRemove,
  preSave,
  preUpdate,
  type RelationPayload,
} from 'flushpoint/signals'
import { album, genre, genresOf, relationLog, storedAlbum, track, tracksOf } from '../support/albums.js'
import { fresh } from '../support/hooks.js'
import { make } from '../support/models.js'
import { Album, Artist, Credit, Genre, Track } from '../support/music.js'
import { useSignals } from '../support/signals.js'
import { describeWays } from '../support/ways-in.js'

const music = useSignals()

describeWays('a member of a many-to-many', (way) => {
  it('is told when it comes and when it goes, before and after it is written', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [genre('folk')] })
    const [folk] = one.genres!
    const jazz = await way.seed(music.ds, genre('jazz'))
    const lines = relationLog(music, Album)
    await way.save(music.ds, Object.assign(one, { genres: [jazz] }))
    expect(lines).toEqual([
      `preRemove Blue.genres ${folk!.id}`,
      `preAdd Blue.genres ${jazz.id}`,
      `postRemove Blue.genres ${folk!.id}`,
      `postAdd Blue.genres ${jazz.id}`,
    ])
    expect(await genresOf(music.ds, one.id)).toEqual(['jazz'])
  }) // A21

  it('leaves an empty collection when the last one goes', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [genre('folk')] })
    const [folk] = one.genres!
    const lines = relationLog(music, Album)
    one.genres!.pop()
    await way.save(music.ds, one)
    expect(lines).toEqual([`preRemove Blue.genres ${folk!.id}`, `postRemove Blue.genres ${folk!.id}`])
    expect(await genresOf(music.ds, one.id)).toEqual([])
  }) // A21

  it('is told of the side whose collection was edited, the inverse one as well', async () => {
    const one = await way.seed(music.ds, album())
    const { id } = await way.seed(music.ds, genre('folk'))
    const folk = await way.load(music.ds, Genre, { id }, 'albums')
    const lines = relationLog(music, Album, Genre)
    folk.albums!.push(one)
    await way.save(music.ds, folk)
    expect(lines).toEqual([`preAdd folk.albums ${one.id}`, `postAdd folk.albums ${one.id}`])
    folk.albums!.pop()
    await way.save(music.ds, folk)
    expect(lines.slice(2)).toEqual([`preRemove folk.albums ${one.id}`, `postRemove folk.albums ${one.id}`])
    expect(await genresOf(music.ds, one.id)).toEqual([])
  })

  it('comes as the real object, with its owner, the class of that and the session', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const folk = genre('folk')
    const payloads: RelationPayload<Album>[] = []
    music.keep(preRelationAdd(Album)((payload) => void payloads.push(payload)))
    music.keep(postRelationAdd(Album)((payload) => void payloads.push(payload)))
    const session = await way.transaction(music.ds, async (work) => {
      one.genres!.push(folk)
      await work.save(one)
      return work.session
    })
    expect(payloads).toHaveLength(2)
    for (const payload of payloads) {
      expect(payload.instance).toBe(one)
      expect(payload.child).toBe(folk)
      expect(payload.session).toBe(session)
      expect([payload.sender, payload.relationName]).toEqual([Album, 'genres'])
      expect(Object.keys(payload).sort()).toEqual(['child', 'instance', 'relationName', 'sender', 'session'])
    }
  }) // A17, A20: there are no values of a link to pass along

  it('that was taken out is the real object where the session has it, else one that knows its key', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [genre('folk')] })
    const [folk] = one.genres!
    const children: object[] = []
    music.keep(preRelationRemove(Album)(({ child }) => void children.push(child)))
    music.keep(postRelationRemove(Album)(({ child }) => void children.push(child)))
    await way.save(music.ds, Object.assign(one, { genres: [] }))
    expect(children).toHaveLength(2)
    expect(children.every((child) => child instanceof Genre && child.id === folk!.id)).toBe(true)
    expect(children[0]).toBe(children[1])
    expect(children[0] === folk).toBe(way.isSession) // TypeORM's save has never seen the object that was taken out
  })

  it('that is new is told before it has a key, and after with its key; its own signals lie between', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const lines = relationLog(music, Album)
    music.keep(preSave(Genre)(() => void lines.push('preSave')))
    music.keep(postSave(Genre)(() => void lines.push('postSave')))
    const folk = genre('folk')
    one.genres!.push(folk)
    await way.save(music.ds, one)
    expect(lines).toEqual(['preAdd Blue.genres new', 'preSave', 'postSave', `postAdd Blue.genres ${folk.id}`])
  })

  it('comes before the signals of its owner, and after them', async () => {
    const one = await storedAlbum(music.ds, way, { genres: [] })
    const lines = relationLog(music, Album)
    music.keep(preUpdate(Album)(() => void lines.push('preUpdate')))
    music.keep(postUpdate(Album)(() => void lines.push('postUpdate')))
    const folk = await way.seed(music.ds, genre('folk'))
    one.genres!.push(folk)
    await way.save(music.ds, one)
    expect(lines).toEqual([`preAdd Blue.genres ${folk.id}`, 'preUpdate', 'postUpdate', `postAdd Blue.genres ${folk.id}`])
  })

  it('is told of a new owner, too', async () => {
    const folk = await way.seed(music.ds, genre('folk'))
    const lines = relationLog(music, Album)
    await way.save(music.ds, album({ genres: [folk, genre('jazz')], tracks: [track('River')] }))
    expect(lines.filter((line) => line.startsWith('pre')).sort()).toEqual([
      `preAdd Blue.genres ${folk.id}`,
      'preAdd Blue.genres new',
      'preAdd Blue.tracks new',
    ])
    expect(lines.filter((line) => line.startsWith('post'))).toHaveLength(3)
    expect(await music.names(Album)).toEqual(['Blue'])
  }) // A23: an owner that was not saved is saved with its members
})

describeWays('a member of a one-to-many', (way) => {
  it('is told when it comes and when it goes, of the side that has the collection', async () => {
    const one = await storedAlbum(music.ds, way, { tracks: [track('River')] })
    const [river] = one.tracks!
    const carey = await way.seed(music.ds, track('Carey'))
    const lines = relationLog(music, Album)
    await way.save(music.ds, Object.assign(one, { tracks: [carey] }))
    expect(lines).toEqual([
      `preRemove Blue.tracks ${river!.id}`,
      `preAdd Blue.tracks ${carey.id}`,
      `postRemove Blue.tracks ${river!.id}`,
      `postAdd Blue.tracks ${carey.id}`,
    ])
    expect(await tracksOf(music.ds, one.id)).toEqual(['Carey'])
    expect((await fresh(music.ds, Track, river!.id, 'album')).album).toBeNull()
  }) // A17, A20

  it('has its own signals between', async () => {
    const one = await storedAlbum(music.ds, way, { tracks: [] })
    const lines = relationLog(music, Album)
    const carey = await way.seed(music.ds, track('Carey'))
    music.keep(preUpdate(Track)(() => void lines.push('preUpdate')))
    music.keep(postUpdate(Track)(() => void lines.push('postUpdate')))
    one.tracks!.push(carey)
    await way.save(music.ds, one)
    expect(lines).toEqual([`preAdd Blue.tracks ${carey.id}`, 'preUpdate', 'postUpdate', `postAdd Blue.tracks ${carey.id}`])
  })

  it('is told by both collections when it moves from one to the other', async () => {
    const one = await storedAlbum(music.ds, way, { tracks: [track('River')] })
    const other = await storedAlbum(music.ds, way, { tracks: [] })
    other.name = 'Court'
    const river = one.tracks!.pop()!
    other.tracks!.push(river)
    const lines = relationLog(music, Album)
    await way.save(music.ds, [one, other])
    expect([...lines].sort()).toEqual([
      `postAdd Court.tracks ${river.id}`,
      `postRemove Blue.tracks ${river.id}`,
      `preAdd Court.tracks ${river.id}`,
      `preRemove Blue.tracks ${river.id}`,
    ])
    expect([await tracksOf(music.ds, one.id), await tracksOf(music.ds, other.id)]).toEqual([[], ['River']])
  })

  it('is told of links that are entities, whose own signals lie between', async () => {
    const one = await storedAlbum(music.ds, way, { credits: [] })
    const lines = relationLog(music, Album)
    music.keep(preSave(Credit)(() => void lines.push('preSave')))
    music.keep(postSave(Credit)(() => void lines.push('postSave')))
    music.keep(preDelete(Credit)(() => void lines.push('preDelete')))
    music.keep(postDelete(Credit)(() => void lines.push('postDelete')))
    const credit = make(Credit, { artist: make(Artist, { name: 'Joni' }) })
    one.credits!.push(credit)
    await way.save(music.ds, one)
    const { id } = credit
    expect(lines).toEqual(['preAdd Blue.credits new', 'preSave', 'postSave', `postAdd Blue.credits ${id}`])
    lines.length = 0
    one.credits!.pop()
    await way.save(music.ds, one)
    expect(lines).toEqual([`preRemove Blue.credits ${id}`, 'preDelete', 'postDelete', `postRemove Blue.credits ${id}`])
    expect(await music.rows(Credit)).toEqual([])
  }) // A24

  it('is not told when its own reference is set, as long as the collection is left alone', async () => {
    const one = await way.seed(music.ds, album())
    const river = await way.seed(music.ds, track('River'))
    const lines = relationLog(music, Album)
    await way.save(music.ds, Object.assign(river, { album: one }))
    expect(lines).toEqual([])
    expect(await tracksOf(music.ds, one.id)).toEqual(['River'])
  })
})

describeWays('links that are entities', (way) => {
  const places = async () => (await music.rows(Credit, 'artist')).map(({ place, artist }) => `${place} ${artist.name}`).sort()
  const credit = (name: string, values: Partial<Credit> = {}) => make(Credit, { artist: make(Artist, { name }), ...values })

  it('are kept in order by receivers: added at the end, moved among the others, closed up behind one that goes', async () => {
    const creditsOf = (instance: Credit) => instance.album.credits ?? []
    music.keep(
      preSave(Credit)(({ instance }) => {
        if (!instance.place) instance.place = 1 + Math.max(0, ...creditsOf(instance).map(({ place }) => place || 0))
      }),
    )
    music.keep(
      preUpdate(Credit)(({ instance, state }) => {
        const { from, to } = state.changes.place ?? {}
        const other = creditsOf(instance).find((one) => one !== instance && one.place === to)
        if (other !== undefined && from !== undefined) other.place = from
      }),
    )
    music.keep(
      preRelationRemove(Album)(({ instance, child }) => {
        const gone = credits.find(({ id }) => id === (child as Credit).id)!
        for (const left of instance.credits!) if (left.place > gone.place) left.place--
      }),
    )
    const one = await way.seed(music.ds, album({ credits: [] }))
    const credits: Credit[] = []
    for (const name of ['Joni', 'James', 'Stephen']) {
      const added = credit(name, { album: one })
      credits.push(added)
      one.credits!.push(added)
      await way.save(music.ds, one)
    }
    expect(await places()).toEqual(['1 Joni', '2 James', '3 Stephen'])

    credits[2]!.place = 1
    await way.save(music.ds, one)
    expect(await places()).toEqual(['1 Stephen', '2 James', '3 Joni'])

    one.credits = one.credits!.filter(({ place }) => place !== 2)
    await way.save(music.ds, one)
    expect(await places()).toEqual(['1 Stephen', '2 Joni'])
  }) // A45
})

describeWays('the values of a link', (way) => {
  it('are seen before it is inserted, and may be taken away', async () => {
    const one = await storedAlbum(music.ds, way, { credits: [] })
    const seen: unknown[] = []
    music.keep(
      preRelationAdd(Album)(({ child }) => {
        seen.push((child as Credit).place)
        delete (child as Partial<Credit>).place
      }),
    )
    music.keep(postRelationAdd(Album)(({ child }) => void seen.push((child as Credit).place)))
    one.credits!.push(make(Credit, { place: 7, artist: make(Artist, { name: 'Joni' }) }))
    await way.save(music.ds, one)
    expect(seen).toEqual([7, 0]) // the default of the column
    expect(await music.rows(Credit)).toMatchObject([{ place: 0 }])
  }) // A18: a link with values is an entity, and what is passed along are its columns

  it('that cannot be inserted are an error after the first signal, without the second', async () => {
    const one = await storedAlbum(music.ds, way, { credits: [] })
    const lines = relationLog(music, Album)
    one.credits!.push(make(Credit, { place: null as never, artist: make(Artist, { name: 'Joni' }) }))
    await expect(way.save(music.ds, one)).rejects.toThrow()
    expect(lines).toEqual(['preAdd Blue.credits new'])
    expect([await music.rows(Credit), await music.rows(Artist)]).toEqual([[], []])
  }) // A19
})
