/**
 * Shows flushpoint in a Nest application: extensions of both levels take their dependencies from the module, injected repositories fire
 * the chains, and a provider that is a subscriber keeps working beside it.
 */
import { Inject, Injectable, Module, type INestApplicationContext, type OnModuleInit } from '@nestjs/common'
import { ModuleRef } from '@nestjs/core'
import { Test } from '@nestjs/testing'
import { getDataSourceToken, getRepositoryToken, InjectDataSource, InjectRepository, TypeOrmModule } from '@nestjs/typeorm'
import { Column, DataSource, Entity, PrimaryGeneratedColumn, Repository, type EntitySubscriberInterface, type InsertEvent } from 'typeorm'
import { Extensions, install, MapperExtension, SessionExtension, sessionOf, sessionSubscriber, type Change } from 'flushpoint'
import { closeAll, createDatabase, dataSourceOptions, describeDatabase, type ExtraOptions } from '../support/databases.js'

@Injectable()
class Slugs {
  of(title: string): string {
    return title.toLowerCase().replaceAll(' ', '-')
  }
}

/** Collects what a mail server would send. */
@Injectable()
class Mail {
  readonly sent: string[] = []
}

class Slug extends MapperExtension<Page> {
  override beforeInsert(page: Page) {
    page.slug = this.mapper.resolve(Slugs).of(page.title)
  }
}

class Notify extends SessionExtension {
  private readonly mail = this.session.resolve(Mail)

  override beforeFlush() {
    this.mail.sent.push('beforeFlush')
  }
  override afterCommit(changes: readonly Change[]) {
    for (const change of changes) if (change.is(Page)) this.mail.sent.push(`${change.kind} ${change.after?.slug ?? ''}`)
  }
}

@Entity()
@Extensions(Slug)
class Page {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @Column() slug: string
}

@Injectable()
class Pages {
  constructor(@InjectRepository(Page) readonly repository: Repository<Page>) {}

  write(title: string): Promise<Page> {
    return this.repository.save(this.repository.create({ title }))
  }
}

/** The way Nest documents subscribers with dependencies. */
@Injectable()
class PageSubscriber implements EntitySubscriberInterface<Page> {
  constructor(
    @InjectDataSource() dataSource: DataSource,
    @Inject(Mail) readonly mail: Mail,
  ) {
    dataSource.subscribers.push(this)
  }

  listenTo() {
    return Page
  }
  beforeInsert(event: InsertEvent<Page>) {
    this.mail.sent.push('foreign beforeInsert')
    sessionOf(event.manager).onCommit(() => void this.mail.sent.push('onCommit'))
  }
}

/** The whole wiring: a module that installs flushpoint with Nest as its container. */
// #region install
@Module({ providers: [Slugs, Mail, Pages, PageSubscriber], imports: [TypeOrmModule.forFeature([Page])] })
class PagesModule implements OnModuleInit {
  constructor(
    @InjectDataSource() readonly dataSource: DataSource,
    @Inject(ModuleRef) readonly moduleRef: ModuleRef,
  ) {}

  onModuleInit(): void {
    install(this.dataSource, { extensions: [Notify], resolve: (token) => this.moduleRef.get(token, { strict: false }) })
  }
}
// #endregion

async function openApplication(extra: ExtraOptions = {}): Promise<INestApplicationContext> {
  const options = dataSourceOptions({ entities: [Page], ...extra })
  await createDatabase(options)
  const module = await Test.createTestingModule({ imports: [TypeOrmModule.forRoot(options), PagesModule] }).compile()
  return module.init()
}

describeDatabase('in a Nest application', () => {
  let app: INestApplicationContext
  let sent: string[]
  beforeEach(async () => {
    app = await openApplication()
    ;({ sent } = app.get(Mail, { strict: false }))
  })
  afterEach(() => app.close())
  afterAll(closeAll)

  it('resolves what extensions of both levels need, and runs them in order beside a subscriber of the application', async () => {
    const page = await app.get(Pages, { strict: false }).write('Hello World')
    expect(page.slug).toBe('hello-world')
    expect(sent).toEqual(['beforeFlush', 'foreign beforeInsert', 'insert hello-world', 'onCommit'])
  })

  it('hands out the very providers of the application', async () => {
    const dataSource = app.get<DataSource>(getDataSourceToken(), { strict: false })
    await dataSource.transaction((manager) => {
      const session = sessionOf(manager)
      expect(session.resolve(Mail)).toBe(app.get(Mail, { strict: false }))
      expect(session.resolve(getRepositoryToken(Page) as typeof Repository<Page>)).toBe(app.get(Pages, { strict: false }).repository)
      return Promise.resolve()
    })
  })

  it('lets the error of the container reach the caller', async () => {
    class Unknown {}
    const dataSource = app.get<DataSource>(getDataSourceToken(), { strict: false })
    const asking = dataSource.transaction((manager) => Promise.resolve(sessionOf(manager).resolve(Unknown)))
    await expect(asking).rejects.toThrow(/Unknown/)
    expect(sent).toEqual([])
  })

  it('gives what is installed later to extensions listed in the options, and runs a class listed twice once', async () => {
    class First extends SessionExtension {
      override beforeFlush() {
        this.session.resolve(Mail).sent.push('first')
      }
    }
    const other = await openApplication({ subscribers: [sessionSubscriber({ extensions: [First, Notify] })] })
    await other.get(Pages, { strict: false }).write('Other')
    expect(other.get(Mail, { strict: false }).sent.slice(0, 3)).toEqual(['first', 'beforeFlush', 'foreign beforeInsert'])
    await other.close()
  })

  it('keeps two applications in one process apart', async () => {
    const second = await openApplication()
    await second.get(Pages, { strict: false }).write('Other')
    expect(sent).toEqual([])
    expect(second.get(Mail, { strict: false }).sent).toEqual(['beforeFlush', 'foreign beforeInsert', 'insert other', 'onCommit'])
    await second.close()
  })
})
