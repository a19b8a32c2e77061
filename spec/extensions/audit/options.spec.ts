/** What an audit trail keeps, and which options are refused. */
import { sessionSubscriber, withContext } from 'flushpoint'
import { Audit, auditEntities, type AuditOptions } from 'flushpoint/extensions'
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm'
import { openAudit, toldBy, trailOf } from '../../support/audit.js'
import { errorOf } from '../../support/chains.js'
import { closeDataSources, createDatabase, databaseName, dataSourceOptions, describeDatabase } from '../../support/databases.js'
import { Article, Author, ENTITIES, make, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

class Address {
  @Column({ nullable: true, type: 'varchar' }) city?: string | null
  @Column({ nullable: true, type: 'varchar' }) street?: string | null
}

@Entity()
class User {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column() password: string
  @Column({ nullable: true, type: 'varchar' }) phone?: string | null
  @Column({ nullable: true, type: 'varchar', select: false }) token?: string | null
  @Column(() => Address) address: Address
}

const KEY = 'a secret of thirty-two characters'
const user = () => make(User, { name: 'Ann', password: 'p', phone: '1', token: 't', address: { city: 'Rome', street: 'Via' } })
const open = (options: AuditOptions) => openAudit(options, { entities: [...ENTITIES, User] })

describeWays('sensitive columns', (way) => {
  afterEach(closeDataSources)

  it('are left out: those that queries do not select always, others by name', async () => {
    const dataSource = await open({ exclude: ['User.password', 'User.address'] })
    await way.save(dataSource, user())
    const [row] = await trailOf(dataSource)
    expect(row!.changes).toEqual({ name: { to: 'Ann' }, phone: { to: '1' } })
  })

  it('make no row where nothing else was changed', async () => {
    const dataSource = await open({ exclude: ['User.password'] })
    const ann = await way.seed(dataSource, user())
    ann.password = 'q'
    await way.save(dataSource, ann)
    expect(await trailOf(dataSource)).toEqual([])
  })

  it('are hashed with a secret, so that changes show and values do not', async () => {
    const dataSource = await open({ hash: ['User.password', 'User.phone'], hashKey: KEY })
    const ann = await way.save(dataSource, user())
    ann.password = 'q'
    ann.phone = null
    await way.save(dataSource, ann)
    ann.password = 'p'
    await way.save(dataSource, ann)
    const [inserted, changed, back] = (await trailOf(dataSource)).map(({ changes }) => changes)
    const [p, q] = [inserted!['password']!.to, changed!['password']!.to]
    expect(p).toMatch(/^hmac:[0-9a-f]{64}$/)
    expect(p).not.toBe(q)
    expect(changed!['password']!.from).toBe(p)
    expect(back!['password']).toEqual({ from: q, to: p })
    expect(changed!['phone']).toEqual({ from: expect.stringMatching(/^hmac:/), to: null })
    expect(JSON.stringify(await trailOf(dataSource))).not.toContain('"p"')
  })
})

describeWays('entities', (way) => {
  afterEach(closeDataSources)

  it('are audited where they are among the only ones', async () => {
    const dataSource = await open({ only: [Tag, 'Author'] })
    await way.save(dataSource, [make(Tag, { name: 'a' }), make(Author, { name: 'b' }), make(Article, { title: 'c' })])
    expect((await toldBy(dataSource)).map((told) => told.split(' ')[1]).sort()).toEqual(['Author', 'Tag'])
  })

  it('are not audited where they are excepted', async () => {
    const dataSource = await open({ except: [Tag] })
    await way.save(dataSource, [make(Tag, { name: 'a' }), make(Author, { name: 'b' })])
    expect(await toldBy(dataSource)).toEqual(['insert Author {"id":1} name'])
  })
})

describeDatabase('the actor', () => {
  afterEach(closeDataSources)

  const actors: readonly [unknown, string | null][] = [
    ['ann', 'ann'],
    [7, '7'],
    [{ id: 7, username: 'ann' }, '7'],
    [{ username: 'ann', email: 'a@b' }, 'ann'],
    [{ email: 'a@b' }, 'a@b'],
    [{ secret: 'x' }, null],
    [undefined, null],
    ['x'.repeat(300), 'x'.repeat(255)],
  ]

  it('is the text, number or identity that the context carries', async () => {
    const dataSource = await open({})
    for (const [actor] of actors) await withContext({ actor }, () => dataSource.manager.save(make(Tag, { name: String(Math.random()) })))
    expect((await trailOf(dataSource)).map(({ actor }) => actor)).toEqual(actors.map(([, told]) => told))
  })

  it('is who the option says', async () => {
    const dataSource = await open({ actor: ({ tenant }) => `${tenant}/x` })
    await withContext({ tenant: 'acme' }, () => dataSource.manager.save(make(Tag, { name: 'a' })))
    expect((await trailOf(dataSource))[0]!.actor).toBe('acme/x')
  })
})

describeDatabase('options that cannot be meant', () => {
  afterEach(closeDataSources)

  const refused: readonly [AuditOptions, RegExp][] = [
    [{ exclude: ['User.pasword'] }, /"exclude".*nearest of which is "User\.password".*"User\.pasword"/],
    [{ exclude: ['Usr.password'] }, /nearest of which is "User"/],
    [{ exclude: ['password'] }, /names like 'User\.password'/],
    [{ exclude: ['User.id'] }, /besides its key/],
    [{ exclude: [7] } as never, /a number/],
    [{ only: ['Artcle'] }, /"only".*nearest of which is "Article"/],
    [{ except: [class Nobody {}] }, /"except".*the class Nobody/],
    [{ only: [Tag], except: [User] }, /left out beside "only"/],
    [{ hash: ['User.password'] }, /"hashKey" must be given/],
    [{ hash: ['User.password'], hashKey: 'short' }, /16 of them at least/],
    [{ hash: ['password'], hashKey: KEY }, /"hash".*names like 'User\.password'/],
    [{ hash: ['Article.tags'], hashKey: KEY }, /columns and to-one relations of Article/],
    [{ bulk: 'yes' } as never, /"bulk"/],
  ]

  it.each(refused)('are refused when the DataSource is initialised: %j', async (options, message) => {
    const error = await errorOf(open(options))
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain(KEY)
  })

  it('are refused where they are written when nobody knows them', () => {
    expect(() => Audit.with({ excluded: [] } as never)).toThrow(expect.objectContaining({ code: 'EXTENSION_OPTION_UNKNOWN' }))
  })

  it('are refused together with a DataSource that does not map the table', async () => {
    const options = dataSourceOptions({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions: [Audit] })] })
    await createDatabase(options)
    expect((await errorOf(new DataSource(options).initialize())).code).toBe('AUDIT_TABLE_MISSING')
  })
})

describeDatabase('a table of another name', () => {
  afterEach(closeDataSources)

  it('is where the trail is kept', async () => {
    const dataSource = await openAudit(undefined, { entities: [Tag] })
    const options = {
      ...dataSourceOptions({ subscribers: [sessionSubscriber({ extensions: [Audit] })] }),
      entities: [Tag, ...auditEntities(databaseName(), { table: 'Film trail' })],
    } as DataSourceOptions
    await createDatabase(options)
    const other = await new DataSource(options).initialize()
    await other.manager.save(make(Tag, { name: 'a' }))
    expect([other.getMetadata('AuditEntry').tableName, (await toldBy(other)).length, (await toldBy(dataSource)).length]).toEqual([
      'Film trail',
      1,
      0,
    ])
    await other.destroy()
  })
})
