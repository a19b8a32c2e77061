/**
 * Lazy relations of a session's entities: the session's own objects, read once, written by difference.
 *
 * @module
 */
import { In } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { hooks, work } from '../support/hooks.js'
import { make } from '../support/models.js'
import { Coach, Cup, Player, Team } from '../support/session-models.js'
import { CLEAN, expectClean, openWithSession, standing } from '../support/opened-session.js'

function lazily<E extends object>(type: new () => E, values: { [P in keyof E]?: E[P] | Awaited<E[P]> }): E {
  return Object.assign(new type(), values) as E
}

/** Two teams with two players each, one coach, and two cups that both have won. */
async function teams() {
  const opened = await openWithSession()
  const { manager } = opened.dataSource
  const cups = await manager.save(['gold', 'silver'].map((name) => make(Cup, { name })))
  const ids: number[] = []
  for (const name of ['reds', 'blues']) {
    const team = await manager.save(lazily(Team, { name, cups: Promise.resolve([...cups]) }))
    await manager.save([1, 2].map((number) => lazily(Player, { name: `${name} ${number}`, team: Promise.resolve(team) })))
    ids.push(team.id)
  }
  await manager.save(lazily(Coach, { name: 'Jo', team: Promise.resolve(make(Team, { id: ids[0]! })) }))
  opened.sent.clear()
  return { ...opened, ids: ids as [number, number], manager }
}

const names = (entities: readonly { name: string }[]) => entities.map(({ name }) => name).sort()

describeDatabase('a lazy relation', () => {
  it('gives the objects of the session, and those it brings are of the session', async () => {
    const { session, ids, sent } = await teams() // statement 1
    const [reds, blues] = await session.find(Team, { id: In(ids) }).order({ id: 'ASC' })
    const players = await reds!.players
    expect(names(players)).toEqual(['reds 1', 'reds 2'])
    for (const player of players) {
      expect(await session.get(Player, player.id)).toBe(player)
      expect(await player.team).toBe(reds)
    }
    const cups = await reds!.cups
    for (const cup of await blues!.cups) expect(cups).toContain(cup)
    for (const cup of cups) expect(new Set(await cup.teams)).toEqual(new Set([reds, blues]))
    const coach = await reds!.coach
    expect(await coach!.team).toBe(reds)
    expect(await blues!.coach).toBeNull()
    await expectClean(session, sent)
  })

  it('gives an object that was loaded before', async () => {
    const { session, ids, sent } = await teams()
    const player = await session.find(Player, { name: 'reds 1', team: { id: ids[0] } }).one()
    const team = await session.getOrFail(Team, ids[0])
    expect(await player.team).toBe(team)
    expect(await team.players).toContain(player)
    await expectClean(session, sent)
  })

  it('is read once', async () => {
    const { session, ids, sent } = await teams() // ming row 131
    const team = await session.getOrFail(Team, ids[0])
    sent.clear()
    const [one, other] = await Promise.all([team.players, team.players])
    expect(one).toBe(other)
    expect(await team.players).toBe(one)
    expect(sent.statements).toHaveLength(1)
  })

  it('is not read by a flush, not by state and not by a walk over the unit of work', async () => {
    const { session, ids, sent } = await teams()
    const team = await session.getOrFail(Team, ids[0])
    team.name = 'renamed'
    sent.clear()
    expect(standing(session, team).changed).toEqual(['name'])
    expect(work(session.uow)).toEqual({ dirty: ['Team renamed'] })
    expect(sent.sql()).toEqual([])
    await session.flush()
    expect(sent.sql().filter((sql) => sql.startsWith('SELECT') && /player|cup|coach/i.test(sql))).toEqual([])
  })

  it('is not read again where the query has joined it', async () => {
    const { session, ids, sent } = await teams()
    const team = await session.find(Team, { id: ids[0] }).with('players', 'cups', 'coach').one()
    sent.clear()
    expect([names(await team.players), names(await team.cups), (await team.coach)!.name]).toEqual([
      ['reds 1', 'reds 2'],
      ['gold', 'silver'],
      'Jo',
    ])
    expect(sent.sql()).toEqual([])
    await expectClean(session, sent)
  })

  it('joins to what was read before, without a change', async () => {
    const { session, ids, sent } = await teams()
    const team = await session.getOrFail(Team, ids[0])
    const players = await team.players
    await session.find(Team, { id: ids[0] }).with('players', 'cups').one()
    expect(await team.players).toBe(players)
    expect(names(await team.cups)).toEqual(['gold', 'silver'])
    await expectClean(session, sent)
  })

  it('lets what it brings hear of its load', async () => {
    const { session, ids } = await teams()
    const heard: string[] = []
    const team = await session.getOrFail(Team, ids[0])
    session.registerExtension(hooks({ afterLoad: (entity) => void heard.push((entity as Player).name) }))
    await team.players
    expect(heard.sort()).toEqual(['reds 1', 'reds 2'])
  })

  it('shows the pending changes of what it gives', async () => {
    const { session, ids } = await teams() // statement 3
    const player = await session.find(Player, { name: 'reds 1', team: { id: ids[0] } }).one()
    player.name = 'pending'
    const team = await session.getOrFail(Team, ids[0])
    expect(names(await team.players)).toEqual(['pending', 'reds 2'])
    expect(await session.flush()).toMatchObject({ updated: 1 })
  })
})

