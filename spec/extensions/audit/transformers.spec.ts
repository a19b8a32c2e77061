/** Columns whose transformers store one value in another form each time, as encryption does. */
import { auditOf } from 'flushpoint/extensions'
import { randomBytes } from 'node:crypto'
import { Column, DeleteDateColumn, Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { openAudit, trailOf } from '../../support/audit.js'
import { errorOf } from '../../support/chains.js'
import { closeDataSources } from '../../support/databases.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const reversed = (text: string) => [...text].reverse().join('')

const sealed = {
  to: (value?: string | null) => (typeof value === 'string' ? `${randomBytes(8).toString('hex')}:${reversed(value)}` : value),
  from: (stored?: string | null) => (typeof stored === 'string' ? reversed(stored.slice(stored.indexOf(':') + 1)) : stored),
}

@Entity()
class Vault {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ type: 'varchar', nullable: true, transformer: sealed }) secret?: string | null
  @DeleteDateColumn() deletedAt?: Date | null
}

const open = (options = {}) => openAudit(options, { entities: [Vault] })

describeWays('a column that is stored in another form each time', (way) => {
  afterEach(closeDataSources)

  const loaded = (dataSource: DataSource) => way.load(dataSource, Vault, {})

  it('is not told where its value stays', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Vault, { name: 'A', secret: 's' }))
    const vault = await loaded(dataSource)
    vault.name = 'B'
    await way.save(dataSource, vault)
    await way.softRemove(dataSource, await loaded(dataSource))
    const told = (await trailOf(dataSource)).slice(1).map(({ operation, changes }) => [operation, Object.keys(changes)])
    expect(told).toEqual([
      ['update', ['name']],
      ['softRemove', ['deletedAt']],
    ])
  })

  it('is told in forms that read as its values', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Vault, { name: 'A', secret: 'old' }))
    const vault = await loaded(dataSource)
    vault.secret = 'new'
    await way.save(dataSource, vault)
    const [updated, inserted] = await auditOf(dataSource).history(vault)
    const { from, to } = updated!.changes['secret']!
    expect([from, to]).toEqual([expect.stringMatching(/^[\da-f]{16}:dlo$/), expect.stringMatching(/^[\da-f]{16}:wen$/)])
    expect((await auditOf(dataSource).asOf(vault, inserted!))!.secret).toBe('old')
    expect((await auditOf(dataSource).asOf(vault, updated!))!.secret).toBe('new')
  })

  it('is reverted where its value stayed since, and refused where it became another', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Vault, { name: 'A', secret: 'old' }))
    const vault = await loaded(dataSource)
    vault.secret = 'new'
    await way.save(dataSource, vault)
    const [updated, inserted] = await auditOf(dataSource).history(vault)
    const revert = (change = updated!) => way.transaction(dataSource, ({ session }) => auditOf(session).revert(change))
    expect((await errorOf(revert(inserted))).code).toBe('AUDIT_REVERT_CONFLICT')
    await revert()
    expect(await dataSource.manager.find(Vault)).toMatchObject([{ name: 'A', secret: 'old' }])
    await revert(inserted)
    expect(await dataSource.manager.count(Vault)).toBe(0)
  })

  it('has one HMAC for one value', async () => {
    const dataSource = await open({ hash: ['Vault.secret'], hashKey: 'x'.repeat(16) })
    await way.save(dataSource, make(Vault, { name: 'A', secret: 'a' }))
    for (const secret of ['b', 'a']) {
      const vault = await loaded(dataSource)
      vault.secret = secret
      await way.save(dataSource, vault)
    }
    const [first, second, third] = (await trailOf(dataSource)).map(({ changes }) => changes['secret']!)
    expect([second!.from, second!.to, third!.to]).toEqual([first!.to, third!.from, first!.to])
    expect(second!.to).not.toBe(first!.to)
  })
})
