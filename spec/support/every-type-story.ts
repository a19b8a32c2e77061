/**
 * Runs the same edits twice: flushed many rows at a time, and each row by a flush of its own.
 *
 * Invariant: both tellings start from the same tables and are rolled back, so that they can be compared as they are.
 *
 * @module
 */
import { openSession, type OpenSession } from 'flushpoint'
import type { DataSource } from 'typeorm'

export type Path = 'set' | 'row'
export type Values = Record<string, any>

export interface Story<E extends object> {
  /** New objects for each telling. */
  entities(): E[]
  /** One flush each; objects that an edit leaves alone are in no flush. */
  readonly edits: readonly Edit<E>[]
  /** What is stored, with nothing lost on the way. */
  stored(session: OpenSession): Promise<Values[]>
  /** What an object holds, in a form that can be compared. */
  held?(entity: E): Values
}

export type Edit<E extends object> = (at: { entity: E; index: number; session: OpenSession; entities: readonly E[] }) => unknown

/** What the plan said of sets, and what became of it. */
export interface Chapter {
  readonly paths: readonly string[]
  readonly stored: readonly Values[]
  readonly held: readonly Values[]
}

export function tell<E extends object>(ds: DataSource, story: Story<E>, path: Path): Promise<Chapter[]> {
  return undone(ds, async (session) => {
    const entities = story.entities()
    const chapters: Chapter[] = []
    for (const edit of story.edits) {
      const paths: string[] = []
      for (const group of path === 'set' ? [entities] : entities.map((entity) => [entity])) {
        for (const entity of group) edit({ entity, index: entities.indexOf(entity), session, entities })
        if (path === 'set') paths.push(...(await pathsOf(session)))
        await session.flush()
      }
      const held = story.held ?? ((entity: E) => ({ ...entity }))
      chapters.push({
        paths,
        stored: (await story.stored(session)).map(comparable),
        held: entities.map((entity) => comparable(held(entity))),
      })
    }
    return chapters
  })
}

/** `set` or `row: <why>` for each statement the next flush would send. */
export async function pathsOf(session: OpenSession): Promise<string[]> {
  const { steps } = await session.explain()
  return steps.map(({ path, reason }) => (path === 'set' ? path : `row: ${reason}`))
}

/** The chapters without how they were written. */
export function told(chapters: readonly Chapter[]): unknown {
  return chapters.map(({ stored, held }) => ({ stored, held }))
}

/** True where this run writes every row by a statement of its own. */
export const isByRow = process.env['ENGINE'] === 'row'

/** Runs `fn` in a session whose transaction is rolled back. */
export async function undone<T>(ds: DataSource, fn: (session: OpenSession) => Promise<T>): Promise<T> {
  const session = openSession(ds)
  try {
    await session.begin()
    return await fn(session)
  } finally {
    await session.rollback()
    await session.close()
  }
}

/** Bytes as text, since Jest compares them one by one. */
function comparable(values: Values): Values {
  const textOf = (value: unknown) => (Buffer.isBuffer(value) ? `bytes ${value.toString('hex')}` : value)
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, textOf(value)]))
}