describeDatabase('a change of a lazy relation', () => {
  it('of the to-one kind is written', async () => {
    const { session, ids, manager, sent } = await teams()
    const player = await session.find(Player, { name: 'reds 1', team: { id: ids[0] } }).one()
    const blues = await session.getOrFail(Team, ids[1])
    player.team = Promise.resolve(blues)
    await player.team
    expect(standing(session, player).status).toBe('dirty')
    expect(await session.flush()).toMatchObject({ updated: 1 })
    await expectClean(session, sent)
    expect(await manager.countBy(Player, { team: { id: ids[1] } })).toBe(3)
  })

  it('of the to-one kind to nothing is written', async () => {
    const { session, ids, manager, sent } = await teams()
    const player = await session.find(Player, { name: 'reds 1', team: { id: ids[0] } }).one()
    await player.team
    player.team = Promise.resolve(null)
    await player.team
    expect(await session.flush()).toMatchObject({ updated: 1 })
    await expectClean(session, sent)
    expect(await manager.countBy(Player, { team: { id: ids[0] } })).toBe(1)
  })

  it('in place of its members is written', async () => {
    const { session, ids, manager, sent } = await teams()
    const team = await session.getOrFail(Team, ids[0])
    const [cups, players] = [await team.cups, await team.players]
    cups.pop()
    players.push(make(Player, { name: 'new' }))
    expect(work(session.uow).dirty).toEqual(['Team reds'])
    expect(await session.flush()).toMatchObject({ inserted: 1 })
    await expectClean(session, sent)
    const fresh = await manager.findOneByOrFail(Team, { id: ids[0] })
    expect([(await fresh.cups).length, names(await fresh.players)]).toEqual([1, ['new', 'reds 1', 'reds 2']])
  })

  it('by other members altogether is written, read before or not', async () => {
    const { session, ids, manager, sent } = await teams()
    const [reds, blues] = await session.find(Team, { id: In(ids) }).order({ id: 'ASC' })
    await reds!.cups
    for (const team of [reds!, blues!]) {
      team.cups = Promise.resolve([make(Cup, { name: `of ${team.name}` })])
      await team.cups
    }
    expect(await session.flush()).toMatchObject({ inserted: 2 })
    await expectClean(session, sent)
    for (const id of ids) {
      const fresh = await manager.findOneByOrFail(Team, { id })
      expect(names(await fresh.cups)).toEqual([`of ${fresh.name}`])
    }
  })

  it('is not overwritten by a read that was under way', async () => {
    const { session, ids, manager, sent } = await teams()
    const player = await session.find(Player, { name: 'reds 1', team: { id: ids[0] } }).one()
    const blues = await session.getOrFail(Team, ids[1])
    const reading = player.team
    player.team = Promise.resolve(blues)
    await Promise.all([reading, player.team])
    expect(await player.team).toBe(blues)
    await session.flush()
    await expectClean(session, sent)
    expect(await manager.countBy(Player, { team: { id: ids[1] } })).toBe(3)
  })

  it('is inserted with a new entity', async () => {
    const { session, manager, sent, ids } = await teams()
    const reds = await session.getOrFail(Team, ids[0])
    const added = lazily(Player, { name: 'direct', team: reds })
    const founded = lazily(Team, { name: 'greens', players: [make(Player, { name: 'first' })], cups: [make(Cup, { name: 'own' })] })
    session.add(added, founded)
    await Promise.all([added.team, founded.players, founded.cups])
    expect(await session.flush()).toMatchObject({ inserted: 4 })
    await expectClean(session, sent)
    expect(await manager.countBy(Player, { team: { id: ids[0] } })).toBe(3)
    const fresh = await manager.findOneByOrFail(Team, { id: founded.id })
    expect([names(await fresh.players), names(await fresh.cups)]).toEqual([['first'], ['own']])
  })

  it('is dropped by refresh and by rollback', async () => {
    const { session, ids, sent } = await teams()
    const team = await session.getOrFail(Team, ids[0])
    ;(await team.cups).pop()
    await session.refresh(team)
    expect(names(await team.cups)).toEqual(['gold', 'silver'])
    await session.begin()
    ;(await team.cups).pop()
    await session.flush()
    await session.rollback()
    expect(names(await team.cups)).toEqual(['gold', 'silver'])
    expect(standing(session, team)).toEqual(CLEAN)
    await expectClean(session, sent)
  })
})

describeDatabase('a lazy relation of a detached entity', () => {
  it('is read by TypeORM as ever, with objects of nobody', async () => {
    const { session, ids } = await teams()
    const team = await session.getOrFail(Team, ids[0])
    session.clear()
    const players = await team.players
    expect(names(players)).toEqual(['reds 1', 'reds 2'])
    for (const player of players) expect(session.state(player).status).toBe('detached')
  })
})
