/**
 * `flushpoint outbox discard`: deletes dead letters.
 *
 * @module
 */
import { command, EXIT } from '../../command.js'
import { DATA_SOURCE_OPTIONS } from '../../data-source/options.js'
import { counted } from '../../screen/printable.js'
import { CHANGE_OPTIONS, deliberateFilter, JSON_OPTION } from './letter-options.js'
import { noteUnknown, withDesk } from './with-desk.js'

const name = 'outbox discard'

export const outboxDiscard = command({
  name,
  summary: 'deletes dead letters for good',
  options: { ...DATA_SOURCE_OPTIONS, ...CHANGE_OPTIONS, ...JSON_OPTION },
  notes: [
    'It takes at least one of --subscription, --type, --key and --id, or --all. Of several all must fit.',
    'flushpoint outbox dead with the same options shows what it would delete.',
  ],
  run: async (values, ports) => {
    const filter = deliberateFilter(name, values)
    return withDesk(values, ports, async (desk) => {
      const discarded = await desk.discard(filter)
      ports.screen.print(values.json ? JSON.stringify({ discarded }) : `${counted(discarded, 'dead letter')} deleted.`)
      return discarded === 0 ? noteUnknown(values.subscription, desk, ports) : EXIT.fine
    })
  },
})
