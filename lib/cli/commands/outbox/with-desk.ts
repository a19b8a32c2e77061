/**
 * Opens an outbox for one command, and closes it afterwards.
 *
 * Invariant: while the command runs, standard output carries its results alone.
 *
 * @module
 */
import { messageOf } from '../../../core/errors.js'
import { nearestName } from '../../../core/nearest-name.js'
import type { OutboxDesk, OutboxStatus } from '../../../outbox/outbox-desk.js'
import { EXIT, type CommandPorts, type DataSourcePlace, type ExitCode } from '../../command.js'
import { closeDataSource } from '../../data-source/open-data-source.js'

export async function withDesk<T>(place: DataSourcePlace, ports: CommandPorts, work: (desk: OutboxDesk) => Promise<T>): Promise<T> {
  ports.claimOutput()
  const { dataSource } = await ports.openDataSource(place)
  try {
    return await work(ports.deskOf(dataSource))
  } finally {
    // Neither the result nor the error of the work is lost over it.
    await closeDataSource(dataSource).catch((error: unknown) => ports.screen.note(`Cannot close the data source: ${messageOf(error)}`))
  }
}

/**
 * Says so where nothing was found because there is no such subscription: letters of one that is gone may be there all the same.
 *
 * @returns The exit code: that is trouble.
 */
export async function noteUnknown(subscription: string | undefined, desk: OutboxDesk, { screen }: CommandPorts): Promise<ExitCode> {
  const unknown = subscription === undefined ? undefined : unknownSubscription(subscription, await desk.status())
  if (unknown === undefined) return EXIT.fine
  screen.note(unknown)
  return EXIT.trouble
}

/** A sentence, where there is no such subscription. */
export function unknownSubscription(name: string, { subscriptions }: Pick<OutboxStatus, 'subscriptions'>): string | undefined {
  const names = subscriptions.map((one) => one.name)
  if (names.includes(name)) return undefined
  const nearest = nearestName(name, names)
  return `There is no subscription "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`
}
