/**
 * Concurrent units of work against an oracle: whatever the interleaving, exactly the rows of those that committed are stored and told.
 *
 * @module
 */
import { SessionExtension, type Change } from 'flushpoint'
import fc from 'fast-check'
import type { EntityManager } from 'typeorm'
import { closeAll, describeDatabase } from '../support/databases.js'
import { Author, make } from '../support/models.js'
import { namesOf, openLogged } from '../support/transaction-log.js'

type Step = { readonly kind: 'save' | 'insert' | 'pause' } | { readonly kind: 'nested'; readonly unit: Unit }

interface Unit {
  readonly steps: readonly Step[]
  readonly fails: boolean
}

const { unit } = fc.letrec<{ unit: Unit; step: Step }>((tie) => ({
  unit: fc.record({ steps: fc.array(tie('step'), { minLength: 1, maxLength: 4 }), fails: fc.boolean() }),
  step: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    fc.record({ kind: fc.constantFrom('save', 'insert', 'pause') }),
    fc.record({ kind: fc.constant('nested'), unit: tie('unit') }),
  ),
}))

interface Row {
  readonly name: string
  /** Written by query, so without images: stored, but in no journal. */
  readonly isBulk: boolean
}

/** What a unit leaves behind when it is alone in the world. */
function oracle({ steps, fails }: Unit, path: string): Row[] {
  if (fails) return []
  return steps.flatMap((step, index) => {
    const name = `${path}.${index}`
    if (step.kind === 'nested') return oracle(step.unit, name)
    return step.kind === 'pause' ? [] : [{ name, isBulk: step.kind === 'insert' }]
  })
}

class Failed extends Error {}

async function run(manager: EntityManager, { steps, fails }: Unit, path: string): Promise<void> {
  const work = manager.transaction(async (inner) => {
    for (const [index, step] of steps.entries()) {
      const name = `${path}.${index}`
      if (step.kind === 'nested') await run(inner, step.unit, name)
      else if (step.kind === 'save') await inner.save(make(Author, { name }))
      else if (step.kind === 'insert') await inner.insert(Author, { name })
      else await new Promise<void>((resolve) => setImmediate(resolve))
    }
    if (fails) throw new Failed(path)
  })
  await work.catch((error: unknown) => {
    if (!(error instanceof Failed)) throw error
  })
}

describeDatabase('concurrent units of work', () => {
  afterEach(closeAll)

  it('store and tell exactly what committed, whatever the interleaving', async () => {
    let told: string[] = []
    class Keep extends SessionExtension {
      override afterCommit(changes: readonly Change[]) {
        told.push(...changes.map(({ after }) => after?.name as string))
      }
    }
    const { dataSource } = await openLogged({ extensions: [Keep] })
    const program = fc.record({ units: fc.array(unit, { minLength: 2, maxLength: 5 }), plain: fc.nat({ max: 3 }) })
    await fc.assert(
      fc.asyncProperty(program, async ({ units, plain }) => {
        await dataSource.query('DELETE FROM author')
        told = []
        const lone = Array.from({ length: plain }, (_none, index) => `plain ${index}`)
        await Promise.all([
          ...units.map((one, index) => run(dataSource.manager, one, `u${index}`)),
          ...lone.map((name) => dataSource.manager.save(make(Author, { name }))),
        ])
        const rows = [...units.flatMap((one, index) => oracle(one, `u${index}`)), ...lone.map((name) => ({ name, isBulk: false }))]
        expect(await namesOf(dataSource, Author)).toEqual(rows.map(({ name }) => name).sort())
        expect([...told].sort()).toEqual(rows.flatMap(({ name, isBulk }) => (isBulk ? [] : [name])).sort())
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})
