/**
 * Writes the steps of a plan in their order, each by sets of rows where a strategy can, row by row where not, and finds every row that was
 * gone.
 *
 * Knows no entity and no SQL. Invariant: a step begins when the one before it is written, and nothing goes out after a row was missed.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import type { StepText, WriteRow, WriteStep, Written } from '../session/persistence.js'
import { dataSourceOf } from './internals.js'
import { explainRow } from './row-statements.js'
import { RowValues, UnknownKey } from './row-values.js'
import { RowWriter } from './row-writer.js'
import { RowBatches } from './sets/row-batches.js'
import { SetWriter } from './sets/set-writer.js'
import { Unsendable, type SetStrategy } from './sets/set-strategy.js'
import { strategyOf } from './sets/strategy-of.js'
import { missingAmong, staleError } from './stale-rows.js'
import { WrittenRows } from './written-rows.js'

/**
 * Sends the steps in order.
 *
 * @throws {SessionError} ROWS_STALE when rows were gone or had another version; it names all of them · ROWS_NOT_INSERTED
 */
export async function writeSteps(runner: QueryRunner, steps: readonly WriteStep[]): Promise<Written> {
  const written = new WrittenRows()
  const writer = new StepWriter(runner, written)
  for (const [at, step] of steps.entries()) {
    const missed = await writer.write(step)
    if (missed.length > 0) throw await staleError(runner, written.values, { missed, rest: steps.slice(at + 1) })
  }
  return written.made
}

export class StepWriter {
  readonly #rows: RowWriter
  readonly #sets: SetWriter | undefined
  readonly #runner: QueryRunner
  readonly #values: RowValues

  constructor(runner: QueryRunner, written: WrittenRows) {
    const strategy = strategyOf(dataSourceOf(runner)!)
    this.#runner = runner
    this.#values = written.values
    this.#rows = new RowWriter(runner, written)
    this.#sets = strategy && new SetWriter(runner, strategy, written)
  }

  /** Stops where rows were missed. @returns The rows that were gone or had another version. */
  write(step: WriteStep): Promise<readonly WriteRow[]> {
    return this.#write(step, false)
  }

  /** Passes over rows that are missed. @returns Those. */
  writeWhatIsThere(step: WriteStep): Promise<readonly WriteRow[]> {
    return this.#write(step, true)
  }

  async #write(step: WriteStep, goesOn: boolean): Promise<readonly WriteRow[]> {
    if (this.#sets === undefined || mustGoAlone(step) !== undefined) return this.#rows.writeAll(step, step.rows, goesOn)
    const sent: (readonly WriteRow[])[] = []
    const missed: WriteRow[] = []
    try {
      for await (const batch of this.#sets.write(step, goesOn)) {
        sent.push(batch.rows)
        missed.push(...batch.missed)
      }
      return missed
    } catch (error) {
      if (!(error instanceof Unsendable)) throw error
      const written = new Set(sent.flat())
      const left = step.rows.filter((row) => !written.has(row))
      if (missed.length > 0 && !goesOn) return [...missed, ...(await missingAmong(this.#runner, this.#values, left))]
      return [...missed, ...(await this.#rows.writeAll(step, left, goesOn))]
    }
  }
}

const PER_ROW = 'one statement per row through TypeORM'
const TREE = `${PER_ROW}, with the statements that keep its tree`

/** Why the rows of a step cannot share a statement, whatever the database can do. */
function mustGoAlone({ kind, map, relation, rows }: WriteStep): string | undefined {
  if (relation === undefined && map.isTree && kind !== 'softRemove' && kind !== 'recover') return TREE
  return rows.length === 1 ? PER_ROW : undefined
}

/** How each step would be sent, with `<key of …>` for keys that are not known yet; sends nothing. */
export function explainSteps(runner: QueryRunner, steps: readonly WriteStep[]): StepText[] {
  return steps.flatMap((step) => explainStep(runner, step))
}

function explainStep(runner: QueryRunner, step: WriteStep): readonly StepText[] {
  const strategy = strategyOf(dataSourceOf(runner)!)
  const reason = mustGoAlone(step) ?? (strategy === undefined ? PER_ROW : undefined)
  if (strategy === undefined || reason !== undefined) return [explainAlone(runner, step, reason ?? PER_ROW)]
  return explainSet(runner, strategy, step)
}

function explainAlone(runner: QueryRunner, step: WriteStep, reason: string): StepText {
  return { step, rows: step.rows, ...explainRow(runner, step), path: 'row', reason }
}

/** Rows that cannot travel go by themselves after those that have gone before. */
function explainSet(runner: QueryRunner, strategy: SetStrategy, step: WriteStep): StepText[] {
  const values = new RowValues((key) => new UnknownKey(String(key)))
  const texts: StepText[] = []
  const told = new Set<WriteRow>()
  try {
    for (const { kind, rows, batch } of new RowBatches(dataSourceOf(runner)!, strategy, values).of(step)) {
      texts.push({ step, rows, ...strategy[kind](batch), path: 'set', reason: undefined })
      for (const row of rows) told.add(row)
    }
  } catch (error) {
    if (!(error instanceof Unsendable)) throw error
    const left = { ...step, rows: step.rows.filter((row) => !told.has(row)) }
    texts.push(explainAlone(runner, left, `${PER_ROW}: ${error.message}`))
  }
  return texts
}
