/**
 * `flushpoint outbox replay`: hands messages that are still kept to a subscription once more.
 *
 * @module
 */
import { command, EXIT } from '../../command.js'
import { DATA_SOURCE_OPTIONS } from '../../data-source/options.js'
import { replayFrom, required } from '../../options.js'
import { counted } from '../../screen/printable.js'
import { JSON_OPTION, LETTER_OPTIONS, letterFilter } from './letter-options.js'
import { withDesk } from './with-desk.js'

export const outboxReplay = command({
  name: 'outbox replay',
  summary: 'hands messages that are still kept to a subscription once more',
  options: {
    ...DATA_SOURCE_OPTIONS,
    ...LETTER_OPTIONS,
    subscription: required({ ...LETTER_OPTIONS.subscription, help: 'which subscription' }),
    from: required(
      replayFrom('SEQ|TIME', {
        help: 'the first message, by its sequence or by when it was recorded: ISO 8601, local time where it names no zone',
      }),
    ),
    ...JSON_OPTION,
  },
  notes: ['What was deleted after every subscription had handled it cannot be replayed: see retentionMs of the outbox.'],
  run: (values, ports) =>
    withDesk(values, ports, async (desk) => {
      const replayed = await desk.replay(values.from, { ...letterFilter(values), subscription: values.subscription })
      const text = `${counted(replayed, 'message')} will be handed to ${values.subscription} once more.`
      ports.screen.print(values.json ? JSON.stringify({ replayed }) : text)
      return EXIT.fine
    }),
})
