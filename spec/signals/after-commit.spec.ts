/**
 * Receivers of changes are called while whoever committed goes on: they hold nothing up, and belong to no transaction.
 *
 * @module
 */
import { currentContext, tryCurrentSession, withContext } from 'flushpoint'
import { onChange, signalsSettled } from 'flushpoint/signals'
import { isSingleConnection } from '../support/databases.js'
import { make } from '../support/models.js'
import { Album, AuditLine } from '../support/music.js'
import { errorOf } from '../support/sessions.js'
import { useSignals } from '../support/signals.js'
import { describeWays } from '../support/ways-in.js'

const music = useSignals()
const album = (name = 'Blue') => make(Album, { name })

describeWays('a receiver of a change', (way) => {
  it('is not waited for by whoever commits', async () => {
    let release = () => {}
    const written = new Promise<void>((resolve) => (release = resolve))
    const told: string[] = []
    music.keep(onChange(Album, 'name')(async ({ to }) => (await written, told.push(to!))))
    await way.save(music.ds, album()) // would not return otherwise
    expect(told).toEqual([])
    release()
    await signalsSettled()
    expect(told).toEqual(['Blue'])
  })

  it('may query the DataSource, though as many commit at once as there are connections', async () => {
    const count = isSingleConnection() ? 1 : 12
    const names = Array.from({ length: count }, (_, index) => `album ${index}`)
    const found: number[] = []
    music.keep(onChange(Album, 'name')(async () => void found.push(await music.ds.manager.count(AuditLine))))
    await Promise.all(names.map((name) => way.save(music.ds, album(name))))
    await signalsSettled()
    expect(found).toEqual(names.map(() => 0))
    expect((await music.names(Album)).sort()).toEqual([...names].sort())
  })

  it('has the context of whoever committed, and no session', async () => {
    const seen: unknown[] = []
    music.keep(onChange(Album, 'name')(() => void seen.push(currentContext().actor, tryCurrentSession())))
    await withContext({ actor: 'Joni' as never }, () => way.transaction(music.ds, (work) => work.save(album())))
    await signalsSettled()
    expect(seen).toEqual(['Joni', undefined])
  })

  it('may write, and what it writes is told after', async () => {
    const told: string[] = []
    music.keep(
      onChange(Album, 'name', { to: 'Blue' })(async ({ instance }) => {
        await music.ds.manager.update(AuditLine, { id: -1 }, { text: '' })
        await way.save(music.ds, make(Album, { name: `after ${instance.name}` }))
        told.push('written')
      }),
    )
    music.keep(onChange(Album, 'name')(({ to }) => void told.push(to!)))
    await way.save(music.ds, album())
    await signalsSettled()
    expect(told).toEqual(['written', 'Blue', 'after Blue'])
  })

  it('cannot wait for itself', async () => {
    const errors: unknown[] = []
    music.keep(onChange(Album, 'name')(async () => void errors.push(await errorOf(signalsSettled()))))
    await way.save(music.ds, album())
    await signalsSettled()
    expect(errors).toEqual([expect.objectContaining({ code: 'SIGNALS_AWAIT_THEMSELVES' })])
  })
})
