/**
 * Receivers of the net change of one field: after the commit, once per row, whatever happened in between.
 *
 * @module
 */
import { withoutExtensions } from 'flushpoint'
import { onChange, preBulkUpdate, signalsSettled, type FieldChange, type FieldFilter, type ModelConnectOptions } from 'flushpoint/signals'
import { isSingleConnection } from '../support/databases.js'
import { make } from '../support/models.js'
import { Album, Artist, MaxiSingle, Release, Single } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'
import { openStranger } from '../support/transaction-log.js'
import { describeWays as describeEachWay, type WayIn } from '../support/ways-in.js'

const music = useSignals()
const album = (values: Partial<Album> = {}) => make(Album, { name: 'Blue', ...values })

/** As each way in, but what it has committed is told when it returns. */
function describeWays(title: string, body: (way: WayIn) => void): void {
  describeEachWay(title, (way) => {
    const settled = async <T>(written: Promise<T>) => written.finally(signalsSettled)
    body({
      ...way,
      save: (...args) => settled(way.save(...args)),
      recover: (...args) => settled(way.recover(...args)),
      transaction: (...args) => settled(way.transaction(...args)),
      manager: (...args) => settled(way.manager(...args)),
    })
  })
}

/** `Blue 1 -> 2` for each change of the plays of an album. */
function listen(filter: FieldFilter<Album, 'plays'> & ModelConnectOptions = {}): string[] {
  const lines: string[] = []
  music.keep(onChange(Album, 'plays', filter)(({ instance, from, to }) => void lines.push(`${instance.name} ${from} -> ${to}`)))
  return lines
}

async function stored(way: WayIn, values: Partial<Album> = {}) {
  const saved = await way.seed(music.ds, album({ plays: 1, ...values }))
  return way.load(music.ds, Album, { id: saved.id })
}

