/**
 * Stamps who created and who last changed a row: options at the declaration, the actor from the context.
 *
 * @module
 */
import { MapperExtension, type EntityState, type Mapper, type Session } from 'flushpoint'

interface Authored {
  createdBy: string
  updatedBy: string
}

// #region authorship
export class Authorship extends MapperExtension<Authored> {
  static override readonly optionNames = { fallback: 'required' } as const

  constructor(
    mapper: Mapper<Authored>,
    private readonly options: { fallback: string },
  ) {
    super(mapper)
  }

  override beforeInsert(row: Authored, _state: EntityState<Authored>, session: Session) {
    row.createdBy = row.updatedBy = this.actor(session)
  }

  override beforeUpdate(row: Authored, _state: EntityState<Authored>, session: Session) {
    row.updatedBy = this.actor(session)
  }

  private actor({ context }: Session): string {
    return String(context.actor ?? this.options.fallback)
  }
}
// #endregion
