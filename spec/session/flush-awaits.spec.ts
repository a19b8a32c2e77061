/**
 * What is changed, added or removed while a flush is under way is kept and written by the next one.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { make, useSessions } from '../support/sessions.js'
import { Account, Album, Hall, Memo, Photo } from '../support/ties.js'

const db = useSessions()
const MICROTASKS = Array.from({ length: 40 }, (_, index) => index * 2)
const TURNS = [1, 2, 3, 4, 5, 6, 8, 10, 14]

/** Points in time, counted in microtasks or in turns of the event loop. */
const moments = [
  ...MICROTASKS.map((count) => ({ name: `${count} microtasks`, count, wait: () => Promise.resolve() as Promise<unknown> })),
  ...TURNS.map((count) => ({ name: `${count} turns`, count, wait: () => new Promise((resolve) => setImmediate(resolve)) })),
]

/** Begins a flush, lets it get as far as `moment` and acts. */
async function during(flush: () => Promise<unknown>, { count, wait }: (typeof moments)[number], act: () => void): Promise<void> {
  const flushing = flush()
  for (let i = 0; i < count; i++) await wait()
  act()
  await flushing
}

describeDatabase('while a flush is under way', () => {
  it('keeps a change of an object it updates', async () => {
    const session = db.open()
    const memo = make(Memo, { text: '' })
    session.add(memo)
    await session.flush()
    for (const moment of moments) {
      memo.text = `flushed ${moment.name}`
      await during(
        () => session.flush(),
        moment,
        () => void (memo.text = `late ${moment.name}`),
      )
      await session.flush()

      expect(await db.column(Memo, 'text')).toEqual([`late ${moment.name}`])
    }
  }) // statement 32, M1

  it('keeps a change of an object it inserts', async () => {
    const session = db.open()
    for (const moment of moments) {
      const memo = make(Memo, { text: `flushed ${moment.name}` })
      session.add(memo)
      await during(
        () => session.flush(),
        moment,
        () => void (memo.text = `late ${moment.name}`),
      )
      await session.flush()

      expect((await db.rows(Memo)).at(-1)).toMatchObject({ id: memo.id, text: `late ${moment.name}` })
    }
  }) // statement 32, M1

  it('keeps a change made in place', async () => {
    const session = db.open()
    const account = make(Account, { name: 'a', data: { tags: [] } })
    session.add(account)
    await session.flush()
    for (const moment of moments) {
      account.data!.tags = ['flushed']
      await during(
        () => session.flush(),
        moment,
        () => void account.data!.tags.push(moment.name),
      )
      await session.flush()

      expect(await db.column(Account, 'data')).toEqual([{ tags: ['flushed', moment.name] }])
    }
  }) // statement 32, M1

  it('keeps what is added', async () => {
    const session = db.open()
    for (const [index, moment] of moments.entries()) {
      session.add(make(Memo, { text: `first ${moment.name}` }))
      await during(
        () => session.flush(),
        moment,
        () => session.add(make(Memo, { text: `second ${moment.name}` })),
      )
      await session.flush()

      const texts = await db.column(Memo, 'text')
      expect(texts).toHaveLength(2 * index + 2)
      expect(texts.slice(-2).sort()).toEqual([`first ${moment.name}`, `second ${moment.name}`])
    }
  }) // statement 32, M2

  it('keeps what is deleted, even the object it is writing', async () => {
    const session = db.open()
    for (const moment of moments) {
      const memo = make(Memo, { text: 'a' })
      session.add(memo)
      await session.flush()
      memo.text = 'b'
      await during(
        () => session.flush(),
        moment,
        () => session.delete(memo),
      )
      await session.flush()

      expect(await db.rows(Memo)).toEqual([])
    }
  }) // statement 32, M2

  it('deletes an object it was inserting', async () => {
    const session = db.open()
    for (const moment of moments) {
      const memo = make(Memo, { text: 'a' })
      session.add(memo)
      await during(
        () => session.flush(),
        moment,
        () => session.delete(memo),
      )
      await session.flush()

      expect(await db.rows(Memo)).toEqual([])
      expect(session.state(memo).status).toBe('detached')
    }
  }) // statement 32, M2

  it('keeps changes of membership', async () => {
    const session = db.open()
    const [east, west] = [make(Hall, { name: 'east' }), make(Hall, { name: 'west' })]
    const album = make(Album, { name: 'summer', halls: [], photos: [] })
    session.add(album, east, west)
    await session.flush()
    for (const moment of moments) {
      album.halls = [east]
      album.name = moment.name
      await during(
        () => session.flush(),
        moment,
        () => {
          album.halls!.push(west)
          album.halls!.shift()
          album.photos!.push(make(Photo, { name: moment.name }))
        },
      )
      await session.flush()

      const [row] = await db.rows(Album, 'halls', 'photos')
      expect(row!.halls!.map(({ name }) => name)).toEqual(['west'])
      expect(row!.photos).toHaveLength(album.photos!.length)
    }
  }) // statement 32
})
