/** Which edits of collections were written, found without going through a collection once for each of its members. */
import type { Change } from 'flushpoint'
import { WrittenEdits } from '../../lib/signals/relation-edits.js'

class Row {}
const COUNT = 500

/** A row that was written for itself, as the members of a one-to-many are. */
const written = (entity: object, id: number) =>
  ({ entity, key: { id }, relations: {}, is: (type: unknown) => type === Row }) as unknown as Change

describe('edits of a collection with many members', () => {
  const rows = Array.from({ length: COUNT }, () => new Row())
  let reads = 0
  const members = new Proxy(rows, {
    get: (target, name, receiver) => {
      if (typeof name === 'string' && /^\d+$/.test(name)) reads++
      return Reflect.get(target, name, receiver) as unknown
    },
  })
  const instance = { members }
  const edit = (kind: 'Add' | 'Remove', child: object) => ({ kind, payload: { instance, relationName: 'members', child } }) as const

  it('are looked up by reading it once', () => {
    const edits = new WrittenEdits(rows.map((row, index) => written(row, index)))
    reads = 0
    expect(rows.every((row) => edits.has(edit('Add', row)))).toBe(true)
    expect(reads).toBe(COUNT)
    expect(rows.some((row) => edits.has(edit('Remove', row)))).toBe(false)
    expect(reads).toBe(COUNT)
  })
})
