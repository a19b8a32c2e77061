/** A contender of `signals.mjs`, by its name, in a process of its own. */
import { serve } from '../processes/worker.mjs'
import { SENDERS } from './senders.mjs'

await serve(async ({ contender }) => ({ name: contender, open: await SENDERS[contender]() }))
