/**
 * dumpCache: records become files, in order, and are gone when they are done.
 *
 * @module
 */
import { sessionSubscriber, withContext } from 'flushpoint'
import { ChangeCache, dumpCache, type ChangeRecord, type RecordCache } from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nextRecordKey } from '../../../lib/extensions/change-cache/record-key.js'
import { entriesIn, filesIn, newFolder } from '../../support/change-records.js'
import { closeDataSources, openOnUsedTables } from '../../support/databases.js'
import { Article, Author, Comment, ENTITIES, make } from '../../support/models.js'
import { errorOf } from '../../support/sessions.js'
import { describeWays } from '../../support/ways-in.js'

const NOBODY = { username: 'guest', email: 'guest@incubaid.com', time: '2026-11-22T00:00:00.000Z', created: [], updated: [], deleted: [] }
const film = (id: number, title: string) => ({ model: 'Film', id: String(id), obj_as_str: title, data: { id, model: 'Film', title } })

/** A cache in memory that a ChangeCache of this process writes to, and what tests put there. */
async function openCache() {
  const cache = new Keyv()
  await openOnUsedTables({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })] })
  const put = async (record: Partial<ChangeRecord>) => {
    const key = nextRecordKey()
    await cache.set(key, { ...NOBODY, ...record })
    return key
  }
  return { cache, put }
}

afterEach(closeDataSources)

describeWays('a dump', (way) => {
  // D19
  it('makes a file of a new row, renames it with its title, and removes it with the row', async () => {
    const cache = new Keyv()
    const dataSource = await openOnUsedTables({
      entities: ENTITIES,
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })],
    })
    const dir = await newFolder()
    const author = await way.save(dataSource, make(Author, { name: 'Ada' }))
    expect(await dumpCache({ cache, dir })).toEqual({ records: 1, written: ['Author/1_Ada.json'], renamed: [], removed: [], commits: 0 })
    author.name = 'Ada Lovelace'
    await way.save(dataSource, author)
    expect(await dumpCache({ cache, dir })).toEqual({
      ...{ records: 1, written: ['Author/1_Ada Lovelace.json'], removed: [], commits: 0 },
      renamed: [{ from: 'Author/1_Ada.json', to: 'Author/1_Ada Lovelace.json' }],
    })
    // D22
    expect(await filesIn(dir)).toEqual({
      'Author/1_Ada Lovelace.json': '{\n    "id": 1,\n    "model": "Author",\n    "name": "Ada Lovelace"\n}\n',
    })
    await way.remove(dataSource, author)
    expect(await dumpCache({ cache, dir })).toMatchObject({ records: 1, written: [], removed: ['Author/1_Ada Lovelace.json'] })
    expect(await filesIn(dir)).toEqual({})
    expect(await entriesIn(cache)).toEqual([])
  })

  it('applies several records in one go, and tells what is left of them', async () => {
    const cache = new Keyv()
    const dataSource = await openOnUsedTables({
      entities: ENTITIES,
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })],
    })
    const dir = await newFolder()
    const [one, two] = await way.save(dataSource, [make(Author, { name: 'one' }), make(Author, { name: 'two' })])
    one!.name = 'uno'
    await way.save(dataSource, one!)
    await way.remove(dataSource, two!)
    expect(await dumpCache({ cache, dir })).toMatchObject({
      records: 3,
      written: ['Author/1_uno.json'],
      renamed: [{ from: 'Author/1_one.json', to: 'Author/1_uno.json' }],
      removed: ['Author/2_two.json'],
    })
    expect(Object.keys(await filesIn(dir))).toEqual(['Author/1_uno.json'])
  })

  // D21
  it('makes no file of a row that is no root, but shows it in that of its root', async () => {
    const cache = new Keyv()
    const dataSource = await openOnUsedTables({
      entities: ENTITIES,
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache, roots: [Article] })] })],
    })
    const dir = await newFolder()
    await way.save(dataSource, make(Article, { title: 'a', comments: [make(Comment, { text: 'c' })] }))
    await dumpCache({ cache, dir })
    const files = await filesIn(dir)
    expect(Object.keys(files)).toEqual(['Article/1_a.json'])
    expect(JSON.parse(files['Article/1_a.json']!)).toMatchObject({ comments: [{ model: 'Comment', text: 'c', article: { id: 1 } }] })
  })

  it('commits each record by its author', async () => {
    const cache = new Keyv()
    const dataSource = await openOnUsedTables({
      entities: ENTITIES,
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })],
    })
    const dir = await newFolder()
    const git = (...args: string[]) => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8' }).trim()
    git('init', '--quiet')
    const as = <T>(username: string, fn: () => Promise<T>) =>
      withContext({ actor: { username, email: `${username}@example.org` } } as never, fn)
    const author = await as('ada', () => way.save(dataSource, make(Author, { name: 'one' })))
    author.name = 'two'
    await as('bob', () => way.save(dataSource, author))
    await as('eve', () => way.remove(dataSource, author))
    expect(await dumpCache({ cache, dir, git: true })).toMatchObject({ records: 3, commits: 3 })
    expect(git('log', '--reverse', '--format=%an <%ae> %s').split('\n')).toEqual([
      'ada <ada@example.org> Update data',
      'bob <bob@example.org> Update data',
      'eve <eve@example.org> Update data',
    ])
    expect(git('status', '--porcelain')).toBe('')
    expect(git('show', '--format=', '--name-status', 'HEAD')).toBe('D\tAuthor/1_two.json')
  })
})

