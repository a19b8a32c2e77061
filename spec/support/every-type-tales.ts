/**
 * The stories of rows of every shape.
 *
 * @module
 */
import type { OpenSession } from 'flushpoint'
import type { ObjectLiteral } from 'typeorm'
import * as shapes from './every-type-shapes.js'
import { Address, Coin, Geo } from './every-type-shapes.js'
import type { Edit, Story, Values } from './every-type-story.js'
import { make } from './models.js'

const SIX = [0, 1, 2, 3, 4, 5]
const add: Edit<object> = ({ entity, session }) => session.add(entity)
const removeMost: Edit<object> = ({ entity, index, session }) => index > 0 && session.delete(entity)

/** A table as it is, by properties where it has any; in the order of the texts of its rows. */
async function table(session: OpenSession, type: new () => object): Promise<Values[]> {
  const { connection } = session.manager
  const { tablePath, columns } = connection.getMetadata(type)
  const path = tablePath.split('.').map((part) => connection.driver.escape(part))
  const properties = new Map(columns.map(({ databaseName, propertyPath }) => [databaseName, propertyPath]))
  const raw = (await session.manager.query(`SELECT * FROM ${path.join('.')}`)) as Values[]
  const rows = raw.map((one) =>
    withoutKey(Object.fromEntries(Object.entries(one).map(([name, value]) => [properties.get(name) ?? name, value]))),
  )
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** Keys that are made differ between two tellings. */
function withoutKey(values: ObjectLiteral): Values {
  const { id, ...rest } = values
  return typeof id === 'string' && !/-/.test(id) ? { id, ...rest } : { ...rest, hasKey: id !== undefined }
}

export const transforming: Story<shapes.Transforming> = {
  entities: () =>
    SIX.map((index) =>
      make(shapes.Transforming, {
        id: `key ${index}`,
        price: index === 1 ? null : new Coin(index, 'EUR'),
        chained: ['', 'abc', null, 'ü😀', "it's", 'x'][index]!,
        ...(index % 2 === 0 && { owner: index === 2 ? null : `owner ${index}`, keeper: index === 4 ? null : 'keeper' }),
        sized: index === 3 ? null : Array.from({ length: index }),
        day: '2024-02-29',
        tags: index === 5 ? null : new Set(['a', `${index}`]),
        ...(index % 3 === 0 && { filled: `own ${index}` }),
      }),
    ),
  edits: [
    add,
    ({ entity, index }) => {
      if (index % 2) Object.assign(entity, { price: new Coin(index * 10, 'CHF'), chained: null })
      if (index % 3) Object.assign(entity, { owner: null, tags: new Set([`new ${index}`]) })
      else Object.assign(entity, { keeper: index ? null : 'x', day: null })
    },
    removeMost,
  ],
  stored: async (session) => [
    ...(await table(session, shapes.Transforming)),
    ...(await session.manager.find(shapes.Transforming, { order: { id: 'ASC' } })),
  ],
}

const address = (index: number) =>
  make(Address, {
    ...(index % 2 === 0 && { street: `street ${index}` }),
    ...(index % 3 === 0 && { country: `country ${index}` }),
    rent: new Coin(index, 'EUR'),
    geo: make(Geo, { lat: index, lng: null }),
    spot: make(Geo, index % 2 ? { lat: 0.5 } : {}),
  })

export const embedded: Story<shapes.Resident> = {
  entities: () =>
    SIX.map((index) =>
      make(shapes.Resident, { name: `name ${index}`, home: address(index), ...(index % 2 && { work: address(index + 1) }) }),
    ),
  edits: [
    add,
    ({ entity, index }) => {
      if (index % 2) entity.home.geo.lat = index * 1.5
      if (index % 3) entity.home.rent = index === 1 ? null : new Coin(7, 'CHF')
      else entity.home.spot = make(Geo, { lng: index })
      if (entity.work && index % 3) entity.work.geo = make(Geo, { lat: null, lng: 3 })
    },
    ({ entity, index }) => void (entity.work = Object.assign(address(index + 2), { country: 'anywhere' })),
    removeMost,
  ],
  stored: async (session) => [
    ...(await table(session, shapes.Resident)),
    ...(await session.manager.find(shapes.Resident, { order: { name: 'ASC' } })).map(withoutKey),
  ],
  held: withoutKey,
}

export const inherited: Story<shapes.Craft> = {
  entities: () =>
    SIX.flatMap((index) => [
      make(shapes.Craft, { name: `craft ${index}` }),
      make(shapes.Wheeled, { name: `wheeled ${index}`, doors: index }),
      make(shapes.Racer, { name: `racer ${index}`, ...(index % 2 && { doors: 2 }), ...(index % 3 && { speed: index * 100 }) }),
      make(shapes.Floating, { name: `float ${index}`, sails: index, port: null }),
    ]),
  edits: [
    add,
    ({ entity, index, entities }) => {
      if (index % 2) entity.name += '!'
      if (index % 3) entity.tows = entities[(index + 5) % entities.length]!
      if (entity instanceof shapes.Racer) entity.speed = index
      if (entity instanceof shapes.Floating && index % 4) entity.port = `port ${index}`
    },
    ({ entity }) => void (entity.tows = null),
    ({ entity, index, session }) => index % 3 && session.delete(entity),
  ],
  stored: async (session) => {
    const rows = await session.manager.find(shapes.Craft, { relations: { tows: true }, order: { name: 'ASC' } })
    const raw = await table(session, shapes.Craft)
    return [...raw.map(({ 'tows.id': towsId, tows, ...rest }) => ({ ...rest, isTowing: (towsId ?? tows) !== null })), ...rows.map(craft)]
  },
  held: craft,
}

function craft(entity: shapes.Craft): Values {
  return { ...withoutKey(entity), class: entity.constructor.name, tows: entity.tows?.name }
}

export const numbered: Story<shapes.Pet> = {
  entities: () =>
    SIX.flatMap((index) => [
      make(shapes.Kitten, { id: `kitten ${index}`, lives: index, ...(index % 2 && { name: `kitten ${index}` }) }),
      make(shapes.Puppy, { id: `puppy ${index}`, trick: `${index}` }),
    ]),
  edits: [add, ({ entity, index }) => index % 3 && (entity.name = `${index}`), removeMost],
  stored: (session) => table(session, shapes.Pet),
}

export const formed: Story<shapes.Figure> = {
  entities: () =>
    SIX.flatMap((index) => [
      make(shapes.Circle, { name: `c${index}`, radius: index }),
      make(shapes.Square, { name: `s${index}`, side: index }),
    ]),
  edits: [add, ({ entity, index }) => index % 3 && (entity.name += '!'), removeMost],
  stored: (session) => table(session, shapes.Figure),
  held: withoutKey,
}

export const rooms: Story<shapes.Room> = {
  entities: () =>
    SIX.map((index) =>
      make(shapes.Room, {
        house: ["it's", 'a b', ''][index % 3]!,
        number: index >> 1,
        doors: [],
        ...(index % 2 && { colour: `c${index}` }),
      }),
    ),
  edits: [
    add,
    ({ entity, index, entities }) => {
      if (index % 2) entity.colour += '!'
      if (index % 3) entity.above = entities[(index + 1) % 6]!
      entity.doors = [entities[(index + 2) % 6]!, entity]
    },
    ({ entity }) => Object.assign(entity, { above: null, doors: [entity] }),
    ({ entity }) => void (entity.doors = []),
    removeMost,
  ],
  stored: async (session) => {
    const rows = await session.manager.find(shapes.Room, {
      relations: { above: true, doors: true },
      order: { number: 'ASC', house: 'ASC' },
    })
    return rows.map(room)
  },
  held: room,
}

function room({ above, doors, ...rest }: shapes.Room): Values {
  const name = (one: shapes.Room) => `${one.house} ${one.number}`
  return { ...rest, above: above && name(above), doors: doors?.map(name).sort() }
}

/** Rows whose keys are those of rows that are new as well. */
export const chained: Story<object> = {
  entities: () => {
    const rooms = SIX.map((index) => make(shapes.Room, { house: `h${index % 2}`, number: index }))
    const residents = SIX.map((index) => make(shapes.Resident, { name: `n${index}`, home: address(index) }))
    const bookings = rooms.map((room, index) => make(shapes.Booking, { room, day: '2024-02-29', ...(index % 2 && { state: 'closed' }) }))
    const notes = residents.map((resident, index) => make(shapes.Note, { resident, ...(index % 2 && { text: `t${index}` }) }))
    return [...rooms, ...residents, ...bookings, ...notes]
  },
  edits: [
    add,
    ({ entity, index }) => {
      if (entity instanceof shapes.Booking && index % 2) entity.state = `s${index}`
      if (entity instanceof shapes.Note && index % 3) entity.text += '!'
    },
    ({ entity, session }) => (entity instanceof shapes.Booking || entity instanceof shapes.Note) && session.delete(entity),
  ],
  stored: async (session) => {
    const notes = await session.manager.find(shapes.Note, { relations: { resident: true } })
    const named = notes.map(({ text, resident }) => ({ text, resident: resident.name })).sort((a, b) => (a.resident < b.resident ? -1 : 1))
    return [...(await table(session, shapes.Booking)), ...named]
  },
  held: (entity) =>
    entity instanceof shapes.Booking
      ? { house: entity.roomHouse, number: entity.roomNumber, day: entity.day, state: entity.state }
      : entity instanceof shapes.Note
        ? { text: entity.text, resident: entity.resident.name }
        : {},
}

/** More columns than a mask has bits: with the same ones in all rows they still share a statement. */
export const wide = (isAlike: boolean): Story<shapes.Wide> => ({
  entities: () =>
    SIX.map((id) => Object.assign(new shapes.Wide(), { id, ...Object.fromEntries(shapes.WIDTH.map((name, at) => [name, id * at])) })),
  edits: [
    add,
    ({ entity, index }) => {
      const changed = isAlike ? shapes.WIDTH : shapes.WIDTH.filter((_name, at) => at % 6 !== index)
      for (const name of changed) entity[name] = -1 - index
    },
    removeMost,
  ],
  stored: (session) => table(session, shapes.Wide),
})
