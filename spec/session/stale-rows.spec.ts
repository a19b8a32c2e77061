/**
 * Rows that somebody else has changed or removed since they were loaded.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Account, Desk, Entry, Memo } from '../support/ties.js'

const db = useSessions()
const elsewhere = () => db.ds.manager

describeDatabase('rows changed elsewhere', () => {
  it('refuses to update a row that is gone and names it', async () => {
    const [saved] = await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.getOrFail(Memo, saved!.id)
    await elsewhere().delete(Memo, memo.id)
    memo.text = 'b'

    const error = await errorOf(session.flush())
    expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringMatching(new RegExp(`Memo.*${memo.id}`)) })
    expect(error.fix).toMatch(/refresh/)
  }) // statement 25, M7

  it('refuses to delete a row that is gone and names it', async () => {
    const [saved] = await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.getOrFail(Memo, saved!.id)
    await elsewhere().delete(Memo, memo.id)
    session.delete(memo)

    expect(await errorOf(session.flush())).toMatchObject({
      code: 'ROWS_STALE',
      message: expect.stringMatching(new RegExp(`Memo.*${memo.id}`)),
    })
    session.expunge(memo)
    await session.flush()
  }) // statement 25

  it.each(['softRemove', 'recover'] as const)('refuses to %s a row that is gone', async (method) => {
    const [saved] = await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.getOrFail(Memo, saved!.id)
    if (method === 'recover') {
      session.softRemove(memo)
      await session.flush()
    }
    await elsewhere().delete(Memo, memo.id)
    session[method](memo)

    expect(await errorOf(session.flush())).toMatchObject({ code: 'ROWS_STALE' })
  }) // statement 25

  it('accepts a value that somebody else has written already', async () => {
    const [saved] = await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.getOrFail(Memo, saved!.id)
    await elsewhere().update(Memo, memo.id, { text: 'b' })
    memo.text = 'b'
    await session.flush()

    expect(await db.column(Memo, 'text')).toEqual(['b'])
  }) // statement 25: MariaDB counts only rows that become others

  it('refuses a stale version and leaves the row of the other alone', async () => {
    const [saved] = await db.save(Account, { name: 'a', balance: 1 })
    const session = db.open()
    const account = await session.getOrFail(Account, saved!.id)
    await elsewhere().save(Account, { id: account.id, balance: 555 })
    account.balance = 100

    expect(await errorOf(session.flush())).toMatchObject({
      code: 'ROWS_STALE',
      message: expect.stringMatching(new RegExp(`Account.*${account.id}`)),
    })
    expect(await db.column(Account, 'balance')).toEqual([555])
  }) // statement 26, M6

  it('refuses to delete a row with a stale version', async () => {
    const [saved] = await db.save(Account, { name: 'a' })
    const session = db.open()
    const account = await session.getOrFail(Account, saved!.id)
    await elsewhere().save(Account, { id: account.id, balance: 555 })
    session.delete(account)

    expect(await errorOf(session.flush())).toMatchObject({ code: 'ROWS_STALE' })
    expect(await db.column(Account, 'balance')).toEqual([555])
  }) // statement 26

  it('checks the version in the very statement that writes', async () => {
    const [first, second] = await db.save(Account, { name: 'a' }, { name: 'b' })
    const session = db.open()
    const accounts = await session.find(Account).order({ id: 'ASC' }).all()
    accounts[0]!.balance = 1
    session.delete(accounts[1]!)
    const sql = await db.sqlOf(() => session.flush())

    const writing = sql.filter((text) => /^(UPDATE|DELETE)/.test(text))
    expect(writing).toHaveLength(2)
    for (const text of writing) expect(text.slice(text.indexOf('WHERE'))).toMatch(/version/)
    expect(sql.filter((text) => /^SELECT/.test(text) && /version/.test(text) && /FOR/.test(text))).toEqual([])
    expect([first!.id, second!.id]).toEqual(accounts.map(({ id }) => id))
  }) // statement 26, M6

  it('names every stale row, across tables, deleted and changed ones', async () => {
    const accounts = await db.save(Account, { name: 'a' }, { name: 'b' }, { name: 'c' })
    await db.save(Entry, { book: 'log', page: 1, text: 'x' }, { book: 'log', page: 2, text: 'y' })
    const memos = await db.save(Memo, { text: 'm' }, { text: 'n' })
    const session = db.open()
    const [own, entries, notes] = [await session.find(Account).all(), await session.find(Entry).all(), await session.find(Memo).all()]
    await elsewhere().save(Account, { id: accounts[1]!.id, balance: 9 })
    await elsewhere().save(Account, { id: accounts[2]!.id, balance: 9 })
    await elsewhere().save(Entry, { book: 'log', page: 2, text: 'theirs' })
    await elsewhere().delete(Memo, memos[0]!.id)
    for (const account of own) account.balance = 1
    for (const entry of entries) entry.text += '!'
    session.delete(...notes)

    const error = await errorOf(session.flush())
    expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringContaining('4 rows') })
    const named = [accounts[1]!.id, accounts[2]!.id].map((id) => new RegExp(`Account \\{"id":${id}\\}`))
    for (const pattern of [...named, /Entry \{"book":"log","page":2\}/, new RegExp(`Memo \\{"id":${memos[0]!.id}\\}`)])
      expect(error.message).toMatch(pattern)
    expect(error.message).not.toMatch(new RegExp(`Account \\{"id":${accounts[0]!.id}\\}|"page":1`))
    expect([await db.column(Account, 'balance'), await db.column(Entry, 'text')]).toEqual([
      [0, 9, 9],
      ['x', 'theirs'],
    ])
  }) // statement 26

  it('names a row once that would be written twice', async () => {
    await db.save(Desk, { name: 'one', code: 'A' }, { name: 'two', code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Desk).order({ id: 'ASC' }).all()
    await elsewhere().delete(Desk, two!.id)
    ;[one!.code, two!.code] = ['B', 'A']
    const error = await errorOf(session.flush())

    expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringContaining('a row') })
    expect(error.message.match(/Desk \{/g)).toHaveLength(1)
    session.expunge(two!)
    await session.flush()
    expect(await db.column(Desk, 'code')).toEqual(['B'])
  })

  it('writes everything once the stale rows are refreshed', async () => {
    const [first] = await db.save(Account, { name: 'a' }, { name: 'b' })
    const session = db.open()
    const accounts = await session.find(Account).order({ id: 'ASC' }).all()
    await elsewhere().save(Account, { id: first!.id, name: 'theirs' })
    for (const account of accounts) account.balance = 7
    expect(await errorOf(session.flush())).toMatchObject({ code: 'ROWS_STALE' })

    expect(accounts.map((account) => session.state(account).status)).toEqual(['dirty', 'dirty'])
    await session.refresh(accounts[0]!)
    accounts[0]!.balance = 7
    await session.flush()
    expect(await db.rows(Account)).toMatchObject([
      { name: 'theirs', balance: 7, version: 3 },
      { name: 'b', balance: 7, version: 2 },
    ])
    expect(accounts.map(({ version }) => version)).toEqual([3, 2])
  }) // statements 26 and 39

  it('counts versions on the objects as in the rows', async () => {
    const session = db.open()
    const account = make(Account, { name: 'a' })
    session.add(account)
    await session.flush()
    expect(account.version).toBe(1)
    account.balance = 1
    await session.flush()
    account.data = { tags: ['x'] }
    await session.flush()

    expect(account.version).toBe(3)
    expect(await db.column(Account, 'version')).toEqual([3])
  })

  it('does not count a version for a failed flush', async () => {
    await db.save(Account, { name: 'a' })
    const session = db.open({ afterFlush: () => Promise.reject(new Error('no')) })
    const account = await session.find(Account).one()
    account.balance = 1
    await errorOf(session.flush())

    expect(account.version).toBe(1)
    expect(await db.column(Account, 'version')).toEqual([1])
  })
})