describe('a dump of records', () => {
  // D22
  it('cuts names at 100 characters, and lets none leave the folder', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    await put({ updated: [film(1, 'x'.repeat(300)), { ...film(2, '../../../etc/passwd'), id: '../2' }, film(3, 'a/b\0c\u202e:d')] })
    await dumpCache({ cache, dir })
    expect(Object.keys(await filesIn(dir))).toEqual(['Film/%2E.%2F2_etcpasswd.json', `Film/1_${'x'.repeat(100)}.json`, 'Film/3_abcd.json'])
  })

  // D20
  it('is refused where the cache is in the memory of a process that nothing is written in', async () => {
    const dir = await newFolder()
    expect(await errorOf(dumpCache({ cache: new Keyv(), dir }))).toMatchObject({ name: 'DataError', code: 'CHANGE_CACHE_NOT_SHARED' })
    const mute: RecordCache = { get: () => Promise.resolve(), set: () => Promise.resolve(), delete: () => Promise.resolve() }
    expect(await errorOf(dumpCache({ cache: mute, dir }))).toMatchObject({ code: 'CHANGE_CACHE_NOT_ENUMERABLE' })
  })

  it('leaves alone what else is in the cache', async () => {
    const { cache, put } = await openCache()
    await cache.set('somebody:else', { hello: 1 })
    await put({ updated: [film(1, 'a')] })
    expect(await dumpCache({ cache, dir: await newFolder() })).toMatchObject({ records: 1 })
    expect(await cache.get('somebody:else')).toEqual({ hello: 1 })
  })

  it('writes only the classes it is asked for, and takes the records all the same', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    const other = { ...film(7, 'b'), model: 'Author' }
    await put({ updated: [film(1, 'a'), other], deleted: [{ model: 'Comment', id: '1' }] })
    expect(await dumpCache({ cache, dir, roots: [Author] })).toMatchObject({ records: 1, written: ['Author/7_b.json'] })
    expect(await entriesIn(cache)).toEqual([])
  })

  it.each<[string, unknown]>([
    ['nothing of a record', 'text'],
    ['no list', { ...NOBODY, updated: undefined }],
    ['a row without data', { ...NOBODY, updated: [{ model: 'Film', id: '1', obj_as_str: 'a' }] }],
    ['a key that is no text', { ...NOBODY, deleted: [{ model: 'Film', id: 1 }] }],
    ['no author', { ...NOBODY, username: undefined }],
  ])('stops at a record with %s, and keeps it and all after it', async (_what, bad) => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    await put({ updated: [film(1, 'first')] })
    const key = nextRecordKey()
    await cache.set(key, bad)
    const last = await put({ updated: [film(3, 'last')] })
    const error = await errorOf(dumpCache({ cache, dir }))
    expect(error).toMatchObject({ code: 'CHANGE_RECORD_INVALID', message: expect.stringContaining(key) })
    expect((await entriesIn(cache)).map(([at]) => at)).toEqual([key, last])
    expect(Object.keys(await filesIn(dir))).toEqual(['Film/1_first.json'])
    await cache.delete(key)
    await dumpCache({ cache, dir })
    expect(Object.keys(await filesIn(dir))).toEqual(['Film/1_first.json', 'Film/3_last.json'])
  })

  it('stops where a folder cannot be written, and goes on there when it can', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    await writeFile(join(dir, 'Film'), 'in the way')
    const key = await put({ updated: [film(1, 'a')] })
    expect(await errorOf(dumpCache({ cache, dir }))).toMatchObject({ name: 'DataError', code: expect.stringMatching(/^DATA_/) })
    expect((await entriesIn(cache)).map(([at]) => at)).toEqual([key])
    await rm(join(dir, 'Film'))
    expect(await dumpCache({ cache, dir })).toMatchObject({ records: 1, written: ['Film/1_a.json'] })
  })

  it('follows no link out of the folder', async () => {
    const { cache, put } = await openCache()
    const [dir, outside] = [await newFolder(), await newFolder()]
    await symlink(outside, join(dir, 'Film'))
    await put({ updated: [film(1, 'a')] })
    expect(await errorOf(dumpCache({ cache, dir }))).toMatchObject({ code: 'DATA_LINK_REFUSED' })
    expect(await readdir(outside)).toEqual([])
  })

  it('removes and then writes rows of a model that has no folder yet', async () => {
    const { cache, put } = await openCache()
    const dir = join(await newFolder(), 'not/there/yet')
    await put({ deleted: [{ model: 'Film', id: '1' }] })
    await put({ updated: [film(2, 'b')] })
    expect(await dumpCache({ cache, dir })).toMatchObject({ records: 2, written: ['Film/2_b.json'] })
    expect(Object.keys(await filesIn(dir))).toEqual(['Film/2_b.json'])
  })

  it('takes no record where a name of a root is mistyped', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    await put({ updated: [film(1, 'a')] })
    await put({ updated: [{ ...film(7, 'b'), model: 'Author' }] })
    const error = await errorOf(dumpCache({ cache, dir, roots: ['Flim', 'Author'] }))
    expect(error).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining("'Flim' (did you mean 'Film'?)") })
    expect(await entriesIn(cache)).toHaveLength(2)
    expect(await dumpCache({ cache, dir, roots: ['Film'] })).toMatchObject({ records: 2, written: ['Film/1_a.json'] })
    await put({ updated: [{ ...film(7, 'b'), model: 'Author' }] })
    expect(await dumpCache({ cache, dir, roots: ['Film'] })).toMatchObject({ records: 1, written: [] })
  })

  it('waits for no answer of the cache longer than its time, or than until it is told to end', async () => {
    const dir = await newFolder()
    const never = () => new Promise<never>(() => {})
    const key = nextRecordKey()
    const entries = async function* () {
      yield await Promise.resolve([key, NOBODY] as const)
    }
    const mute: RecordCache = { iterator: entries, get: never, set: never, delete: never }
    expect(await errorOf(dumpCache({ cache: mute, dir, timeoutMs: 20 }))).toMatchObject({ code: 'CHANGE_CACHE_UNREADABLE' })
    const given: string[] = []
    const iteration = { next: never, return: () => Promise.reject(new Error(`not ${given.push('back')}`)) }
    const deaf: RecordCache = { ...mute, iterator: () => ({ [Symbol.asyncIterator]: () => iteration }) }
    expect(await errorOf(dumpCache({ cache: deaf, dir, timeoutMs: 20 }))).toMatchObject({ code: 'CHANGE_CACHE_UNREADABLE' })
    expect(given).toEqual(['back']) // what was read from the cache may hold a cursor there
    const kept: RecordCache = { ...mute, get: () => Promise.resolve(NOBODY) }
    expect(await errorOf(dumpCache({ cache: kept, dir, timeoutMs: 20 }))).toMatchObject({ code: 'CHANGE_RECORD_STUCK' })
    const ending = new AbortController()
    const dump = errorOf(dumpCache({ cache: mute, dir, abortSignal: ending.signal }))
    ending.abort(new Error('enough'))
    expect(await dump).toMatchObject({ message: 'enough' })
  })

  it('stops where the cache does not answer', async () => {
    const store = new (class extends Map<string, unknown> {
      isDown = false
      override delete(key: string): boolean {
        if (this.isDown) throw new Error('connection refused')
        return super.delete(key)
      }
    })()
    const cache = new Keyv(store)
    await openOnUsedTables({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })] })
    const key = nextRecordKey()
    await cache.set(key, { ...NOBODY, updated: [film(1, 'a')] })
    store.isDown = true
    const dir = await newFolder()
    expect(await errorOf(dumpCache({ cache, dir }))).toMatchObject({ code: 'CHANGE_RECORD_STUCK', message: expect.stringContaining(key) })
    store.isDown = false
    expect(await dumpCache({ cache, dir })).toMatchObject({ records: 1, renamed: [] })
    const failing = { ...cacheOf(cache), get: () => Promise.reject(new Error('gone')) }
    await cache.set(key, { ...NOBODY })
    expect(await errorOf(dumpCache({ cache: failing, dir }))).toMatchObject({ code: 'CHANGE_CACHE_UNREADABLE' })
  })

  it.each([
    [{ dir: '' }, 'OPTION_INVALID'],
    [{ dir: 7 }, 'OPTION_INVALID'],
    [{ dir: 'x', cache: {} }, 'OPTION_INVALID'],
    [{ dir: 'x', root: [] }, 'OPTION_UNKNOWN'],
    [{ dir: 'x', git: { author: 'me' } }, 'OPTION_UNKNOWN'],
    [{ dir: 'x', git: 'yes' }, 'OPTION_INVALID'],
    [{ dir: 'x', roots: [7] }, 'OPTION_INVALID'],
    [{ dir: 'x', git: { message: ' ' } }, 'OPTION_INVALID'],
    [{ dir: 'x', git: null }, 'OPTION_INVALID'],
    [{ dir: 'x', cache: new Map() }, 'OPTION_INVALID'],
    [{ dir: 'x', timeoutMs: 0 }, 'OPTION_INVALID'],
    [{ dir: 'x', abortSignal: {} }, 'OPTION_INVALID'],
    [undefined, 'OPTION_INVALID'],
  ])('refuses options that can never work: %j', async (options, code) => {
    expect(await errorOf(dumpCache(options as never))).toMatchObject({ name: 'ConfigurationError', code })
  })
})

