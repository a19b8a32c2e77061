/**
 * Who works on the catalogue: the actor of the context.
 *
 * @module
 */
export class Person {
  constructor(
    readonly name: string,
    readonly mayEditCredits = false,
  ) {}

  toString(): string {
    return this.name
  }
}

export const importer = new Person('importer', true)
export const ada = new Person('ada', true)
export const ben = new Person('ben')
