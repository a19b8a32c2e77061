/**
 * Who holds which slots, as the database has it.
 *
 * @module
 */
import type { DataSource } from 'typeorm'

export interface SlotRow {
  readonly subscription: string
  readonly slot: number
  readonly owner: string | null
  readonly lease_until: number
  readonly epoch: number
}

/** Every slot of a name, in their order. */
export async function slotsOf(dataSource: DataSource, subscription: string): Promise<readonly SlotRow[]> {
  const rows = (await dataSource.manager.find('OutboxSlot', { where: { subscription }, order: { slot: 'ASC' } as never })) as Record<
    keyof SlotRow,
    unknown
  >[]
  return rows.map(
    ({ owner, ...row }) =>
      ({
        subscription,
        slot: Number(row.slot),
        owner,
        lease_until: Number(row.lease_until),
        epoch: Number(row.epoch),
      }) as SlotRow,
  )
}

/** How many slots of a name each holder has, most first; those that nobody holds last, as `free`. */
export async function shares(dataSource: DataSource, subscription: string): Promise<readonly number[]> {
  const counts = new Map<string, number>()
  for (const { owner } of await slotsOf(dataSource, subscription)) counts.set(owner ?? '', (counts.get(owner ?? '') ?? 0) + 1)
  const free = counts.get('')
  counts.delete('')
  return [...[...counts.values()].sort((a, b) => b - a), ...(free === undefined ? [] : [-free])]
}

/** Somebody who is never seen takes slots over, as from a holder that has slept past its lease. */
export async function steal(
  dataSource: DataSource,
  subscriptions: readonly string[],
  { owner = 'thief', forMs = 3_600_000 } = {},
): Promise<void> {
  await dataSource
    .createQueryBuilder()
    .update('OutboxSlot')
    .set({ owner, lease_until: Date.now() + forMs, epoch: () => 'epoch + 1' })
    .where('subscription IN (:...subscriptions)', { subscriptions })
    .execute()
}

/** As if the clock of the database had jumped ahead by so much, or back. */
export async function jumpClock(dataSource: DataSource, aheadMs: number): Promise<void> {
  const shifted = (column: string) => ({ [column]: () => `${column} - (${Math.round(aheadMs)})` })
  await dataSource.transaction(async (manager) => {
    const shift = (entity: string, column: string) =>
      manager.createQueryBuilder().update(entity).set(shifted(column)).where(`${column} > 0`).execute()
    await shift('OutboxSlot', 'lease_until')
    await shift('OutboxRelay', 'alive_until')
    await shift('OutboxDelivery', 'available_at')
  })
}