describe('a dump with commits', () => {
  const gitIn = (dir: string, ...args: string[]) => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8' }).trim()

  it('takes names as they are given, and nothing in them for an argument', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    gitIn(dir, 'init', '--quiet')
    await put({ username: '--upload-pack=x <evil@x>\nAuthor: y', email: 'a@b>\n<c', updated: [film(1, ':(exclude)$(touch x) --all *')] })
    await dumpCache({ cache, dir, git: { message: '-m $(id)' } })
    expect(gitIn(dir, 'log', '--format=%an|%ae|%s')).toBe('--upload-pack=x evil@xAuthor: y|a@bc|-m $(id)')
    expect(gitIn(dir, 'ls-files')).toBe('Film/1_(exclude)$(touch x) --all.json')
  })

  it('makes none where nothing differs', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    gitIn(dir, 'init', '--quiet')
    await put({ updated: [film(1, 'a')] })
    await put({ updated: [film(1, 'a')] })
    await put({ deleted: [{ model: 'Author', id: '9' }] })
    expect(await dumpCache({ cache, dir, git: true })).toMatchObject({ records: 3, commits: 1 })
  })

  it('keeps the record where git fails, and commits the rest of it the next time', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    await put({ updated: [film(1, 'a'), film(2, 'b')] })
    expect(await errorOf(dumpCache({ cache, dir, git: true }))).toMatchObject({
      code: 'CHANGE_COMMIT_FAILED',
      message: expect.stringContaining('no git repository'),
    })
    gitIn(dir, 'init', '--quiet')
    await dumpCache({ cache, dir, git: true })
    await put({ updated: [film(1, 'renamed')], deleted: [{ model: 'Film', id: '2' }] })
    await mkdir(join(dir, '.git/hooks'), { recursive: true })
    await writeFile(join(dir, '.git/hooks/pre-commit'), '#!/bin/sh\nexit 1\n')
    await chmod(join(dir, '.git/hooks/pre-commit'), 0o755)
    expect(await errorOf(dumpCache({ cache, dir, git: true }))).toMatchObject({ code: 'CHANGE_COMMIT_FAILED' })
    await rm(join(dir, '.git/hooks/pre-commit'))
    await dumpCache({ cache, dir, git: true })
    expect(gitIn(dir, 'status', '--porcelain')).toBe('')
    expect(gitIn(dir, 'ls-files')).toBe('Film/1_renamed.json')
  })
})

