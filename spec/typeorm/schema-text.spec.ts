/**
 * The text of a table: the same as long as the table is, whatever the order it was told in.
 *
 * @module
 */
import { Table, TableCheck, TableColumn, TableExclusion, TableForeignKey, TableIndex, TableUnique, type DataSource } from 'typeorm'
import { schemaText } from '../../lib/typeorm/schema-text.js'
import { closeAll, describeDatabase, openDataSource } from '../support/databases.js'

const columns = () => [
  new TableColumn({ name: 'size', type: 'decimal', precision: 10, scale: 2, default: 0, unsigned: true }),
  new TableColumn({ name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' }),
  new TableColumn({ name: 'mood', type: 'enum', enum: ['sad', "it's fine"], isNullable: true, comment: 'how "it" feels' }),
  new TableColumn({ name: 'full', type: 'varchar', length: '80', generatedType: 'STORED', asExpression: "a || 'b'", collation: 'C' }),
  new TableColumn({ name: 'seen', type: 'timestamp', default: 'now()', onUpdate: 'now()' }),
  new TableColumn({ name: 'ownerId', type: 'int' }),
]

function table(parts: TableColumn[] = columns()): Table {
  return new Table({
    name: 'thing',
    columns: parts,
    uniques: [new TableUnique({ name: 'u', columnNames: ['size', 'mood'] })],
    checks: [new TableCheck({ name: 'c', expression: 'size > 0' })],
    exclusions: [new TableExclusion({ name: 'x', expression: 'USING gist (size WITH =)' })],
    indices: [
      new TableIndex({ name: 'i', columnNames: ['seen'], where: 'size > 1' }),
      new TableIndex({ name: 'h', columnNames: ['seen', 'full'], isUnique: true }),
    ],
    foreignKeys: [new TableForeignKey({ name: 'f', columnNames: ['ownerId'], referencedTableName: 'owner', referencedColumnNames: ['id'], onDelete: 'CASCADE', onUpdate: 'NO ACTION' })], // prettier-ignore
    comment: "it's a thing",
  })
}

describeDatabase('the text of a table', () => {
  let dataSource: DataSource
  beforeAll(async () => void (dataSource = await openDataSource({ entities: [] })))
  afterAll(closeAll)

  const lines = (one: Table) => schemaText(one, dataSource.driver).split('\n')

  it('names columns, key, constraints and indices in a fixed order', () => {
    expect(lines(table()).map((line) => line.replace(/^ +/, '').split(' (')[0]!.split(' ').slice(0, 2).join(' '))).toEqual([
      'TABLE "thing"',
      ...['"id" int', '"full" varchar(80)', '"mood" enum', '"ownerId" int', '"seen" timestamp', '"size" decimal(10,2)'].map(
        (start) => expect.stringMatching(new RegExp(`^${start.split(' ')[0]} `)) as unknown,
      ),
      ...['PRIMARY KEY', 'UNIQUE "u"', 'CHECK "c"', 'EXCLUDE "x"', 'INDEX "i"', 'UNIQUE INDEX', 'FOREIGN KEY'],
      expect.stringMatching(/^\)/),
    ])
  })

  it('says everything about a column that could be changed', () => {
    const of = (name: string) => lines(table()).find((line) => line.startsWith(`  "${name}"`))!
    expect(of('id')).toMatch(/ NOT NULL GENERATED increment,$/)
    expect(of('full')).toMatch(/varchar\(80\) COLLATE C NOT NULL AS \(a \|\| 'b'\) STORED,$/)
    expect(of('mood')).toMatch(/ \('sad', 'it''s fine'\) NULL COMMENT 'how "it" feels',$/)
    expect(of('seen')).toMatch(/ NOT NULL DEFAULT now\(\) ON UPDATE now\(\),$/)
    expect(of('size')).toMatch(/decimal\(10,2\) UNSIGNED NOT NULL DEFAULT 0,$/)
  })

  it('says everything about constraints that could be changed, and nothing of what is so without saying', () => {
    const text = schemaText(table(), dataSource.driver)
    expect(text).toContain('  UNIQUE "u" ("mood", "size"),\n  CHECK "c" size > 0,\n  EXCLUDE "x" USING gist (size WITH =),\n')
    expect(text).toContain('  INDEX "i" ("seen") WHERE size > 1,\n  UNIQUE INDEX "h" ("full", "seen"),\n')
    expect(text).toContain('  FOREIGN KEY "f" ("ownerId") REFERENCES "owner" ("id") ON DELETE CASCADE\n')
    expect(text).toMatch(/\) COMMENT 'it''s a thing'$/)
  })

  it('does not depend on the order in which parts are told', () => {
    const turned = table(columns().reverse())
    for (const parts of [turned.indices, turned.uniques, turned.foreignKeys]) {
      parts.reverse()
      for (const part of parts) part.columnNames.reverse()
    }
    expect(schemaText(turned, dataSource.driver)).toBe(schemaText(table(), dataSource.driver))
  })

  it('is another one when anything about the table is', () => {
    const changes: readonly ((one: Table) => unknown)[] = [
      (one) => (one.name = 'other'),
      (one) => (one.columns[0]!.scale = 3),
      (one) => (one.columns[2]!.enum = ['sad']),
      (one) => (one.columns[4]!.default = undefined),
      (one) => (one.columns[5]!.isNullable = true),
      (one) => one.columns.pop(),
      (one) => (one.indices[0]!.isUnique = true),
      (one) => (one.foreignKeys[0]!.onDelete = 'SET NULL'),
      (one) => (one.foreignKeys[0]!.deferrable = 'INITIALLY DEFERRED'),
      (one) => (one.uniques[0]!.name = 'v'),
      (one) => (one.checks[0]!.expression = 'size > 1'),
      (one) => (one.comment = ''),
    ]
    const texts = changes.map((change) => {
      const changed = table()
      change(changed)
      return schemaText(changed, dataSource.driver)
    })
    expect(new Set([...texts, schemaText(table(), dataSource.driver)]).size).toBe(changes.length + 1)
  })
})
