/**
 * Hands messages to handlers, plugins and transports, and notes how they fared.
 *
 * Knows no table. Invariant: settles, and never rejects, when every task has ended; handlers run outside of every transaction
 * and in the stored context of their event.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { isThenable } from '../../core/run-in-order.js'
import { warn } from '../../core/warn.js'
import { inContextOf } from '../../events/in-flight.js'
import { plugins, type RegisteredPlugin } from '../../events/plugin-registry.js'
import type { CloudEvent } from '../cloud-event.js'
import { cloudEventOf, contextOf } from '../message.js'
import { resultsById } from '../subscription.js'
import type { PublishResult, Transport } from '../transport.js'
import { HandlerAttempt, PluginAttempt, type AttemptParts, type SignalSource } from './attempt.js'
import { handOverOnce } from './hand-over-once.js'
import { failInOrder, type Task } from './task.js'

/** @returns Undefined where the task has ended already. */
export function handOver(dataSource: DataSource, tasks: readonly Task[], abortSignal: SignalSource): Promise<void> | undefined {
  const { deliver } = tasks[0]!.subscription
  if (deliver.kind === 'transport') return publish(deliver.transport, tasks, abortSignal)
  return handle(dataSource, tasks[0]!, abortSignal)
}

function handle(dataSource: DataSource, task: Task, abortSignal: SignalSource): Promise<void> | undefined {
  try {
    const result = inContextOf(contextOf(task.message), () =>
      task.subscription.exactlyOnce ? handleOnce(dataSource, task, abortSignal) : call(task, { manager: dataSource.manager, abortSignal }),
    )
    if (isThenable(result))
      return Promise.resolve(result).then(
        () => task.succeed(),
        (error: unknown) => failed(task, error),
      )
    task.succeed()
  } catch (error) {
    failed(task, error)
  }
  return undefined
}

function failed(task: Task, error: unknown): void {
  if (!(error instanceof PluginGone)) return task.fail(error)
  if (!task.isOver) warn('EVENT_PLUGIN_GONE', error.message)
  task.succeed()
}

function handleOnce(dataSource: DataSource, task: Task, abortSignal: SignalSource): Promise<unknown> {
  return handOverOnce(dataSource, { task, abortSignal: abortSignal(), call: (manager) => call(task, { manager, abortSignal }) })
}

function call(task: Task, parts: AttemptParts): unknown {
  const { deliver } = task.subscription
  if (deliver.kind === 'handler') return deliver.handle(cloudEventOf(task.message), new HandlerAttempt(task, parts))
  return deliver.kind === 'plugin' ? callPlugin(task, deliver.registered, parts) : undefined
}

/** A plugin was taken off: what it has not processed is left out, for good. */
class PluginGone extends Error {}

function callPlugin(task: Task, { slug }: RegisteredPlugin, parts: AttemptParts): unknown {
  const { type } = task.message
  const registered = plugins.withSlug(slug) // another one, where it was put on anew
  if (registered?.isActive !== true) throw new PluginGone(`The plugin "${slug}" was taken off before it could process "${type}"`)
  const { plugin, controller } = registered
  const attempt = new PluginAttempt(task, { ...parts, takenOff: controller.signal })
  const over = (error: unknown): never => {
    attempt.end()
    if (!controller.signal.aborted) throw error
    throw new PluginGone(`The plugin "${slug}" was taken off while it processed "${type}"`, { cause: error })
  }
  try {
    const processed: unknown = plugin.processEvent(Object.freeze({ name: type, payload: payloadOf(task) }), attempt)
    if (isThenable(processed)) return Promise.resolve(processed).then(() => attempt.end(), over)
    attempt.end()
    return undefined
  } catch (error) {
    return over(error)
  }
}

/** JSON has no word for undefined. */
function payloadOf({ message }: Task): unknown {
  return cloudEventOf(message).data ?? undefined
}

async function publish(transport: Transport, all: readonly Task[], abortSignal: SignalSource): Promise<void> {
  const { tasks, events } = readable(all)
  if (tasks.length === 0) return
  try {
    const results = resultsById(await transport.publish(events, { abortSignal: abortSignal() }))
    for (const task of tasks) if (results.get(task.message.id)?.isAccepted === true) task.succeed()
    failInOrder(tasks, ({ message }) => errorOf(results.get(message.id)) ?? new Error(`${transport.name} did not say what became of it`))
  } catch (error) {
    failInOrder(tasks, () => error)
  }
}

/** Those that can be read, without those of a key that are behind one that cannot. */
function readable(all: readonly Task[]): { readonly tasks: readonly Task[]; readonly events: readonly CloudEvent[] } {
  const [tasks, events]: [Task[], CloudEvent[]] = [[], []]
  const heldUp = new Set<string>()
  for (const task of all) {
    const { partitionKey } = task.message
    if (partitionKey !== null && heldUp.has(partitionKey)) task.postpone()
    else
      try {
        events.push(cloudEventOf(task.message))
        tasks.push(task)
      } catch (error) {
        task.fail(error)
        if (partitionKey !== null) heldUp.add(partitionKey)
      }
  }
  return { tasks, events }
}

function errorOf(result: PublishResult | undefined): unknown {
  return result?.isAccepted === false ? result.error : undefined
}
