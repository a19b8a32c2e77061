/** Payloads of 1 MiB go all the way, one of them and many. */
import { subscription, type CloudEvent } from 'flushpoint/outbox'
import { describeDatabase } from '../../support/databases.js'
import { Moved } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import { countRows, startRelay, until } from '../../support/relays.js'
import { track } from 'flushpoint/events'

const MEBIBYTE = 2 ** 20
/** Signs of one to four bytes, quotes and what JSON writes as escapes. */
const SIGNS = 'ab "\\\n\u0001é€𝄞'

describeDatabase('a payload of 1 MiB', () => {
  it('arrives as it was told, with others of its size', async () => {
    const dataSource = await openOutbox()
    const filling = SIGNS.repeat(Math.ceil(MEBIBYTE / Buffer.byteLength(JSON.stringify(SIGNS))))
    expect(Buffer.byteLength(JSON.stringify(filling))).toBeGreaterThan(MEBIBYTE * 0.9)
    const texts = Array.from({ length: 12 }, (_, n) => `${n} ${filling}`)
    await dataSource.transaction(async () => texts.slice(0, 6).forEach((text, n) => track(new Moved({ id: 'k', n, filling: text }))))
    for (const [n, text] of texts.slice(6).entries())
      await dataSource.transaction(async () => track(new Moved({ id: 'k', n: n + 6, filling: text })))
    const heard: string[] = []
    let isFirst = true
    await startRelay(dataSource, {
      subscriptions: [
        subscription({
          name: 'ear',
          retry: { baseMs: 1 },
          handle: ({ data }: CloudEvent<{ filling: string }>) => {
            if (isFirst) {
              isFirst = false
              throw new Error(filling) // so is an error: what is kept of it is cut
            }
            heard.push(data.filling)
          },
        }),
      ],
    })
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect(heard.map((text, n) => text === texts[n])).toEqual(texts.map(() => true))
  })
})