describe('a dump with commits in a repository that others use', () => {
  const gitIn = (dir: string, ...args: string[]) => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8' }).trim()

  it('commits its own files alone, and leaves staged what others have staged', async () => {
    const { cache, put } = await openCache()
    const top = await newFolder()
    gitIn(top, 'init', '--quiet')
    const dir = join(top, 'data')
    await put({ updated: [film(1, 'first')] })
    await dumpCache({ cache, dir, git: true })
    await writeFile(join(top, 'staged.txt'), 'theirs')
    await writeFile(join(dir, 'Film/.9.tmp'), 'half')
    await writeFile(join(dir, 'Film/note.txt'), 'loose')
    gitIn(top, 'add', 'staged.txt')
    await put({ updated: [film(1, 'renamed'), film(2, 'b')], deleted: [{ model: 'Film', id: '3' }] })
    await put({ deleted: [{ model: 'Film', id: '2' }] })
    expect(await dumpCache({ cache, dir, git: true })).toMatchObject({ records: 2, commits: 2 })
    expect(gitIn(top, 'ls-tree', '-r', '--name-only', 'HEAD')).toBe('data/Film/1_renamed.json')
    expect(gitIn(top, 'status', '--porcelain', '--untracked-files=all').split('\n')).toEqual([
      'A  staged.txt',
      '?? data/Film/.9.tmp',
      '?? data/Film/note.txt',
    ])
  })

  it('dates a commit by its record', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    gitIn(dir, 'init', '--quiet')
    await put({ time: '2021-02-03T04:05:06.789Z', updated: [film(1, 'a')] })
    await dumpCache({ cache, dir, git: true })
    expect(gitIn(dir, 'log', '--format=%at')).toBe(String(Date.UTC(2021, 1, 3, 4, 5, 6) / 1_000))
  })

  it('tells nothing in a message that a hook has said', async () => {
    const { cache, put } = await openCache()
    const dir = await newFolder()
    gitIn(dir, 'init', '--quiet')
    await mkdir(join(dir, '.git/hooks'), { recursive: true })
    await writeFile(join(dir, '.git/hooks/pre-commit'), '#!/bin/sh\necho token-42 >&2\nexit 3\n')
    await chmod(join(dir, '.git/hooks/pre-commit'), 0o755)
    await put({ updated: [film(1, 'a')] })
    const error = await errorOf(dumpCache({ cache, dir, git: true }))
    expect(error).toMatchObject({ code: 'CHANGE_COMMIT_FAILED', message: expect.stringContaining('git commit ended with 1') })
    expect(error.message).not.toContain('token-42')
    expect(error.cause).toMatchObject({ message: expect.stringContaining('token-42') })
  })
})

function cacheOf(cache: Keyv): RecordCache {
  return {
    iterator: cache.iterator,
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    delete: (key) => cache.delete(key),
  }
}
