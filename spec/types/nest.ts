/**
 * Dependencies from a container, as a Nest application wires them.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import type { ModuleRef } from '@nestjs/core'
import type { DataSource } from 'typeorm'
import { Extensions, install, MapperExtension, SessionExtension, type Resolve, type Session, type Token } from 'flushpoint'

class Users {
  readonly name = 'x'
}

class Who extends SessionExtension {
  private readonly users = this.session.resolve(Users)
  override beforeFlush() {
    void this.users.name
  }
}

class Slug extends MapperExtension<{ slug: string }> {
  override beforeInsert(entity: { slug: string }) {
    entity.slug = this.mapper.resolve(Users).name
  }
}

@Extensions(Slug)
export class Page {
  slug = ''
}

class NeedsUsers extends SessionExtension {
  constructor(
    session: Session,
    readonly users: Users,
  ) {
    super(session)
  }
}

declare const ds: DataSource
declare const moduleRef: ModuleRef
install(ds, {
  extensions: [Who, (session) => new NeedsUsers(session, moduleRef.get(Users))],
  resolve: (token) => moduleRef.get(token, { strict: false }),
})
// @ts-expect-error a class with more than its session to build it needs a factory or .with
install(ds, { extensions: [NeedsUsers] })
// @ts-expect-error what is resolved is there at once, not a promise
install(ds, { resolve: (token) => moduleRef.resolve(token) })

/** A container of one's own needs no more than this. */
const instances = new Map<unknown, unknown>([[Users, new Users()]])
const resolve: Resolve = <T>(token: Token<T>) => instances.get(token) as T
install(ds, { resolve })

declare const session: Session
const users: Users = session.resolve(Users)
const named: Users = session.resolve<Users>('users')
const unnamed: unknown = session.resolve(Symbol('users'))
// @ts-expect-error a token is a class, a string or a symbol
session.resolve(3)
// @ts-expect-error an instance is no token
session.resolve(users)
void [named, unnamed]