describeWays('the change of a field', (way) => {
  it('is told after the commit, with the values before the transaction and after it', async () => {
    const one = await stored(way)
    const told: FieldChange<Album, 'plays'>[] = []
    const lines = listen()
    music.keep(onChange(Album, 'plays')((change) => void told.push(change)))
    await way.transaction(music.ds, async (work) => {
      await work.save(Object.assign(one, { plays: 2 }))
      await work.save(Object.assign(one, { plays: 3 }))
      expect(lines).toEqual([])
    })
    expect(lines).toEqual(['Blue 1 -> 3'])
    expect(told).toHaveLength(1)
    const { sender, instance, from, to, change } = told[0]!
    expect([sender, from, to, change.kind, change.key]).toEqual([Album, 1, 3, 'update', { id: one.id }])
    expect(instance).toBe(one)
  })

  it('is told when a single write has committed', async () => {
    const one = await stored(way)
    const lines = listen()
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    expect(lines).toEqual(['Blue 1 -> 2'])
  })

  it('is committed for everybody when it is told', async () => {
    const one = await stored(way)
    const stranger = isSingleConnection() ? music.ds : await openStranger(music.ds)
    const seen: number[] = []
    music.keep(
      onChange(
        Album,
        'plays',
      )(async ({ instance }) => {
        seen.push((await stranger.manager.findOneByOrFail(Album, { id: instance.id })).plays)
      }),
    )
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    expect(seen).toEqual([2])
  })

  it('is told of that field alone', async () => {
    const one = await stored(way)
    const lines = listen()
    await way.save(music.ds, Object.assign(one, { name: 'Green' }))
    expect(lines).toEqual([])
  })

  it('that ends where it began is told nobody', async () => {
    const one = await stored(way)
    const lines = listen()
    await way.transaction(music.ds, async (work) => {
      await work.save(Object.assign(one, { plays: 2, name: 'Green' }))
      await work.save(Object.assign(one, { plays: 1 }))
    })
    expect(lines).toEqual([])
    expect(await music.rows(Album)).toMatchObject([{ name: 'Green', plays: 1 }])
  })

  it('is told for each row, in the order in which they were written', async () => {
    const [one, other] = [await stored(way), await stored(way, { name: 'Court' })]
    const lines = listen()
    await way.transaction(music.ds, async (work) => {
      await work.save(Object.assign(other, { plays: 8 }))
      await work.save(Object.assign(one, { plays: 9 }))
    })
    expect(lines).toEqual(['Court 1 -> 8', 'Blue 1 -> 9'])
  })

  it('of a new row comes from undefined', async () => {
    const lines = listen()
    await way.save(music.ds, album({ plays: 4 }))
    expect(lines).toEqual(['Blue undefined -> 4'])
  })

  it('of a deleted row is none', async () => {
    const one = await stored(way)
    const lines = listen()
    await way.transaction(music.ds, async (work) => {
      await work.save(Object.assign(one, { plays: 2 }))
      await work.remove(one)
    })
    expect(lines).toEqual([])
    expect(await music.rows(Album)).toEqual([])
  })

  it('of a to-one is told as keys', async () => {
    const [joni, james] = await way.seed(music.ds, [make(Artist, { name: 'Joni' }), make(Artist, { name: 'James' })])
    const { id } = await way.seed(music.ds, album({ artist: joni! }))
    const one = await way.load(music.ds, Album, { id }, 'artist')
    const told: unknown[] = []
    music.keep(onChange(Album, 'artist')(({ from, to }) => void told.push([from, to])))
    music.keep(onChange(Album, 'artist', { from: joni!, to: james! })(() => void told.push('from Joni to James')))
    music.keep(onChange(Album, 'artist', { to: joni! })(() => void told.push('never')))
    await way.save(music.ds, Object.assign(one, { artist: james }))
    expect(told).toEqual([[{ id: joni!.id }, { id: james!.id }], 'from Joni to James'])
  })

  it('is told of rows that a query has written, where their images were asked for', async () => {
    const one = await stored(way)
    const lines = listen()
    await way.manager(music.ds, (manager) => manager.update(Album, { id: one.id }, { plays: 2 }))
    expect(lines).toEqual([])
    music.keep(preBulkUpdate(Album)(({ statement }) => statement.wantImages('both')))
    await way.manager(music.ds, (manager) => manager.update(Album, { id: one.id }, { plays: 3 }))
    expect(lines).toEqual(['Blue 2 -> 3'])
  })

  it('inside withoutExtensions is told nobody', async () => {
    const one = await stored(way)
    const lines = listen()
    await withoutExtensions(() => way.save(music.ds, Object.assign(one, { plays: 2 })))
    expect(lines).toEqual([])
  })
})

describeWays('the change of a field that is undone', (way) => {
  it('with its transaction is told nobody', async () => {
    const one = await stored(way)
    const lines = listen()
    const error = new Error('no')
    const failing = way.transaction(music.ds, async (work) => {
      await work.save(Object.assign(one, { plays: 2 }))
      throw error
    })
    expect(await errorOf(failing)).toBe(error)
    expect(lines).toEqual([])
    expect(await music.rows(Album)).toMatchObject([{ plays: 1 }])
  })

  it('with a savepoint is told as far as it was not', async () => {
    const [one, other] = [await stored(way), await stored(way, { name: 'Court' })]
    const lines = listen()
    await way.transaction(music.ds, async (work) => {
      await work.save(Object.assign(one, { plays: 2 }))
      const nested = work.transaction(async (inner) => {
        await inner.save(Object.assign(other, { plays: 2 }))
        throw new Error('no')
      })
      await expect(nested).rejects.toThrow('no')
    })
    expect(lines).toEqual(['Blue 1 -> 2'])
    expect((await music.rows(Album)).map(({ plays }) => plays)).toEqual([2, 1])
  })

  it('by an update in the same transaction is told nobody, though the row has changed otherwise', async () => {
    const one = await stored(way)
    const lines = listen({ to: 2 })
    await way.transaction(music.ds, async (work) => {
      await work.save(Object.assign(one, { plays: 2 }))
      await work.save(Object.assign(one, { plays: 3 }))
    })
    expect(lines).toEqual([])
  })
})

