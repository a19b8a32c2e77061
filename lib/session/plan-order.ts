/**
 * Puts rows into an order that the database accepts, in as few steps as that allows.
 *
 * Knows rows and what must come before what; knows no SQL. Invariant: a row comes after all it depends on; where rows depend on each other
 * in a circle, a nullable column is set by a second statement, or nothing is written at all. Each row and each dependency is looked at once.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import { keyText, type Image, type RelationMap } from './entity-map.js'
import type { StepKind, WriteRow } from './persistence.js'

/** What a row is written for. */
export interface Subject {
  /** What it is called in messages. */
  readonly label: string
  /** Of link and unlink. */
  readonly relation: RelationMap | undefined
}

/** One statement's worth of one row. */
export class Node {
  readonly kind: StepKind
  readonly row: WriteRow
  readonly subject: Subject
  /** What has to be sent before and was not yet. */
  before: Map<Node, Edge> | undefined = undefined
  after: Node[] | undefined = undefined
  /** Its place among those of its plan that are in no step yet. */
  place = -1

  constructor(kind: StepKind, row: WriteRow, subject: Subject) {
    this.kind = kind
    this.row = row
    this.subject = subject
  }

  get relation(): RelationMap | undefined {
    return this.subject.relation
  }
}

export interface Edge {
  /** The property whose value makes it. */
  readonly property: string
  readonly isUnique: boolean
  /** Takes the dependency away by another statement, which has to come before `node`. */
  readonly breakUp: (() => Node) | undefined
}

/** `later` must not be sent before `earlier`. */
export function orderAfter(later: Node, earlier: Node, edge: Edge): void {
  if (later === earlier || later.before?.has(earlier) === true) return
  later.before ??= new Map()
  later.before.set(earlier, edge)
  earlier.after ??= []
  earlier.after.push(later)
}

const RANK: Readonly<Record<StepKind, number>> = { unlink: 0, insert: 1, update: 2, softRemove: 3, recover: 4, link: 5, delete: 6 }

/** Rows that can go out together: of one kind and one table. */
class Bucket {
  readonly like: Node
  /** Those that wait for nothing any more, and the place of the first of them. */
  ready: Node[] = []
  first = Infinity
  /** How many others it has. */
  waiting = 0

  constructor(like: Node) {
    this.like = like
  }

  get table(): string {
    return tableOf(this.like)
  }

  get rank(): number {
    return RANK[this.like.kind]
  }

  put(node: Node): void {
    this.ready.push(node)
    if (node.place < this.first) this.first = node.place
  }

  take(): readonly Node[] {
    const nodes = this.ready
    this.ready = []
    this.first = Infinity
    const { kind, relation } = this.like
    return nodes.sort(kind !== 'insert' && relation === undefined ? byKey : byPlace)
  }
}

/** @throws {SessionError} INSERT_CYCLE · UNIQUE_CYCLE */
export function stepsOf(nodes: readonly Node[]): readonly (readonly Node[])[] {
  return new Ordering(nodes).steps()
}

class Ordering {
  readonly #nodes: Node[]
  readonly #buckets = new Map<string, Bucket>()
  #bucket: Bucket | undefined
  /** Every node before this place has been put into a step. */
  #done = 0

  constructor(nodes: readonly Node[]) {
    this.#nodes = [...nodes]
    nodes.forEach((node, place) => this.#enter(node, place))
  }

  #enter(node: Node, place: number): void {
    node.place = place
    const bucket = this.#bucketOf(node)
    if (isWaiting(node)) bucket.waiting++
    else bucket.put(node)
  }

  /** Neighbours mostly are of one bucket. */
  #bucketOf(node: Node): Bucket {
    if (this.#bucket !== undefined && isAlike(this.#bucket.like, node)) return this.#bucket
    const { kind, row } = node
    const name = `${kind} ${tableOf(node)} ${row.map.name} ${row.isSupplement}`
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) this.#buckets.set(name, (bucket = new Bucket(node)))
    return (this.#bucket = bucket)
  }

