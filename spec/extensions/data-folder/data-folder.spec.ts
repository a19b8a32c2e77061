import fc from 'fast-check'
import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataFolder } from '../../../lib/extensions/data-folder/data-folder.js'
import { encodedId, encodedIdOf, fileNameOf, folderNameOf } from '../../../lib/extensions/data-folder/file-name.js'
import { errorOf } from '../../support/chains.js'
import { emptyFolder, filesIn, folderOf, putFile } from '../../support/fixtures.js'

const ALIEN = { model: 'Film', id: 7, title: 'Alien' }
const all = async (paths: AsyncIterable<string>) => {
  const found: string[] = []
  for await (const path of paths) found.push(path)
  return found.sort()
}

describe('DataFolder', () => {
  // D22
  it('writes JSON with sorted keys, four spaces and a line at the end', async () => {
    const dir = emptyFolder()
    const document = { title: 'Alien', id: 7, model: 'Film', cast: { second: 'Hurt', first: 'Weaver' } }
    const written = await new DataFolder(dir).write(document, { model: 'Film', id: '7', text: 'Alien' })
    expect(written).toEqual({ path: 'Film/7_Alien.json' })
    expect(filesIn(dir)).toEqual({
      'Film/7_Alien.json': `{
    "cast": {
        "first": "Weaver",
        "second": "Hurt"
    },
    "id": 7,
    "model": "Film",
    "title": "Alien"
}
`,
    })
  })

  // D19
  it('makes a file, renames and rewrites it, and removes it', async () => {
    const dir = emptyFolder()
    const folder = new DataFolder(dir)
    await folder.write(ALIEN, { model: 'Film', id: '7', text: 'Alien' })
    const renamed = await folder.write({ ...ALIEN, title: 'Aliens' }, { model: 'Film', id: '7', text: 'Aliens' })
    expect(renamed).toEqual({ path: 'Film/7_Aliens.json', renamedFrom: 'Film/7_Alien.json' })
    expect(Object.keys(filesIn(dir))).toEqual(['Film/7_Aliens.json'])
    expect(await folder.read('Film/7_Aliens.json')).toMatchObject({ title: 'Aliens' })
    expect(await folder.remove({ model: 'Film', id: '7' })).toBe('Film/7_Aliens.json')
    expect(await folder.remove({ model: 'Film', id: '7' })).toBeUndefined()
    expect(filesIn(dir)).toEqual({})
  })

  it('finds a file that was there before by its id alone, never by the beginning of another id', async () => {
    const dir = folderOf({ 'Film/7_Old.json': ALIEN, 'Film/71_Other.json': ALIEN, 'Film/7-a_Third.json': ALIEN, 'Film/8.json': ALIEN })
    const folder = new DataFolder(dir)
    expect(await folder.write(ALIEN, { model: 'Film', id: '7', text: '' })).toEqual({ path: 'Film/7.json', renamedFrom: 'Film/7_Old.json' })
    expect(await folder.remove({ model: 'Film', id: '8' })).toBe('Film/8.json')
    expect(Object.keys(filesIn(dir)).sort()).toEqual(['Film/7-a_Third.json', 'Film/7.json', 'Film/71_Other.json'])
  })

  it('writes a row under another text whose file somebody has deleted', async () => {
    const dir = emptyFolder()
    const folder = new DataFolder(dir)
    const { path } = await folder.write(ALIEN, { model: 'Film', id: '7', text: 'Alien' })
    rmSync(join(dir, path))
    await folder.write({ ...ALIEN, title: 'Aliens' }, { model: 'Film', id: '7', text: 'Aliens' })
    expect(Object.keys(filesIn(dir))).toEqual(['Film/7_Aliens.json'])
  })

  it('leaves one file where there were copies', async () => {
    const dir = folderOf({ 'Film/7_A.json': ALIEN, 'Film/7_B.json': ALIEN, 'Film/7.json': ALIEN })
    await new DataFolder(dir).write(ALIEN, { model: 'Film', id: '7', text: 'B' })
    expect(Object.keys(filesIn(dir))).toEqual(['Film/7_B.json'])
  })

  it('forgets what it has written where a folder is rewritten, and removes the rest', async () => {
    const dir = folderOf({ 'Film/7_A.json': ALIEN, 'Film/8_B.json': ALIEN, 'Film/notes.txt': 'kept' })
    const folder = new DataFolder(dir, { isRewritten: true })
    expect(await folder.write(ALIEN, { model: 'Film', id: '7', text: 'C' })).toMatchObject({ renamedFrom: 'Film/7_A.json' })
    expect(await folder.removeUnwritten('Film')).toBe(1)
    expect(Object.keys(filesIn(dir)).sort()).toEqual(['Film/7_C.json', 'Film/notes.txt'])
  })

  it('lists models and files, and leaves out hidden ones and what is no JSON', async () => {
    const dir = folderOf({
      'Film/7.json': '{}',
      'Film/.x.json': '{}',
      'Film/y.txt': '',
      '.git/a.json': '{}',
      'Genre/1.json': '{}',
      'README.md': '',
    })
    const folder = new DataFolder(dir)
    expect(await folder.models()).toEqual(['Film', 'Genre'])
    expect(await all(folder.files('Film'))).toEqual(['Film/7.json'])
  })

  describe('refuses', () => {
    it.each(['..', '../x', '/etc', 'a/b', 'a\\b', 'a\0b', '', '.', '.git', '???'])('%j as a model', async (model) => {
      const dir = emptyFolder()
      const error = await errorOf(new DataFolder(dir).write(ALIEN, { model, id: '7', text: '' }))
      expect(error).toMatchObject({ code: 'DATA_NAME_REFUSED' })
      expect(readdirSync(dir)).toEqual([])
    })

    it.each(['../x.json', '/etc/passwd', 'Film/../../x.json', 'Film/..', 'Film/a\\b.json', 'Film/a\0.json', 'Film', 'Film/.x.json'])(
      '%j as a path',
      async (path) => {
        expect(await errorOf(new DataFolder(emptyFolder()).read(path))).toMatchObject({ code: 'DATA_NAME_REFUSED' })
      },
    )

    it('a link as the folder of a model', async () => {
      const [dir, outside] = [emptyFolder(), folderOf({ '7.json': ALIEN })]
      symlinkSync(outside, join(dir, 'Film'))
      const folder = new DataFolder(dir)
      const name = { model: 'Film', id: '7', text: '' }
      const attempts = [
        () => folder.write(ALIEN, name),
        () => folder.remove(name),
        () => folder.read('Film/7.json'),
        () => all(folder.files('Film')),
      ]
      for (const attempt of attempts) expect(await errorOf(attempt)).toMatchObject({ code: 'DATA_LINK_REFUSED' })
      expect(Object.keys(filesIn(outside))).toEqual(['7.json'])
    })

    it('a link as a file, to read or to remove, and what is no file', async () => {
      const [dir, outside] = [folderOf({ 'Film/8.json/inside.txt': '' }), folderOf({ 'secret.json': ALIEN })]
      symlinkSync(join(outside, 'secret.json'), join(dir, 'Film', '7.json'))
      const folder = new DataFolder(dir)
      expect(await errorOf(folder.read('Film/7.json'))).toMatchObject({ code: 'DATA_LINK_REFUSED' })
      expect(await errorOf(folder.read('Film/8.json'))).toMatchObject({ code: 'DATA_LINK_REFUSED' })
      expect(await errorOf(folder.remove({ model: 'Film', id: '7' }))).toMatchObject({ code: 'DATA_LINK_REFUSED' })
      expect(Object.keys(filesIn(outside))).toEqual(['secret.json'])
    })

    it('a folder it cannot write into, and names it', async () => {
      const dir = join(folderOf({ file: 'no folder' }), 'file')
      const error = await errorOf(new DataFolder(dir).write(ALIEN, { model: 'Film', id: '7', text: '' }))
      expect(error).toMatchObject({ code: 'DATA_FOLDER_NOT_WRITABLE', message: expect.stringContaining(join(dir, 'Film')) as string })
    })

    it('to leave anything behind of a write that failed', async () => {
      const dir = folderOf({ 'Film/7_Alien.json/inside.txt': '' })
      const error = await errorOf(new DataFolder(dir).write(ALIEN, { model: 'Film', id: '7', text: 'Alien' }))
      expect(error).toMatchObject({ code: 'DATA_FOLDER_NOT_WRITABLE' })
      expect(Object.keys(filesIn(dir))).toEqual(['Film/7_Alien.json/inside.txt'])
    })

    it.each([
      ['broken JSON', '{"a": ', 'it is not JSON'],
      ['a list', '[]', 'wanted is an object'],
      ['a bare value', 'null', 'wanted is an object'],
      ['other text than UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'it is not text in UTF-8'],
      ['what is nested too deep', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'nested more than 200 levels deep'],
    ])('%s', async (_name, content, reason) => {
      const error = await errorOf(new DataFolder(folderOf({ 'Film/7.json': content })).read('Film/7.json'))
      expect(error).toMatchObject({ code: 'DATA_FILE_INVALID', message: expect.stringContaining(reason) as string })
    })

    it('a folder that is not there', async () => {
      const folder = new DataFolder(join(emptyFolder(), 'none'))
      expect(await errorOf(folder.models())).toMatchObject({ code: 'DATA_FOLDER_MISSING' })
      expect(await errorOf(all(folder.files('Film')))).toMatchObject({ code: 'DATA_FOLDER_MISSING' })
      expect(await errorOf(new DataFolder(folderOf({ 'Film/1.json': '{}' })).read('Film/2.json'))).toMatchObject({
        code: 'DATA_FILE_UNREADABLE',
      })
    })
  })

  describe('names', () => {
    // D22
    it('cut the text at 100 characters, never within one', () => {
      expect(fileNameOf('7', 'x'.repeat(300))).toBe(`7_${'x'.repeat(100)}.json`)
      expect([...fileNameOf('7', '😀'.repeat(300))].filter((one) => one === '😀').length).toBeLessThanOrEqual(100)
      expect(fileNameOf('7', '😀'.repeat(300))).not.toMatch(/\p{Surrogate}/u)
    })

    it.each([
      ['7', 'AC/DC: Live?', '7_ACDC Live.json'],
      ['7', '...', '7.json'],
      ['7', '../../etc/passwd', '7_etcpasswd.json'],
      ['7', ' a\u0000\nb. ', '7_ab.json'],
      ['a_b', 'c', 'a%5Fb_c.json'],
      ['.env', '', '%2Eenv.json'],
      ['a/b', '', 'a%2Fb.json'],
      ['', 'x', '%_x.json'],
      ['nul', '', '%6Eul.json'],
      ['1,de', 'x', '1,de_x.json'],
    ])('of %j and %j are %j', (id, text, name) => expect(fileNameOf(id, text)).toBe(name))

    it('are one hidden by nobody, of at most 255 bytes, and tell their id from any text', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 300 }), (id, text) => {
          const name = fileNameOf(id, text)
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
          // eslint-disable-next-line no-control-regex
          expect(name).not.toMatch(/^\.|[/\\\u0000-\u001f]/)
          expect(encodedIdOf(name)).toBe(encodedId(id))
        }),
      )
    })

    it('differ where ids do', () => {
      const ids = fc.oneof(
        fc.string({ maxLength: 5 }),
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.constantFrom('a_b', 'a%5Fb', 'a', 'a.', '%', ''),
      )
      fc.assert(fc.property(ids, ids, (a, b) => expect(encodedId(a) === encodedId(b)).toBe(a === b)))
    })

    it('of models lose what no file name may have', () => {
      expect(folderNameOf('Film<string>')).toBe('Filmstring')
      expect(folderNameOf('blog:post')).toBe('blogpost')
    })
  })

  it('reads values of millions of characters, and finds a name that stands twice behind them', async () => {
    const [plain, escaped] = ['x'.repeat(10_000_000), '\\n"'.repeat(2_000_000)]
    const text = JSON.stringify({ plain, escaped, end: '\\\\' })
    const dir = folderOf({ 'Film/7.json': text, 'Film/8.json': text.replace(/}$/, ',"plain":1}') })
    expect(Object.keys(await new DataFolder(dir).read('Film/7.json'))).toEqual(['plain', 'escaped', 'end'])
    const error = await errorOf(new DataFolder(dir).read('Film/8.json'))
    expect(error).toMatchObject({ code: 'DATA_FILE_INVALID', message: expect.stringContaining('it has the name "plain" twice') as string })
  })

  it('reads every file of a large folder once', async () => {
    const dir = emptyFolder()
    putFile(dir, 'Film/0.json', '{}')
    for (let id = 1; id < 3000; id++) writeFileSync(join(dir, 'Film', `${id}.json`), '{}')
    expect(new Set(await all(new DataFolder(dir).files('Film'))).size).toBe(3000)
  })
})
