/** The events every program has, with Datasette's names and properties. */
import { withContext } from 'flushpoint'
import {
  AlterTableEvent,
  catalogue,
  CreateTableEvent,
  CreateTokenEvent,
  DeleteRowEvent,
  DropTableEvent,
  eventsSettled,
  InsertRowsEvent,
  LoginEvent,
  LogoutEvent,
  onEvent,
  RenameTableEvent,
  track,
  UpdateRowEvent,
  UpsertRowsEvent,
  type DomainEvent,
} from 'flushpoint/events'
import { thrownBy, useEvents } from '../support/events.js'

const place = { database: 'news', table: 'article' }
const token = {
  expires_after: null,
  restrict_all: ['view-instance'],
  restrict_database: { news: ['view-database'] },
  restrict_resource: {},
}

const SAMPLES: [name: string, event: DomainEvent, properties: object][] = [
  ['login', new LoginEvent(), {}],
  ['logout', new LogoutEvent(), {}],
  ['create-token', new CreateTokenEvent(token), token],
  ['create-table', new CreateTableEvent({ ...place, schema: 'CREATE TABLE' }), { ...place, schema: 'CREATE TABLE' }],
  ['drop-table', new DropTableEvent(place), place],
  [
    'alter-table',
    new AlterTableEvent({ ...place, before_schema: 'A', after_schema: 'B' }),
    { ...place, before_schema: 'A', after_schema: 'B' },
  ],
  [
    'rename-table',
    new RenameTableEvent({ database: 'news', old_table: 'a', new_table: 'b' }),
    { database: 'news', old_table: 'a', new_table: 'b' },
  ],
  [
    'insert-rows',
    new InsertRowsEvent({ ...place, num_rows: 2, ignore: false, replace: true }),
    { ...place, num_rows: 2, ignore: false, replace: true },
  ],
  ['upsert-rows', new UpsertRowsEvent({ ...place, num_rows: 1 }), { ...place, num_rows: 1 }],
  ['update-row', new UpdateRowEvent({ ...place, pks: ['7'] }), { ...place, pks: ['7'] }],
  ['delete-row', new DeleteRowEvent({ ...place, pks: ['7', 'b'] }), { ...place, pks: ['7', 'b'] }],
]

describe('built-in events', () => {
  const events = useEvents()

  it.each(SAMPLES)('%s tells exactly the properties it has in Datasette, and may be tracked', async (name, event, properties) => {
    const seen: DomainEvent[] = []
    events.keep(onEvent(name)((one) => void seen.push(one)))
    track(event)
    await eventsSettled()
    expect(seen).toEqual([event])
    expect([event.name, event.properties()]).toEqual([name, properties])
  })

  it('are all in the catalogue, with their fields', () => {
    const listed = [...catalogue].filter(({ isBuiltIn }) => isBuiltIn).map(({ name, fields }) => [name, [...fields]])
    expect(listed).toEqual(SAMPLES.map(([name, , properties]) => [name, Object.keys(properties)]))
  })

  // B07
  it('tell who logged in, once for each time', async () => {
    events.keep(onEvent(LoginEvent)(({ actor }) => void events.heard.push((actor as { id: string }).id)))
    track(new LoginEvent({ actor: { id: 'root' } }))
    await eventsSettled()
    expect(events.heard).toEqual(['root'])
  })

  // B08
  it('tell who logged out, by the context, and that nobody was known', async () => {
    events.keep(onEvent(LogoutEvent)(({ actor }) => void events.heard.push(JSON.stringify(actor))))
    withContext({ actor: { id: 'root' } }, () => track(new LogoutEvent()))
    track(new LogoutEvent())
    await eventsSettled()
    expect(events.heard).toEqual(['{"id":"root"}', 'null'])
  })

  // B09
  it.each([
    ['10 minutes', 600],
    ['10 hours', 36_000],
    ['3 days', 259_200],
    ['ever', null],
  ])('tell that a token is good for %s, and what it is restricted to', (_, expires_after) => {
    const event = new CreateTokenEvent({ ...token, expires_after })
    expect(event.properties()).toEqual({
      expires_after,
      restrict_all: ['view-instance'],
      restrict_database: { news: ['view-database'] },
      restrict_resource: {},
    })
  })

  // B05
  it('refuse a missing property, an unknown one, and a time of their own', () => {
    const error = thrownBy(() => new InsertRowsEvent({ ...place, num_row: 2, ignore: false, created: new Date() } as never))
    expect(error).toMatchObject({ code: 'EVENT_PAYLOAD_INVALID' })
    expect(error.message).toContain('num_rows: is missing; replace: is missing; num_row: is no property of it (did you mean "num_rows"?)')
    expect(error.message).toContain('created: is no property of it')
  })

  it('can only be read', () => {
    const event = new UpdateRowEvent({ ...place, pks: ['7'] })
    expect(() => Object.assign(event, { table: 'other' })).toThrow(TypeError)
  })

  it('tell old and new values only where they were given', () => {
    const changes = [{ key: { id: 7 }, before: { title: 'a' }, after: { title: 'b' } }]
    expect(new UpdateRowEvent({ ...place, pks: ['7'], changes }).properties()).toEqual({ ...place, pks: ['7'], changes })
  })
})
