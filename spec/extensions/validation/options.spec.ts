/**
 * What Validation is told, and refuses to be told.
 *
 * @module
 */
import { install } from 'flushpoint'
import { Validation, ValidationError, type ValidationOptions } from 'flushpoint/extensions'
import { EntitySchema } from 'typeorm'
import { z } from 'zod'
import { errorOf, useDatabase } from '../../support/chains.js'
import { closeDataSources, describeDatabase, openDataSource } from '../../support/databases.js'
import { Member, MEMBERS } from '../../support/members.js'

const schema = z.object({ name: z.string().min(2) })

describeDatabase('options of Validation', () => {
  const db = useDatabase(MEMBERS)

  it.each<[string, ValidationOptions, string]>([
    ['a class that is not mapped', { schemas: [[class Stranger {}, schema]] }, 'the class Stranger'],
    ['a name that is not mapped', { schemas: [['Membr', schema]] }, 'did you mean "Member"?'],
    ['what is no schema', { schemas: [[Member, { parse: () => true } as never]] }, 'a plain object'],
    ['a schema without an entity', { schemas: [schema as never] }, 'a list of [Entity, schema]'],
    ['nothing to validate', {}, 'a list of [Entity, schema], where classValidator is not asked for'],
    ['an empty list', { schemas: [] }, 'schemas'],
    ['options of class-validator that take properties away', { classValidator: { whitelist: true } as never }, 'classValidator.whitelist'],
    ['options of class-validator that are none', { classValidator: 'yes' as never }, 'classValidator'],
    ['writeBack that is neither true nor false', { schemas: [[Member, schema]], writeBack: 1 as never }, 'writeBack'],
  ])('refuse %s', async (_what, options, said) => {
    const error = await errorOf(() => install(db.ds, { extensions: [Validation.with(options)] }))
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'OPTION_INVALID' })
    expect(error.message).toContain(said)
  })

  it('refuse names nobody knows, and the class without options', async () => {
    expect(() => Validation.with({ schema: [] } as never)).toThrow('did you mean "schemas"?')
    expect(await errorOf(() => install(db.ds, { extensions: [Validation] }))).toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describeDatabase('Validation of an EntitySchema', () => {
  afterEach(closeDataSources)

  it('goes by the schema, or its name', async () => {
    const Note = new EntitySchema<{ id: number; name: string }>({
      name: 'Note',
      columns: { id: { type: 'int', primary: true, generated: 'increment' }, name: { type: 'varchar' } },
    })
    for (const entity of [Note, 'Note']) {
      const ds = await openDataSource({ entities: [Note] })
      install(ds, { extensions: [Validation.with({ schemas: [[entity, schema]], classValidator: true })] })
      const error = await errorOf(ds.getRepository(Note).save({ name: '' }))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error).toMatchObject({ failures: [{ name: 'Note', key: {}, path: 'name' }] })
      await ds.getRepository(Note).save({ name: 'fine' })
      expect(await ds.getRepository(Note).count()).toBe(1)
    }
  })
})
