/**
 * `flushpoint outbox redrive`: lets dead letters be tried again.
 *
 * @module
 */
import { command, EXIT } from '../../command.js'
import { DATA_SOURCE_OPTIONS } from '../../data-source/options.js'
import { counted } from '../../screen/printable.js'
import { CHANGE_OPTIONS, deliberateFilter, JSON_OPTION } from './letter-options.js'
import { noteUnknown, withDesk } from './with-desk.js'

const name = 'outbox redrive'

export const outboxRedrive = command({
  name,
  summary: 'lets dead letters be tried again, with all their attempts',
  options: { ...DATA_SOURCE_OPTIONS, ...CHANGE_OPTIONS, ...JSON_OPTION },
  notes: ['It takes at least one of --subscription, --type, --key and --id, or --all. Of several all must fit.'],
  run: async (values, ports) => {
    const filter = deliberateFilter(name, values)
    return withDesk(values, ports, async (desk) => {
      const redriven = await desk.redrive(filter)
      ports.screen.print(values.json ? JSON.stringify({ redriven }) : `${counted(redriven, 'dead letter')} will be tried again.`)
      return redriven === 0 ? noteUnknown(values.subscription, desk, ports) : EXIT.fine
    })
  },
})
