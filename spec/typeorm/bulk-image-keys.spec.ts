/**
 * Images of bulk statements on tables with unusual keys and columns: composite, transformed, renamed, embedded, relations.
 *
 * @module
 */
import { SessionExtension, type Change } from 'flushpoint'
import { Column, Entity, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import { bulkLog } from '../support/bulk-log.js'
import { closeAll, describeDatabase } from '../support/databases.js'
import { make } from '../support/models.js'
import { errorOf, openLogged } from '../support/transaction-log.js'

class Place {
  @Column({ name: 'city_name', default: '' }) city: string
  @Column({ default: '' }) zip: string
}

@Entity()
class Stop {
  @PrimaryColumn({ name: 'line_no' }) line: number
  @PrimaryColumn({ transformer: { to: (code: string) => `db:${code}`, from: (code: string) => code.slice(3) } }) code: string
  @Column({ name: 'stop_name' }) name: string
  @Column(() => Place) place: Place
}

@Entity()
class Owner {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column() name: string
}

@Entity()
class Thing {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column() name: string
  @ManyToOne(() => Owner, { eager: true, nullable: true }) owner?: Owner | null
}

async function open() {
  const kept: Change[] = []
  const Keep = class extends SessionExtension {
    override afterCommit(changes: readonly Change[]) {
      kept.splice(0, kept.length, ...changes)
    }
  }
  const { dataSource, lines } = await openLogged({ extensions: [bulkLog('both').extension, Keep] }, { entities: [Stop, Owner, Thing] })
  return { dataSource, lines, kept }
}

const stop = (line: number, code: string, name: string) =>
  make(Stop, { line, code, name, place: make(Place, { city: 'Bern', zip: '3000' }) })

describeDatabase('images of rows with unusual keys', () => {
  afterEach(closeAll)

  it('have composite and transformed keys as the entity names them', async () => {
    const { dataSource, kept } = await open()
    await dataSource.manager.save([stop(1, 'A', 'first'), stop(1, 'B', 'second'), stop(2, 'A', 'third')])
    await dataSource.manager.update(Stop, { line: 1 }, { name: 'renamed' })
    expect(kept.map(({ key, changes }) => [key, changes])).toEqual([
      [{ line: 1, code: 'A' }, { name: { from: 'first', to: 'renamed' } }],
      [{ line: 1, code: 'B' }, { name: { from: 'second', to: 'renamed' } }],
    ])
    await dataSource.manager.delete(Stop, { code: 'A' })
    expect(kept.map(({ kind, key, before }) => [kind, key, before?.name])).toEqual([
      ['delete', { line: 1, code: 'A' }, 'renamed'],
      ['delete', { line: 2, code: 'A' }, 'third'],
    ])
  })

  it('tell embedded columns by their dotted path', async () => {
    const { dataSource, kept } = await open()
    await dataSource.manager.save(stop(1, 'A', 'first'))
    await dataSource.manager.update(Stop, { place: { city: 'Bern' } }, { place: { city: 'Biel' } })
    expect(kept.map(({ changes }) => changes)).toEqual([{ 'place.city': { from: 'Bern', to: 'Biel' } }])
  })

  it('tell a many-to-one as the key of its target, eager or not', async () => {
    const { dataSource, kept } = await open()
    const [ann, bea] = (await dataSource.manager.save([make(Owner, { name: 'Ann' }), make(Owner, { name: 'Bea' })])) as [Owner, Owner]
    await dataSource.manager.save(make(Thing, { name: 'box', owner: ann }))
    await dataSource.manager.update(Thing, { owner: { id: ann.id } }, { owner: bea })
    expect(kept.map(({ changes }) => changes)).toEqual([{ owner: { from: { id: ann.id }, to: { id: bea.id } } }])
    await dataSource.manager.update(Thing, { name: 'box' }, { owner: null })
    expect(kept.map(({ changes }) => changes)).toEqual([{ owner: { from: { id: bea.id }, to: null } }])
  })

  it('match an insert and the entity it made later, as one net change', async () => {
    const { dataSource, kept } = await open()
    await dataSource.transaction(async (manager) => {
      await manager.insert(Thing, { name: 'box' })
      await manager.save(Object.assign(await manager.findOneByOrFail(Thing, { name: 'box' }), { name: 'chest' }))
    })
    expect(kept.map(({ kind, after }) => [kind, after?.name])).toEqual([['insert', 'chest']])
  })

  it('go with the savepoint that undoes the statement', async () => {
    const { dataSource, lines } = await open()
    await dataSource.transaction(async (manager) => {
      await manager.insert(Thing, { name: 'kept' })
      await errorOf(manager.transaction((inner) => inner.insert(Thing, { name: 'undone' }).then(() => Promise.reject(new Error('no')))))
    })
    expect(lines.filter((line) => /^(commit|rollback)/.test(line))).toEqual(['rollback savepoint 2: insert undone', 'commit: insert kept'])
  })

  it('are told anew when one builder is executed twice', async () => {
    const { dataSource, kept } = await open()
    await dataSource.manager.insert(Thing, { name: 'box' })
    const builder = dataSource.createQueryBuilder().update(Thing).set({ name: 'chest' }).where('name = :name', { name: 'box' })
    await builder.execute()
    expect(kept).toHaveLength(1)
    await builder.execute()
    expect(kept).toEqual([])
  })
})
