/**
 * What kind of film it is; a film has several. No extensions of its own: session extensions see it all the same.
 *
 * @module
 */
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'

@Entity()
export class Genre {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) name: string

  toString(): string {
    return `genre ${JSON.stringify(this.name)}`
  }
}
