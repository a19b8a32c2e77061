/**
 * Builds the plan of a running persistence run anew, after hooks changed relations or took entities in or out.
 *
 * TypeORM derives cascades, orphans and junction rows before any hook runs and never again; here the same builders run once more.
 * Invariant: roots stay; everything derived is derived from the present state of the objects, and what was read from the database for an
 * entity is read again only when a relation is there that was not read.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { Internals, PersistMode, Subject } from './internals.js'
import { sameKey } from './subject-diff.js'

export interface PlanRoots {
  readonly subjects: Subject[]
  isRoot(subject: Subject): boolean
  isExcluded(entity: object): boolean
}

/** Replaces the content of `roots.subjects` by a plan derived from its roots. */
export async function rebuildPlan(runner: QueryRunner, roots: PlanRoots, internals: Internals): Promise<void> {
  const known = new Map(roots.subjects.filter((subject) => subject.entity !== undefined).map((subject) => [subject.entity, subject]))
  const plan = roots.subjects.filter((subject) => subject.entity !== undefined && roots.isRoot(subject))
  plan.forEach(forgetDerived)
  cascade(plan, internals)
  for (const subject of plan) takeOverRead(subject, known.get(subject.entity))
  const kept = plan.filter((subject) => !roots.isExcluded(subject.entity!))
  await readFromDatabase(runner, kept, internals)
  deriveRelations(kept, internals)
  roots.subjects.splice(0, roots.subjects.length, ...kept)
}

function forgetDerived(subject: Subject): void {
  subject.changeMaps = []
  subject.diffColumns = []
  subject.diffRelations = []
  subject.recompute()
}

export function modeOf(subject: Subject): PersistMode {
  if (subject.mustBeRemoved) return 'remove'
  if (subject.canBeSoftRemoved) return 'soft-remove'
  return subject.canBeRecovered ? 'recover' : 'save'
}

/** CascadesSubjectBuilder searches the whole list for each object, so each root gets a pass over what is there already. */
function cascade(plan: Subject[], internals: Internals): void {
  const builder = new internals.CascadesSubjectBuilder(plan)
  for (const root of [...plan]) {
    const mode = modeOf(root)
    builder.build(root, mode)
    if (mode === 'soft-remove' || mode === 'recover') cascadeInserts(root, plan, builder)
  }
}

/** New objects that a hook has linked to an entity to soft-remove or recover are inserted; edits of old ones are not saved with it. */
function cascadeInserts(root: Subject, plan: Subject[], builder: { build(subject: Subject, mode: PersistMode): void }): void {
  const before = new Map(plan.map((subject) => [subject, subject.canBeUpdated]))
  builder.build(root, 'save')
  for (const subject of plan) subject.canBeUpdated = before.get(subject) ?? false
}

/** Keeps what was read for this entity, unless a relation is set now that was not read then. */
function takeOverRead(subject: Subject, before: Subject | undefined): void {
  const read = before?.databaseEntity
  if (before === undefined) return
  subject.databaseEntityLoaded = before.databaseEntityLoaded
  const unread = subject.metadata.relations.some(
    (relation) => read !== undefined && relation.getEntityValue(read) === undefined && isNeeded(subject, relation),
  )
  if (read === undefined || unread) delete (subject as { databaseEntity?: object }).databaseEntity
  else subject.databaseEntity = read
}

/** A save needs the relations that are set, a removal every many-to-many. */
function isNeeded(subject: Subject, relation: RelationMetadata): boolean {
  return relation.getEntityValue(subject.entity!) !== undefined || (subject.mustBeRemoved && relation.isManyToMany)
}

async function readFromDatabase(runner: QueryRunner, plan: Subject[], internals: Internals): Promise<void> {
  const unread = (subject: Subject) => subject.databaseEntity === undefined && subject.identifier !== undefined
  const groups: [PersistMode, Subject[]][] = [
    ['save', plan.filter((subject) => !subject.mustBeRemoved)],
    ['remove', plan.filter((subject) => subject.mustBeRemoved)],
  ]
  for (const [mode, subjects] of groups) {
    if (subjects.some(unread)) await new internals.SubjectDatabaseEntityLoader(runner, subjects).load(mode)
  }
}

function deriveRelations(plan: Subject[], internals: Internals): void {
  const removed = plan.filter((subject) => subject.mustBeRemoved)
  const living = plan.filter((subject) => !subject.mustBeRemoved)
  const rooted = living.length
  new internals.OneToManySubjectBuilder(living).build()
  new internals.OneToOneInverseSideSubjectBuilder(living).build()
  new internals.ManyToManySubjectBuilder(living).build()
  plan.push(...withoutAdopted(living.slice(rooted), living).filter((derived) => !isAlsoRemoved(derived, removed)))
  for (const subject of removed) new internals.ManyToManySubjectBuilder(plan).buildForAllRemoval(subject)
}

/** An orphan of one collection that is deleted in its own right needs no orphan handling. */
function isAlsoRemoved(derived: Subject, removed: readonly Subject[]): boolean {
  if (derived.entity !== undefined || derived.metadata.isJunction) return false
  return removed.some(
    (subject) =>
      subject.metadata.target === derived.metadata.target && subject.metadata.compareEntities(subject.entity!, derived.identifier!),
  )
}

/**
 * Leaves out orphans of one collection that another collection of the plan takes in: TypeORM would write their new parent and then none,
 * or delete them, whichever comes last in its list.
 */
export function withoutAdopted(derived: readonly Subject[], plan: readonly Subject[]): readonly Subject[] {
  const orphans = derived.filter(
    (subject) => subject.entity === undefined && subject.identifier !== undefined && !subject.metadata.isJunction,
  )
  if (orphans.length < 1) return derived
  const adopted = new Set(orphans.filter((orphan) => plan.some((subject) => subject !== orphan && adopts(subject, orphan))))
  return derived.filter((subject) => !adopted.has(subject))
}

/** Whether this subject writes a parent into the row that the orphan would lose its parent in. */
function adopts(subject: Subject, orphan: Subject): boolean {
  if (subject.metadata.target !== orphan.metadata.target || subject.identifier === undefined) return false
  const isGivenParent = subject.changeMaps.some(
    ({ relation, value }) => relation !== undefined && typeof value === 'object' && value !== null && '@instanceof' in value,
  )
  return isGivenParent && sameKey(subject.identifier, orphan.identifier)
}
