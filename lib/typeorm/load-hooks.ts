/**
 * afterLoad, once per entity and strictly in order.
 *
 * TypeORM calls subscribers for every entity of a result in one synchronous burst. Invariant: the chain of one entity ends before that of
 * the next begins; what TypeORM reads for its own purposes fires nothing.
 *
 * @module
 */
import type { EntityMetadata, QueryRunner } from 'typeorm'
import { isThenable, runInOrder } from '../core/run-in-order.js'
import { currentSilence } from '../core/silence.js'
import type { EntityState, SessionHooks } from '../mapper/session.js'
import type { HookChain } from '../core/hook-chain.js'
import type { UnitSession } from '../session/session-base.js'
import { imageOf, type Image } from '../session/entity-map.js'
import { RowState, type RowFacts } from '../session/row-state.js'
import { isDeepStrictEqual } from 'node:util'
import { unitOf } from './data-source-patch.js'
import { entityMapOf, keyOf } from './entity-maps.js'
import { isDiffRead } from './flush-boundary.js'
import type { Installation } from './installation.js'
import type { MapperHooks } from './mappers.js'
import { changesFrom } from './subject-diff.js'

interface Burst {
  readonly session: UnitSession
  readonly seen: Set<object>
  tail: Promise<void> | undefined
}

const BURST = Symbol('flushpoint.burst')
type Attached = QueryRunner & { [BURST]?: Burst | undefined }

/** What a subscriber's afterLoad does. @returns A promise where a hook returned one. */
export function entityLoaded(
  installation: Installation,
  entity: object,
  event: { readonly metadata: EntityMetadata; readonly queryRunner: QueryRunner },
): Promise<void> | undefined {
  if (!installation.firesAfterLoad || currentSilence() !== undefined || isDiffRead() || isReadBack(entity, event.metadata)) return undefined
  const metadata = installation.mappers.metadataOf(entity, event.metadata) ?? event.metadata
  const mapperHooks = installation.mappers.hooksOf(metadata)
  const burst = burstOf(installation, event.queryRunner)
  const { hooks } = burst.session
  if (burst.seen.has(entity) || !(mapperHooks.has('afterLoad') || hooks.has('afterLoad'))) return undefined
  burst.seen.add(entity)
  const state = stateOfLoaded(entity, metadata, burst.session)
  const run = () => burst.session.inFrame(() => runChains(entity, state, { mapperHooks, hooks }))
  if (burst.tail !== undefined) return (burst.tail = burst.tail.then(run))
  const result = run()
  if (isThenable(result)) return (burst.tail = result)
  return undefined
}

function runChains(
  entity: object,
  state: EntityState,
  { mapperHooks, hooks }: { mapperHooks: MapperHooks; hooks: HookChain<SessionHooks> },
): void | Promise<void> {
  return runInOrder(
    [() => mapperHooks.run('afterLoad', entity, state, state.session), () => hooks.run('afterLoad', entity, state)],
    (step) => step(),
  )
}

/** After an insert TypeORM reads generated columns back into plain objects, with listeners on. */
function isReadBack(entity: object, metadata: EntityMetadata): boolean {
  return typeof metadata.target === 'function' && entity.constructor === Object
}

function burstOf(installation: Installation, runner: QueryRunner): Burst {
  let burst = (runner as Attached)[BURST]
  if (burst === undefined) {
    const unit = unitOf(runner, installation)
    burst = { session: unit.sessionInTransaction() ?? unit.newSession(), seen: new Set(), tail: undefined }
    ;(runner as Attached)[BURST] = burst
    queueMicrotask(() => ((runner as Attached)[BURST] = undefined))
  }
  return burst
}

function stateOfLoaded(entity: object, metadata: EntityMetadata, session: UnitSession): EntityState {
  const map = entityMapOf(metadata)
  const original: Image = Object.freeze(imageOf(map, entity))
  const changes = () => {
    const now = imageOf(map, entity)
    return changesFrom(
      Object.keys({ ...original, ...now }).filter((path) => !isDeepStrictEqual(original[path], now[path])),
      original,
      now,
    )
  }
  const facts: RowFacts = {
    entity,
    map,
    status: () => (session.ended ? 'detached' : Object.keys(changes()).length === 0 ? 'clean' : 'dirty'),
    key: () => keyOf(metadata, entity),
    original: () => original,
    changes,
    relationChanged: () => false,
  }
  return new RowState(facts, session)
}
