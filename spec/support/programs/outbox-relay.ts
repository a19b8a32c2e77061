/**
 * A relay in a process of its own, whose handlers do what their messages say.
 *
 * @module
 */
import { createRelay, subscription } from 'flushpoint/outbox'
import { setTimeout as sleep } from 'node:timers/promises'
import { instructions, log, openDatabase, parentsWord, type Deed } from './outbox-program.js'

async function perform({ does }: Deed): Promise<void> {
  if (does === 'exit') process.exit(1)
  if (does === 'kill') process.kill(process.pid, 'SIGKILL')
  if (does === 'throw') throw new Error('as it was told')
  if (does === 'exit later' || does === 'pause') await sleep(20)
  if (does === 'exit later') process.exit(1)
  if (does === 'pause') await new Promise<void>((resolve) => process.once('message', () => resolve()))
}

async function main(): Promise<void> {
  const { names = ['ear'], relay: relayOptions, subscription: more } = instructions
  const dataSource = await openDatabase()
  const subscriptions = names.map((name) =>
    subscription<Deed>({
      name,
      retry: { attempts: 5, baseMs: 5, maxMs: 20 },
      ...more,
      handle: async ({ data }, { attempt, manager }) => {
        const { id, n, isUndone = false, does } = data
        const isMeant = does !== undefined && (data.of ?? name) === name
        const note = () => log({ handled: { name, id, n, isUndone, attempt } })
        if (more?.exactlyOnce === true) await manager.insert('Effect', { n })
        if (isMeant) {
          log({ told: `begins ${n}` })
          await perform(data)
        }
        note()
      },
    }),
  )
  const relay = createRelay(dataSource, {
    pollMs: [5, 50],
    ...relayOptions,
    subscriptions,
    onError: (error) => log({ told: `error ${String(error)}` }),
  })
  let started: Promise<void> | undefined
  let isEnding = false
  process.once('SIGTERM', () => {
    isEnding = true
    void (async () => {
      await started
      await relay.stop({ timeoutMs: 1_000 })
      log({ told: `stopped ${JSON.stringify(relay.counters)}` })
      await dataSource.destroy()
      process.exit(0)
    })()
  })
  await parentsWord()
  if (isEnding) return
  await (started = relay.start())
  log({ told: 'started' })
}

void main()
