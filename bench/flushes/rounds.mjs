/** How often what is measured, so that all of it ends within the hour. */

/** TypeORM takes seconds for so many rows. */
const SLOW = 10_000

/** Beyond it, only what shows how cost grows: flushpoint, and the database's own share. */
const COMPARED = 10_000
const GROWING = ['floor', 'flushpoint']

const TYPEORM_ROUNDS = 2

/** Flushes per contender and round, besides one to warm up; their median counts. */
export function samplesFor({ size }, contender) {
  if (size >= 10_000) return 1
  if (size >= 1_000) return contender === 'typeorm' ? 1 : 3
  return size >= 100 ? 10 : 30
}

export function roundsFor({ size }, { rounds, quick }) {
  if (rounds !== undefined) return Number(rounds)
  if (quick) return 2
  return size > COMPARED ? 3 : 10
}

export function warmUpRounds({ size }, { quick }) {
  if (quick || size > COMPARED) return 1
  return size <= 10 ? 5 : 2
}

export function takesPart(contender, { size, round }, { quick }) {
  if (size > COMPARED) return GROWING.includes(contender)
  if (contender !== 'typeorm' || size < SLOW) return true
  return round >= 0 && round < (quick ? 1 : TYPEORM_ROUNDS)
}