describeWays('filters of a change', (way) => {
  it('take what it was, what it is, or both', async () => {
    const one = await stored(way)
    const lines = { from: listen({ from: 1 }), to: listen({ to: 3 }), both: listen({ from: 2, to: 3 }) }
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    await way.save(music.ds, Object.assign(one, { plays: 3 }))
    expect(lines).toEqual({ from: ['Blue 1 -> 2'], to: ['Blue 2 -> 3'], both: ['Blue 2 -> 3'] })
  })

  it('are part of what a receiver is known by', async () => {
    const one = await stored(way)
    const lines: string[] = []
    const receiver = ({ from, to }: FieldChange<Album, 'plays'>) => void lines.push(`${from} -> ${to}`)
    for (const filter of [{ from: 1 }, { from: 1 }, { to: 2 }, {}, {}]) music.keep(onChange(Album, 'plays', filter)(receiver))
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    expect(lines).toEqual(['1 -> 2', '1 -> 2', '1 -> 2'])
  }) // A31

  it('compare dates by value', async () => {
    const one = await stored(way)
    const lines: unknown[] = []
    await withoutExtensions(() => way.softRemove(music.ds, one))
    const deletedAt = new Date(one.deletedAt!)
    music.keep(onChange(Album, 'deletedAt', { from: deletedAt, to: null })(() => void lines.push('recovered')))
    music.keep(onChange(Album, 'deletedAt', { from: new Date(0) })(() => void lines.push('never')))
    await way.recover(music.ds, one)
    expect(lines).toEqual(['recovered'])
  })
})

describeWays('receivers of a change', (way) => {
  it('are called in order, and all of them though one fails: that is reported and changes nothing', async () => {
    const one = await stored(way)
    const lines: string[] = []
    const error = new Error('no')
    music.keep(onChange(Album, 'plays')(() => void lines.push('first')))
    music.keep(onChange(Album, 'plays')(() => Promise.reject(error)))
    music.keep(onChange(Album, 'plays')(() => void lines.push('third')))
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    expect(lines).toEqual(['first', 'third'])
    expect(music.failures.map(({ hook, error: reported }) => [hook, reported])).toEqual([['afterCommit', error]])
    expect(await music.rows(Album)).toMatchObject([{ plays: 2 }])
  })

  it('are reported together where several fail', async () => {
    const one = await stored(way)
    const fail = (message: string) => () => {
      throw new Error(message)
    }
    music.keep(onChange(Album, 'plays')(fail('one')))
    music.keep(onChange(Album, 'name')(fail('two')))
    await way.save(music.ds, Object.assign(one, { plays: 2, name: 'Green' }))
    expect(music.failures.map(({ error }) => error)).toEqual([
      expect.objectContaining({ message: 'one; two', errors: [expect.any(Error), expect.any(Error)] }),
    ])
  })

  it('of a class hear of those below it on request', async () => {
    const heard: string[] = []
    music.keep(onChange(Single, 'name')(({ sender }) => void heard.push(`exactly ${sender.name}`)))
    music.keep(onChange(Release, 'name', { subclasses: true })(({ sender }) => void heard.push(`also ${sender.name}`)))
    await way.save(music.ds, make(MaxiSingle, { name: 'River' }))
    await way.save(music.ds, make(Single, { name: 'Carey' }))
    expect(heard).toEqual(['also MaxiSingle', 'exactly Single', 'also Single'])
  })

  it('once are called for the first change they are for', async () => {
    const one = await stored(way)
    const lines: string[] = []
    onChange(Album, 'plays', { to: 3, once: true })(({ from, to }) => void lines.push(`${from} -> ${to}`))
    for (const plays of [2, 3, 4, 3]) await way.save(music.ds, Object.assign(one, { plays }))
    expect(lines).toEqual(['2 -> 3'])
  })

  it('may be static methods', async () => {
    const one = await stored(way)
    const lines: string[] = []
    const controller = new AbortController()
    class Receivers {
      @onChange(Album, 'plays', { to: 2, abortSignal: controller.signal })
      static onPlays({ from }: FieldChange<Album, 'plays'>) {
        lines.push(`${this.name} ${from}`)
      }
    }
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    await way.save(music.ds, Object.assign(one, { plays: 3 }))
    controller.abort()
    await way.save(music.ds, Object.assign(one, { plays: 2 }))
    expect(lines).toEqual([`${Receivers.name} 1`])
  })
})
