/**
 * What an installation is given: dependencies from a container, refused options; and how its parts print.
 *
 * @module
 */
import { install, MapperExtension, mapper, SessionExtension, sessionOf, sessionSubscriber } from 'flushpoint'
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'
import { closeAll, describeDatabase, openDataSource } from '../support/databases.js'
import { Author, ENTITIES, make } from '../support/models.js'
import { openLogged } from '../support/transaction-log.js'

class Clock {
  now = () => 'noon'
}

class Mailer {
  readonly sent: string[] = []
  constructor(readonly clock: Clock) {}
  send(text: string) {
    this.sent.push(`${text} at ${this.clock.now()}`)
  }
}

/** Builds each class once, when it is first asked for; tokens may also be strings. */
function container() {
  const built = new Map<unknown, unknown>()
  const recipes = new Map<unknown, () => unknown>([
    [Clock, () => new Clock()],
    [Mailer, () => new Mailer(get(Clock))],
    ['greeting', () => 'welcome'],
  ])
  function get<T>(token: any): T {
    if (!built.has(token)) built.set(token, recipes.get(token)!())
    return built.get(token) as T
  }
  return get
}

@Entity()
class Guest {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

class Welcome extends MapperExtension<Guest> {
  override afterInsert(guest: Guest) {
    this.mapper.resolve(Mailer).send(`${this.mapper.resolve<string>('greeting' as never)} ${guest.name}`)
  }
}
mapper(Guest, { extensions: [Welcome] })

class Report extends SessionExtension {
  override afterCommit() {
    this.session.resolve(Mailer).send('report')
  }
}

describeDatabase('resolve', () => {
  afterEach(closeAll)

  it('feeds session and mapper extensions from one container, when they ask', async () => {
    const get = container()
    const dataSource = await openDataSource({ entities: [Guest], subscribers: [sessionSubscriber({ extensions: [Report] })] })
    install(dataSource, { resolve: (token) => get(token) })
    await dataSource.manager.save(make(Guest, { name: 'Ann' }))
    expect(get<Mailer>(Mailer).sent).toEqual(['welcome Ann at noon', 'report at noon'])
  })

  it('names the token when no container was given', async () => {
    const dataSource = await openDataSource({ entities: [Guest], subscribers: [sessionSubscriber()] })
    await expect(dataSource.manager.save(make(Guest, { name: 'Ann' }))).rejects.toMatchObject({
      code: 'RESOLVER_MISSING',
      name: 'ConfigurationError',
      message: expect.stringContaining('Cannot resolve "Mailer"'),
    })
  })
})

describeDatabase('refused when given', () => {
  afterEach(closeAll)

  it('are options that do not exist, with the nearest that does', () => {
    expect(() => sessionSubscriber({ extension: [] } as never)).toThrow(
      expect.objectContaining({ code: 'OPTION_UNKNOWN', message: expect.stringContaining('did you mean "extensions"?') }),
    )
    expect(() => sessionSubscriber({ globalManager: 'jion' } as never)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    expect(() => sessionSubscriber({ savepoints: 'yes' } as never)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  it('are things that are no data source', () => {
    for (const given of [undefined, {}, ENTITIES, 'app'])
      expect(() => install(given as never)).toThrow(expect.objectContaining({ code: 'INSTALL_TARGET_INVALID' }))
  })

  it('are savepoints on a driver without nested transactions', async () => {
    const dataSource = await openDataSource({ entities: ENTITIES })
    Object.assign(dataSource.driver, { transactionSupport: 'simple' })
    expect(() => install(dataSource, { savepoints: true })).toThrow(expect.objectContaining({ code: 'SAVEPOINTS_UNSUPPORTED' }))
  })
})

describeDatabase('what prints', () => {
  afterEach(closeAll)

  it('are session, unit of work, change and error, as what they are', async () => {
    const printed: string[] = []
    const Printer = class extends SessionExtension {
      override beforeFlush() {
        printed.push(String(this.session.uow))
      }
    }
    const { dataSource } = await openLogged({ extensions: [Printer] })
    const session = await dataSource.transaction(async (manager) => {
      await manager.save([make(Author, { name: 'Ann' }), make(Author, { name: 'Bea' })])
      const inside = sessionOf(manager)
      printed.push(String(inside), ...inside.journal.map(String))
      return inside
    })
    printed.push(String(session))
    expect(printed).toEqual([
      'UnitOfWork (new: Author ×2)',
      'AmbientSession (transaction; 2 written; UnitOfWork (empty))',
      'insert author {"id":1} (id, name)',
      'insert author {"id":2} (id, name)',
      'AmbientSession (ended; 2 written; UnitOfWork (empty))',
    ])
  })

  it('is an error with its message, its fix and its code', async () => {
    const { dataSource } = await openLogged()
    const runner = dataSource.createQueryRunner()
    expect(() => sessionOf(runner)).toThrow(/^Cannot find a session for .*\. Fix: .* \[SESSION_NOT_FOUND\]$/)
    await runner.release()
  })
})