  steps(): readonly (readonly Node[])[] {
    const steps: (readonly Node[])[] = []
    for (let left = this.#nodes.length; left > 0;) {
      const bucket = this.#next()
      if (bucket === undefined) {
        this.#breakCycle()
        left++
        continue
      }
      const nodes = bucket.take()
      nodes.forEach((node) => this.#place(node))
      left -= nodes.length
      steps.push(nodes)
    }
    return steps
  }

  /** The first by rank; among equals one that is complete, so that no table is written in more steps than it must be. */
  #next(): Bucket | undefined {
    let next: Bucket | undefined
    for (const bucket of this.#buckets.values()) {
      if (bucket.ready.length > 0 && (next === undefined || comesBefore(bucket, next))) next = bucket
    }
    return next
  }

  #place(node: Node): void {
    node.place = -1
    if (node.after === undefined) return
    for (const later of node.after) if (later.before!.delete(node)) this.#release(later)
  }

  /** Something it waited for is gone. */
  #release(node: Node): void {
    if (isWaiting(node)) return
    const bucket = this.#bucketOf(node)
    bucket.waiting--
    bucket.put(node)
  }

  #breakCycle(): void {
    while (this.#nodes[this.#done]!.place < 0) this.#done++
    const cycle = findCycle(this.#nodes[this.#done]!)
    for (const [later, earlier] of cycle) {
      const { breakUp } = later.before!.get(earlier)!
      if (breakUp === undefined) continue
      const interim = breakUp()
      later.before!.delete(earlier)
      this.#release(later)
      return this.#enter(interim, this.#nodes.push(interim) - 1)
    }
    throw cycleError(cycle)
  }
}

function tableOf({ relation, row }: Node): string {
  return relation?.junction?.table ?? row.map.identity
}

function isWaiting({ before }: Node): boolean {
  return before !== undefined && before.size > 0
}

function isAlike(one: Node, other: Node): boolean {
  if (one.kind !== other.kind || one.row.isSupplement !== other.row.isSupplement) return false
  return one.row.map === other.row.map && one.relation === other.relation
}

function comesBefore(one: Bucket, other: Bucket): boolean {
  if (one.rank !== other.rank) return one.rank < other.rank
  const isComplete = one.waiting === 0
  return isComplete === (other.waiting === 0) ? isEarlier(one, other) : isComplete
}

/** Rows that exist are locked table by table in an order that is the same for every flush, so that two of them rarely wait for each other. */
function isEarlier(one: Bucket, other: Bucket): boolean {
  if (one.like.kind === 'insert' || one.table === other.table) return one.first < other.first
  return one.table < other.table
}

function byPlace(a: Node, b: Node): number {
  return a.place - b.place
}

function byKey(a: Node, b: Node): number {
  return orderOfKeys(a.row, b.row) || byPlace(a, b)
}

/** Locks are taken in the order of keys, so that two flushes rarely wait for each other. */
export function orderOfKeys(a: WriteRow, b: WriteRow): number {
  const left = firstPart(a.key)
  const right = firstPart(b.key)
  if (typeof left === 'number' && typeof right === 'number') return left - right
  if (typeof left === 'string' && typeof right === 'string' && left !== right) return left < right ? -1 : 1
  const [one, other] = [keyText(a.key), keyText(b.key)]
  return one < other ? -1 : one > other ? 1 : 0
}

function firstPart(key: WriteRow['key']): unknown {
  for (const name in key) return (key as Image)[name]
  return undefined
}

type Cycle = readonly (readonly [later: Node, earlier: Node])[]

/** Follows dependencies backwards until a node comes again. */
function findCycle(start: Node): Cycle {
  const path = new Map<Node, number>()
  let node = start
  while (!path.has(node)) {
    path.set(node, path.size)
    node = node.before!.keys().next().value!
  }
  const cycle = [...path.keys()].slice(path.get(node))
  return cycle.map((later, index) => [later, cycle[index + 1] ?? cycle[0]!] as const)
}

function cycleError(cycle: Cycle): SessionError {
  const unique = cycle.map(([later, earlier]) => later.before!.get(earlier)!).find((edge) => edge.isUnique)
  const rows = [...new Set(cycle.map(([later]) => later.subject.label))].join(' and ')
  if (unique === undefined) return new SessionError('INSERT_CYCLE', { rows })
  return new SessionError('UNIQUE_CYCLE', { rows, properties: unique.property })
}
