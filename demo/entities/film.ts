/**
 * A film of the catalogue, and the three things it refers to.
 *
 * Everything a film introduces is saved with it (`cascade`), so a new director needs no save of their own.
 *
 * @module
 */
import { Extensions } from 'flushpoint'
import { Column, Entity, JoinTable, ManyToMany, ManyToOne, PrimaryGeneratedColumn } from 'typeorm'
import { Authorship } from '../extensions/authorship.js'
import { ProtectedCredits } from '../extensions/protected-credits.js'
import { ReasonableFilm } from '../extensions/reasonable-film.js'
import { Slug } from '../extensions/slug.js'
import { MapperTimeline } from '../extensions/timeline.js'
import { Director } from './director.js'
import { Distributor } from './distributor.js'
import { Genre } from './genre.js'

/** Money does not fit into 32 bits, and drivers return 64 as text. */
const money = { from: (value: string | null) => (value === null ? null : Number(value)), to: (value: number | null) => value }

// #region film
// #region chain
@Entity()
@Extensions(
  ReasonableFilm.with({ knownUntil: '2011-12-31' }),
  Slug,
  Authorship.with({ fallback: 'nobody' }),
  ProtectedCredits,
  MapperTimeline,
)
// #endregion
export class Film {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @Column({ unique: true }) slug: string
  @Column({ type: 'date' }) releasedOn: string
  @Column({ type: 'varchar', nullable: true }) mpaaRating: string | null
  @Column({ type: 'float', nullable: true }) rating: number | null
  @Column({ type: 'int', nullable: true }) votes: number | null
  @Column({ type: 'bigint', nullable: true, transformer: money }) budget: number | null
  @Column({ type: 'bigint', nullable: true, transformer: money }) gross: number | null
  @Column({ default: false }) isBestSeller: boolean
  @Column() createdBy: string
  @Column() updatedBy: string
  @ManyToOne(() => Director, { cascade: ['insert'], nullable: true }) director?: Director | null
  @ManyToOne(() => Distributor, { cascade: ['insert'], nullable: true }) distributor?: Distributor | null
  @ManyToMany(() => Genre, { cascade: ['insert'] }) @JoinTable({ name: 'film_genre' }) genres?: Genre[]

  toString(): string {
    return `film ${JSON.stringify(this.title)}`
  }
}
// #endregion
