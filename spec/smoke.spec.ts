import { Extensions, install, MapperExtension, mapper, SessionExtension, sessionOf, sessionSubscriber, type Change } from 'flushpoint'
import { closeAll, openDataSource, describeDatabase, recordStatements } from './support/databases.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from './support/models.js'

const log: string[] = []
class M extends MapperExtension<Article> {
  override beforeInsert(a: Article) { log.push('M.beforeInsert'); a.slug = a.title.toLowerCase() }
  override afterInsert(a: Article, s: any) { log.push(`M.afterInsert ${s.status} ${JSON.stringify(s.key)}`) }
  override beforeUpdate(a: Article, s: any) { log.push(`M.beforeUpdate ${JSON.stringify(s.changes)} tags:${s.changed('tags')}`) }
  override afterUpdate() { log.push('M.afterUpdate') }
  override beforeDelete() { log.push('M.beforeDelete') }
  override afterDelete(a: Article, s: any) { log.push(`M.afterDelete ${JSON.stringify(s.key)} ${a.id}`) }
}
class S extends SessionExtension {
  override beforeFlush() { log.push(`S.beforeFlush ${this.session.uow}`) }
  override afterFlush() { log.push('S.afterFlush') }
  override beforeInsert(e: object) { log.push(`S.beforeInsert ${e.constructor.name}`) }
  override afterInsert(e: object) { log.push(`S.afterInsert ${e.constructor.name}`) }
  override beforeCommit() { log.push('S.beforeCommit') }
  override afterBegin(scope: any) { log.push(`S.afterBegin ${scope.kind}`) }
  override afterCommit(changes: readonly Change[]) { log.push(`S.afterCommit ${changes.map(String).join(' | ')}`) }
  override afterRollback(changes: readonly Change[]) { log.push(`S.afterRollback ${changes.map(String).join(' | ')}`) }
  override beforeBulk(s: any) { s.wantImages('both'); log.push(`S.beforeBulk ${s.kind} ${JSON.stringify(s.where)} ${JSON.stringify(s.values)}`) }
  override afterBulk(s: any) { log.push(`S.afterBulk ${s.affected} ${s.changes}`) }
}
mapper(Article, { extensions: [M] })

describeDatabase('smoke', () => {
  afterAll(closeAll)
  it('runs', async () => {
    const ds = await openDataSource({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions: [S] })] })
    const rec = recordStatements(ds)
    const a = make(Article, { title: 'First', tags: [make(Tag, { name: 't1' })], author: make(Author, { name: 'Ann' }) })
    await ds.manager.save(a)
    a.title = 'Second'
    await ds.manager.save(a)
    a.tags = [make(Tag, { name: 't2' })]
    await ds.manager.save(a)
    await ds.transaction(async (m) => {
      sessionOf(m).onCommit((c) => void log.push(`onCommit ${c.length}`))
      a.title = 'x'; await m.save(a); a.title = 'y'; await m.save(a)
      await m.transaction(async (n) => { await n.save(make(Author, { name: 'B' })); throw new Error('no') }).catch(() => log.push('caught'))
    })
    await ds.manager.update(Article, { title: 'y' }, { title: 'z' })
    await ds.manager.upsert(Tag, [{ name: 't1' }, { name: 't9' }], ['name'])
    await ds.manager.insert(Tag, { name: 't10' })
    await ds.manager.delete(Tag, { name: 't10' })
    await ds.manager.remove(a)
    const n = await ds.manager.save(make(Note, { text: 'n' }))
    await ds.manager.softRemove(n)
    console.log(log.join('\n') + '\n-----\n' + rec.sql().join('\n'))
    await Promise.all([1, 2, 3].map((i) => ds.transaction(async (m) => { await m.save(make(Author, { name: `p${i}` })); if (i === 2) throw new Error('two') }).catch(() => 0)))
    console.log((await ds.manager.find(Author)).map((x) => x.name))
  }, 30000)
})
