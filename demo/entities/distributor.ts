/**
 * Who brought a film to the cinemas. No extensions of its own: session extensions see it all the same.
 *
 * @module
 */
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'

@Entity()
export class Distributor {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) name: string

  toString(): string {
    return `distributor ${JSON.stringify(this.name)}`
  }
}
