/**
 * `flushpoint outbox dead`: what subscriptions have given up.
 *
 * @module
 */
import type { DeadLetter } from '../../../outbox/outbox-desk.js'
import { command, EXIT } from '../../command.js'
import { DATA_SOURCE_OPTIONS } from '../../data-source/options.js'
import { integer } from '../../options.js'
import { moment } from '../../screen/printable.js'
import type { Screen } from '../../screen/screen.js'
import { printTable } from '../../screen/table.js'
import { JSON_OPTION, LETTER_OPTIONS, letterFilter } from './letter-options.js'
import { noteUnknown, withDesk } from './with-desk.js'

export const outboxDead = command({
  name: 'outbox dead',
  summary: 'lists dead letters, oldest first; exits with 3 where there are any',
  options: {
    ...DATA_SOURCE_OPTIONS,
    ...LETTER_OPTIONS,
    limit: integer('N', { min: 1, max: 10_000, absent: 100, help: 'how many at most (default 100, at most 10000)' }),
    ...JSON_OPTION,
  },
  run: (values, ports) =>
    withDesk(values, ports, async (desk) => {
      const letters = await desk.dead({ ...letterFilter(values), limit: values.limit })
      if (values.json) ports.screen.print(JSON.stringify(letters, null, 2))
      else printLetters(ports.screen, letters, values.limit)
      return letters.length > 0 ? EXIT.trouble : noteUnknown(values.subscription, desk, ports)
    }),
})

function printLetters(screen: Screen, letters: readonly DeadLetter[], limit: number): void {
  if (letters.length === 0) return screen.print('No dead letters.')
  printTable(screen, letters, [
    { title: 'subscription', of: ({ subscription }) => subscription },
    { title: 'sequence', of: ({ sequence }) => sequence },
    { title: 'type', of: ({ type }) => type },
    { title: 'key', of: ({ partitionKey }) => partitionKey ?? '–' },
    { title: 'attempts', of: ({ attempts }) => attempts },
    { title: 'since', of: ({ since }) => moment(since) },
    { title: 'id', of: ({ id }) => id },
    { title: 'last error', of: ({ lastError }) => lastError },
  ])
  if (letters.length === limit) screen.note(`The first ${limit}; --limit shows more.`)
}
