/**
 * Who directed a film; carries the same authorship extension as the film.
 *
 * @module
 */
import { Extensions } from 'flushpoint'
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'
import { Authorship } from '../extensions/authorship.js'

// #region declare
@Entity()
@Extensions(Authorship.with({ fallback: 'nobody' }))
export class Director {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) name: string
  @Column() createdBy: string
  @Column() updatedBy: string

  toString(): string {
    return `director ${JSON.stringify(this.name)}`
  }
}
// #endregion
