/**
 * `flushpoint outbox tail`: events as they are recorded.
 *
 * @module
 */
import type { CloudEvent } from '../../../outbox/cloud-event.js'
import type { OutboxDesk } from '../../../outbox/outbox-desk.js'
import { command, EXIT, type CommandPorts } from '../../command.js'
import { DATA_SOURCE_OPTIONS } from '../../data-source/options.js'
import { flag, integer } from '../../options.js'
import { printable } from '../../screen/printable.js'
import type { Screen } from '../../screen/screen.js'
import { TYPE } from './letter-options.js'
import { withDesk } from './with-desk.js'

export const outboxTail = command({
  name: 'outbox tail',
  summary: 'prints the last events that were recorded, and with --follow the next ones',
  options: {
    ...DATA_SOURCE_OPTIONS,
    type: TYPE,
    limit: integer('N', { min: 0, max: 10_000, absent: 10, help: 'how many of the last ones (default 10, at most 10000)' }),
    follow: flag('goes on until it is interrupted', 'f'),
    json: flag('prints each event as a line of JSON: CloudEvents 1.0'),
  },
  run: (values, ports) => {
    const abortSignal = values.follow ? ports.stopSignal() : undefined
    return withDesk(values, ports, async (desk) => {
      const { type, follow, limit: count } = values
      const events = desk.tail({ count, follow, ...(type !== undefined && { type }), ...(abortSignal && { abortSignal }) })
      await printEach(events, ports, values.json ? (event) => JSON.stringify(event) : lineOf)
      return EXIT.fine
    }).catch((error: unknown) => {
      if (abortSignal?.aborted !== true) throw error
      return EXIT.fine
    })
  },
})

async function printEach(
  events: ReturnType<OutboxDesk['tail']>,
  { screen }: CommandPorts,
  line: (event: CloudEvent, screen: Screen) => string,
): Promise<void> {
  for await (const event of events) {
    screen.print(line(event, screen))
    await screen.drained()
    if (screen.isClosed) return
  }
}

function lineOf(event: CloudEvent, screen: Screen): string {
  const { sequence, time, type, subject, partitionkey, actor } = event
  const about = [subject, partitionkey && `key ${partitionkey}`, actor && `by ${actor}`].filter((part) => part !== undefined && part !== '')
  const head = printable(`${sequence.replace(/^0+(?=.)/, '')}  ${time}`)
  const name = printable(type)
  const rest = [...about, dataOf(event)].map((part) => `  ${printable(part!)}`).join('')
  const fitted = rest.slice(0, restWidth(head, name, screen.width))
  return `${screen.styled('dim', head)}  ${screen.styled('bold', name)}${fitted}${fitted === rest ? '' : '…'}`
}

/** What is left of a line of the terminal, with a place for "…". */
function restWidth(head: string, name: string, width: number | undefined): number | undefined {
  return width === undefined ? undefined : Math.max(0, width - head.length - name.length - 3)
}

function dataOf({ data }: CloudEvent): string {
  return JSON.stringify(data) ?? ''
}
