/**
 * `flushpoint outbox status`: what waits, who works on it, and whether somebody should look.
 *
 * @module
 */
import type { BlockedKey, OutboxDesk, OutboxStatus, RelayMember } from '../../../outbox/outbox-desk.js'
import { command, EXIT } from '../../command.js'
import { DATA_SOURCE_OPTIONS } from '../../data-source/options.js'
import { integer } from '../../options.js'
import { counted, duration, moment } from '../../screen/printable.js'
import type { Screen } from '../../screen/screen.js'
import { printTable } from '../../screen/table.js'
import { JSON_OPTION, SUBSCRIPTION } from './letter-options.js'
import { troubleOf } from './trouble.js'
import { unknownSubscription, withDesk } from './with-desk.js'

const MOST_KEYS = 20

interface Report extends OutboxStatus {
  readonly blockedKeys: readonly BlockedKey[]
  readonly trouble: readonly string[]
}

export const outboxStatus = command({
  name: 'outbox status',
  summary: 'shows subscriptions, relays and blocked keys; exits with 3 on trouble',
  options: {
    ...DATA_SOURCE_OPTIONS,
    subscription: SUBSCRIPTION,
    maxAgeMs: integer('MS', { min: 0, absent: 60_000, help: 'how old the oldest message of a backlog may be (default 60000)' }),
    ...JSON_OPTION,
  },
  notes: [
    'Trouble is a dead letter, a message that waits for too long, a backlog that no relay works on, or a subscription that there is none of.',
  ],
  run: (values, ports) =>
    withDesk(values, ports, async (desk) => {
      const report = await reportOf(desk, values)
      if (values.json) ports.screen.print(JSON.stringify(report, null, 2))
      else printReport(ports.screen, report)
      return report.trouble.length > 0 ? EXIT.trouble : EXIT.fine
    }),
})

async function reportOf(
  desk: OutboxDesk,
  wanted: { readonly subscription: string | undefined; readonly maxAgeMs: number },
): Promise<Report> {
  const { subscription } = wanted
  const whole = await desk.status()
  const subscriptions = whole.subscriptions.filter(({ name }) => subscription === undefined || name === subscription)
  const status = { ...whole, subscriptions }
  const blockedKeys = await desk.blockedKeys(subscription === undefined ? {} : { subscription })
  const unknown = subscription === undefined ? undefined : unknownSubscription(subscription, whole)
  return { ...status, blockedKeys, trouble: [...(unknown === undefined ? [] : [unknown]), ...troubleOf(status, wanted.maxAgeMs)] }
}

function printReport(screen: Screen, { messages, subscriptions, relays, blockedKeys, trouble }: Report): void {
  screen.print(`${counted(messages, 'message')} in the outbox`, '')
  if (subscriptions.length === 0) screen.print('No subscriptions.')
  else printSubscriptions(screen, subscriptions)
  if (relays.length === 0) screen.print('', 'No relay is alive.')
  else printRelays(screen, relays)
  if (blockedKeys.length > 0) printBlockedKeys(screen, blockedKeys)
  if (trouble.length > 0) screen.print('', ...trouble.map((line) => screen.styled('red', `trouble: ${line}`)))
}

function printSubscriptions(screen: Screen, subscriptions: OutboxStatus['subscriptions']): void {
  printTable(screen, subscriptions, [
    { title: 'subscription', of: ({ name }) => name },
    { title: 'backlog', of: ({ backlog }) => backlog },
    { title: 'retrying', of: ({ retrying }) => retrying },
    { title: 'dead', of: ({ dead }) => dead },
    { title: 'oldest', of: ({ oldestAgeMs }) => (oldestAgeMs === null ? '–' : duration(oldestAgeMs)) },
  ])
}

/** By process: its loops are nothing an operator could tell apart. */
function printRelays(screen: Screen, relays: OutboxStatus['relays']): void {
  screen.print('')
  printTable(screen, processesOf(relays), [
    { title: 'relay on', of: ([{ host }]) => host },
    { title: 'pid', of: ([{ pid }]) => pid },
    { title: 'alive for', of: (loops) => duration(Math.max(...loops.map(({ aliveForMs }) => aliveForMs))) },
    { title: 'loops', of: (loops) => loops.length },
    { title: 'slots', of: (loops) => loops.reduce((sum, { slots }) => sum + slots, 0) },
    { title: 'subscriptions', of: (loops) => [...new Set(loops.flatMap(({ subscriptions }) => subscriptions))].join(', ') },
  ])
}

type Loops = readonly [RelayMember, ...RelayMember[]]

function processesOf(relays: OutboxStatus['relays']): readonly Loops[] {
  const processes = new Map<string, [RelayMember, ...RelayMember[]]>()
  for (const relay of relays) {
    const known = processes.get(`${relay.host} ${relay.pid}`)
    if (known === undefined) processes.set(`${relay.host} ${relay.pid}`, [relay])
    else known.push(relay)
  }
  return [...processes.values()]
}

function printBlockedKeys(screen: Screen, blockedKeys: readonly BlockedKey[]): void {
  screen.print('')
  printTable(screen, blockedKeys.slice(0, MOST_KEYS), [
    { title: 'blocked key', of: ({ partitionKey }) => partitionKey },
    { title: 'subscription', of: ({ subscription }) => subscription },
    { title: 'by', of: ({ reason }) => reason },
    { title: 'waiting', of: ({ waiting }) => waiting },
    { title: 'sequence', of: ({ oldestSequence }) => oldestSequence },
    { title: 'next attempt', of: ({ nextAttemptAt }) => (nextAttemptAt === null ? '–' : moment(nextAttemptAt)) },
    { title: 'last error', of: ({ lastError }) => lastError },
  ])
  if (blockedKeys.length > MOST_KEYS) screen.print(`and ${blockedKeys.length - MOST_KEYS} more: --json shows all`)
}
