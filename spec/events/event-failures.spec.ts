/** What listeners throw is told to handlers, or to the operator; never what an event tells. */
import { eventsSettled, onEvent, onEventError, track } from 'flushpoint/events'
import { noted, Noted, thrownBy, useEvents, warnings } from '../support/events.js'

const events = useEvents()
afterEach(() => jest.restoreAllMocks())

const trackFailing = async (text: string, error: unknown = new Error('no')) => {
  const off = onEvent(Noted)(function sendMail() {
    throw error
  })
  track(noted(text))
  await eventsSettled()
  off()
}

describe('a failure of a listener', () => {
  it('is a warning with the names of event and listener, without what the event tells', async () => {
    const said = warnings()
    await trackFailing('hunter2')
    expect(said).toEqual([{ code: 'EVENT_LISTENER_FAILED', message: 'The listener sendMail failed at "test.noted": no' }])
  })

  it('is a warning also where what was thrown cannot be printed', async () => {
    const said = warnings()
    await trackFailing('a', Object.create(null))
    expect(said.map(({ message }) => message)).toEqual(['The listener sendMail failed at "test.noted": a plain object'])
  })

  it('is told to every handler instead, while there is one', async () => {
    const said = warnings()
    const first = onEventError((error, { event, listener }) => void events.heard.push(`1 ${String(error)} ${event.name} ${listener}`))
    const second = onEventError(() => void events.heard.push('2'))
    await trackFailing('a')
    first()
    second()
    expect([events.heard, said]).toEqual([['1 Error: no test.noted sendMail', '2'], []])
    await trackFailing('a')
    expect(said).toHaveLength(1)
  })

  it.each(['throws', 'rejects'])('is told to the other handlers though one %s, which is a warning', async (how) => {
    const said = warnings()
    events.keep(
      onEventError(() => {
        if (how === 'rejects') return Promise.reject(new Error('handler'))
        throw new Error('handler')
      }),
    )
    events.keep(onEventError(() => void events.heard.push('told')))
    await trackFailing('a')
    await new Promise(setImmediate)
    expect(events.heard).toEqual(['told'])
    expect(said.map(({ message }) => message)).toEqual(['A handler of onEventError failed: handler'])
  })

  it('cannot be told to what is no function', () => {
    expect(thrownBy(() => onEventError('log' as never))).toMatchObject({ code: 'EVENT_LISTENER_INVALID' })
  })
})
