/**
 * Publishes the events of a batch one by one: those of a key one after another, keys side by side.
 *
 * Knows no queue or broker. Invariant: an event is not sent before the earlier ones of its key in the batch have been accepted.
 *
 * @module
 */
import { messageOf, OutboxError } from '../core/errors.js'
import type { CloudEvent } from './cloud-event.js'
import { accepted, notAccepted } from './publish-result.js'
import type { PublishResult } from './transport.js'
import { untilAborted } from './until-aborted.js'

export interface KeyOrderedPublishing {
  /** The transport's name, for messages. */
  readonly transport: string
  readonly abortSignal: AbortSignal
  /** Resolves when the other system has said that it keeps the event. It is called in the order of the batch as far as keys allow. */
  readonly send: (event: CloudEvent) => Promise<void>
}

/** Never rejects: what goes wrong is the result of the event, and with it of the later ones of its key. */
export function publishPerKey(batch: readonly CloudEvent[], publishing: KeyOrderedPublishing): Promise<readonly PublishResult[]> {
  const { transport, abortSignal, send } = publishing
  return untilAborted(abortSignal, (orAborted) => {
    const latestOfKey = new Map<string, Promise<PublishResult>>()
    const results = batch.map((event) => {
      const { partitionkey } = event
      if (partitionkey === undefined) return resultOf(event, undefined)
      const result = resultOf(event, latestOfKey.get(partitionkey))
      latestOfKey.set(partitionkey, result)
      return result
    })
    return Promise.all(results)

    async function resultOf(event: CloudEvent, earlier: Promise<PublishResult> | undefined): Promise<PublishResult> {
      const before = await earlier
      if (abortSignal.aborted) return notAccepted(event, abortSignal.reason)
      if (before?.isAccepted === false) return notAccepted(event, waits(event, before.error))
      try {
        await orAborted(() => send(event))
        return accepted(event)
      } catch (error) {
        return notAccepted(event, error)
      }
    }
  })

  function waits({ type }: CloudEvent, error: unknown): unknown {
    const cause = isWaiting(error) ? error.cause : error
    return new OutboxError('TRANSPORT_EVENT_WAITS', { transport, type, cause: messageOf(cause) }, { cause })
  }
}

function isWaiting(error: unknown): error is OutboxError {
  return error instanceof OutboxError && error.code === 'TRANSPORT_EVENT_WAITS'
}
