/**
 * What an error of a receiver does to the flush it is called in, and to the transaction around it.
 *
 * @module
 */
import { postSave, preDelete, preSave, preUpdate } from 'flushpoint/signals'
import { album, genre, storedAlbum } from '../support/albums.js'
import { recordStatements } from '../support/databases.js'
import { Album, Genre } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'
import { describeWays } from '../support/ways-in.js'

const music = useSignals()

describeWays('an error of a receiver', (way) => {
  const error = new Error('no')
  const fail = () => {
    throw error
  }

  it('before the statements reaches the caller as it is, and nothing is written', async () => {
    music.keep(preSave(Album)(fail))
    const statements = recordStatements(music.ds)
    expect(await errorOf(way.save(music.ds, [genre('folk'), album()]))).toBe(error)
    expect(statements.sql().filter((sql) => sql.startsWith('INSERT'))).toEqual([])
    statements.stop()
    expect([await music.rows(Album), await music.rows(Genre)]).toEqual([[], []])
  }) // A34

  it('before an update or a delete leaves the row as it was', async () => {
    const one = await storedAlbum(music.ds, way, {})
    music.keep(preUpdate(Album)(() => Promise.reject(error)))
    music.keep(preDelete(Album)(fail))
    expect(await errorOf(way.save(music.ds, Object.assign(one, { name: 'Green' })))).toBe(error)
    expect(one.name).toBe(way.pick({ ambient: 'Green', session: 'Green', block: 'Blue' })) // a block that fails takes everything back
    expect(await errorOf(way.remove(music.ds, await way.load(music.ds, Album, { id: one.id })))).toBe(error)
    expect(await music.names(Album)).toEqual(['Blue'])
  }) // A34

  it('stops the receivers after it', async () => {
    const lines: string[] = []
    music.keep(preSave(Album)(() => void lines.push('first')))
    music.keep(preSave(Album)(fail))
    music.keep(preSave(Album)(() => void lines.push('never')))
    expect(await errorOf(way.save(music.ds, album()))).toBe(error)
    expect(lines).toEqual(['first'])
  })

  it('after the statements undoes a write that had no transaction around it', async () => {
    music.keep(postSave(Album)(fail))
    expect(await errorOf(way.save(music.ds, album()))).toBe(error)
    expect(await music.rows(Album)).toEqual([])
  }) // A35: every save has a transaction here, so that the row does not stay

  it('after the statements undoes the transaction around it', async () => {
    music.keep(postSave(Album)(fail))
    const failing = way.transaction(music.ds, async (work) => {
      await work.save(genre('folk'))
      await work.save(album())
    })
    expect(await errorOf(failing)).toBe(error)
    expect([await music.rows(Album), await music.rows(Genre)]).toEqual([[], []])
  }) // A35

  it('after the statements cannot be swallowed by the transaction: nothing is committed', async () => {
    music.keep(postSave(Album)(fail))
    const swallowing = way.transaction(music.ds, async (work) => {
      const one = album()
      await work.save(one).catch(() => work.giveUp(one))
    })
    expect(await errorOf(swallowing)).toMatchObject({ cause: error })
    expect(await music.rows(Album)).toEqual([])
  }) // A35

  it('leaves what it was about to be saved again', async () => {
    let isFirst = true
    music.keep(
      preSave(Album)(() => {
        if (isFirst) fail()
      }),
    )
    const one = album()
    expect(await errorOf(way.save(music.ds, one))).toBe(error)
    isFirst = false
    await way.save(music.ds, one)
    expect(await music.names(Album)).toEqual(['Blue'])
  })
})
