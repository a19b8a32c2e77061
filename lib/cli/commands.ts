/**
 * Every command, in the order the help lists them. A new one is a file and a line.
 *
 * @module
 */
import type { Command } from './command.js'
import { dataDump } from './commands/data/dump.js'
import { dataLoad } from './commands/data/load.js'
import { dataValidate } from './commands/data/validate.js'
import { outboxDead } from './commands/outbox/dead.js'
import { outboxDiscard } from './commands/outbox/discard.js'
import { outboxRedrive } from './commands/outbox/redrive.js'
import { outboxReplay } from './commands/outbox/replay.js'
import { outboxStatus } from './commands/outbox/status.js'
import { outboxTail } from './commands/outbox/tail.js'
import { worker } from './commands/worker.js'

export const COMMANDS: readonly Command[] = [
  worker,
  outboxStatus,
  outboxDead,
  outboxRedrive,
  outboxDiscard,
  outboxReplay,
  outboxTail,
  dataDump,
  dataLoad,
  dataValidate,
]
