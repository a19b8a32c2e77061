/**
 * A folder with one JSON file for each row: `DIR/<Model>/<id>_<text>.json`.
 *
 * Knows names and files; knows no database. Paths are relative to the folder, with "/" between their parts. Invariant: nothing outside of
 * the folder is read or written, and a file is there as a whole or not at all.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { constants, type Dirent } from 'node:fs'
import { access, lstat, mkdir, open, opendir, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DataError, messageOf } from '../../core/errors.js'
import { sorted, type RowDocument } from '../row-documents/row-document.js'
import { encodedId, encodedIdOf, fileNameOf, folderNameOf, isRowFile, refused } from './file-name.js'
import { parseDocument } from './parse-document.js'

/** Which row a file is of. */
export interface RowName {
  /** The name of the entity. */
  readonly model: string
  /** The key as one text, as `keyTextOf` has it. */
  readonly id: string
  /** What the row is called, for people. */
  readonly text: string
}

/** What one file was given, and which one it was before. */
export interface WrittenFile {
  readonly path: string
  /** The path it had under another text. */
  readonly renamedFrom?: string
}

export interface DataFolderOptions {
  /**
   * Each row is written once, and then `removeUnwritten` called: names are forgotten once they are written, so that a folder that was empty
   * takes no memory.
   *
   * @defaultValue `false`
   */
  readonly isRewritten?: boolean
}

/** Names of the files of one model, by the id as it is in names. More than one where somebody made a copy. */
type Names = Map<string, string | readonly string[]>

const READ_ONLY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Files of rows in a folder.
 *
 * The names in a model's folder are read once, when the first of its rows is written or removed, and kept: some 100 bytes for each file.
 * Somebody else may write there only before. Rows may be written at the same time, but one row only once at a time.
 *
 * @example
 * const folder = new DataFolder('data')
 * await folder.write({ id: 7, model: 'Film', title: 'Alien' }, { model: 'Film', id: '7', text: 'Alien' }) // { path: 'Film/7_Alien.json' }
 */
export class DataFolder {
  readonly dir: string
  readonly #names = new Map<string, Promise<Names>>()
  /** Folders of models that were found to be folders. */
  readonly #folders = new Set<string>()
  /** Folders that were made where they were not there: names may be known before. */
  readonly #made = new Map<string, Promise<void>>()
  readonly #isRewritten: boolean

  /** @param dir - made when the first file is written. */
  constructor(dir: string, { isRewritten = false }: DataFolderOptions = {}) {
    this.dir = resolve(dir)
    this.#isRewritten = isRewritten
  }

  /**
   * Writes a row's file, in place of the one it has. Keys are in alphabetical order; a file whose text differs is renamed.
   *
   * @throws {DataError} DATA_NAME_REFUSED, DATA_LINK_REFUSED, DATA_FOLDER_NOT_WRITABLE
   */
  async write(document: RowDocument, { model, id, text }: RowName): Promise<WrittenFile> {
    const folder = folderNameOf(model)
    const names = await this.#namesToWrite(folder)
    const key = encodedId(id)
    const fileName = fileNameOf(id, text)
    const present = listOf(names.get(key))
    const [previous, ...copies] = present.includes(fileName) ? [fileName, ...present.filter((one) => one !== fileName)] : present
    await this.#writing(folder, async () => {
      const temporary = this.#absolute(folder, `.${randomUUID()}.tmp`)
      try {
        await writeFile(temporary, `${JSON.stringify(sorted(document), undefined, 4)}\n`, { flag: 'wx' })
        if (previous !== undefined && previous !== fileName) await this.#rename(folder, previous, fileName)
        await rename(temporary, this.#absolute(folder, fileName))
      } catch (error) {
        await unlink(temporary).catch(() => undefined)
        throw error
      }
      for (const copy of copies) await this.#unlink(folder, copy)
    })
    if (this.#isRewritten) names.delete(key)
    else names.set(key, fileName)
    const path = `${folder}/${fileName}`
    return previous === undefined || previous === fileName ? { path } : { path, renamedFrom: `${folder}/${previous}` }
  }

  /**
   * Removes a row's file, and answers its path; undefined where it had none.
   *
   * @throws {DataError} DATA_NAME_REFUSED, DATA_LINK_REFUSED, DATA_FOLDER_NOT_WRITABLE
   */
  async remove({ model, id }: Pick<RowName, 'model' | 'id'>): Promise<string | undefined> {
    const folder = folderNameOf(model)
    const names = await this.#namesOf(folder)
    const key = encodedId(id)
    const present = listOf(names.get(key))
    await this.#writing(folder, async () => {
      for (const name of present) await this.#unlink(folder, name)
    })
    names.delete(key)
    return present.length === 0 ? undefined : `${folder}/${present[0]!}`
  }

  /**
   * Removes the files of a model that have not been written, and answers their number: for a folder that is rewritten.
   *
   * @throws {DataError} as {@link remove} does.
   */
  async removeUnwritten(model: string): Promise<number> {
    const folder = folderNameOf(model)
    const names = await this.#namesOf(folder)
    const left = [...names.values()].flatMap(listOf)
    await this.#writing(folder, async () => {
      for (const name of left) await this.#unlink(folder, name)
    })
    names.clear()
    return left.length
  }

  /**
   * The names of the folders of models, in alphabetical order. Hidden ones are left out.
   *
   * @throws {DataError} DATA_FOLDER_MISSING, DATA_FILE_UNREADABLE
   */
  async models(): Promise<readonly string[]> {
    const found: string[] = []
    for await (const entry of this.#entries('')) {
      if (!entry.name.startsWith('.') && (entry.isDirectory() || entry.isSymbolicLink())) found.push(entry.name)
    }
    return found.sort()
  }

  /**
   * The paths of the files of a model, in no order, read bit by bit. Links are among them: {@link read} refuses these.
   *
   * @throws {DataError} DATA_NAME_REFUSED, DATA_LINK_REFUSED when the model's folder is a link, DATA_FOLDER_MISSING, DATA_FILE_UNREADABLE
   */
  async *files(model: string): AsyncGenerator<string> {
    const folder = folderNameOf(model)
    await this.#assertNoLink(folder)
    for await (const { name } of this.#entries(folder)) if (isRowFile(name)) yield `${folder}/${name}`
  }

  /**
   * Looks that whatever has the name of a row's file is one, before anything is written.
   *
   * @throws {DataError} DATA_NAME_REFUSED, DATA_LINK_REFUSED, DATA_FILE_UNREADABLE
   */
  async assertFiles(model: string): Promise<void> {
    const folder = folderNameOf(model)
    await this.#assertNoLink(folder)
    if (!this.#folders.has(folder)) return
    for await (const entry of this.#entries(folder))
      if (isRowFile(entry.name) && !entry.isFile()) throw new DataError('DATA_LINK_REFUSED', { path: `${folder}/${entry.name}` })
  }

  /**
   * The document in a file.
   *
   * @throws {DataError} DATA_NAME_REFUSED for a path that is none of this folder's, DATA_LINK_REFUSED for a link, DATA_FILE_UNREADABLE,
   * DATA_FILE_INVALID when it is no JSON object or nested too deep.
   */
  async read(path: string): Promise<RowDocument> {
    const [folder = '', name = '', ...rest] = path.split('/')
    if (rest.length > 0 || folderNameOf(folder) !== folder || !isRowFile(name) || /[\0\\]/.test(name)) throw refused('path', path)
    await this.#assertNoLink(folder)
    return parseDocument(path, await this.#bytesOf(path, this.#absolute(folder, name)))
  }

  async #bytesOf(path: string, absolute: string): Promise<Buffer> {
    try {
      const handle = await open(absolute, READ_ONLY)
      try {
        if ((await handle.stat()).isFile()) return await handle.readFile()
      } finally {
        await handle.close()
      }
    } catch (error) {
      if (codeOf(error) !== 'ELOOP') throw new DataError('DATA_FILE_UNREADABLE', { path, cause: messageOf(error) }, { cause: error })
    }
    throw new DataError('DATA_LINK_REFUSED', { path })
  }

  #absolute(folder: string, name: string): string {
    return join(this.dir, folder, name)
  }

  async #namesToWrite(folder: string): Promise<Names> {
    let made = this.#made.get(folder)
    if (made === undefined) {
      made = this.#make(folder)
      this.#made.set(folder, made)
      made.catch(() => this.#made.delete(folder))
    }
    await made
    return this.#namesOf(folder)
  }

  async #make(folder: string): Promise<void> {
    await this.#assertNoLink(folder)
    await this.#writing(folder, () => makeFolder(join(this.dir, folder)))
  }

  #namesOf(folder: string): Promise<Names> {
    let names = this.#names.get(folder)
    if (names === undefined) {
      names = this.#readNames(folder)
      this.#names.set(folder, names)
      names.catch(() => this.#names.delete(folder))
    }
    return names
  }

  async #readNames(folder: string): Promise<Names> {
    await this.#assertNoLink(folder)
    const names: Names = new Map()
    try {
      for await (const { name } of this.#entries(folder)) {
        const key = encodedIdOf(name)
        if (key !== undefined) names.set(key, names.has(key) ? [...listOf(names.get(key)), name] : name)
      }
    } catch (error) {
      if (!(error instanceof DataError) || error.code !== 'DATA_FOLDER_MISSING') throw error
    }
    return names
  }

  /** A file that is gone needs no other name. */
  async #rename(folder: string, from: string, to: string): Promise<void> {
    try {
      await rename(this.#absolute(folder, from), this.#absolute(folder, to))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  async #unlink(folder: string, name: string): Promise<void> {
    const absolute = this.#absolute(folder, name)
    try {
      if (!(await lstat(absolute)).isFile()) throw new DataError('DATA_LINK_REFUSED', { path: `${folder}/${name}` })
      await unlink(absolute)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  async *#entries(folder: string): AsyncGenerator<Dirent> {
    const dir = join(this.dir, folder)
    try {
      for await (const entry of await opendir(dir, { bufferSize: 1024 })) yield entry
    } catch (error) {
      const code = codeOf(error)
      if (code === undefined) throw error
      if (code === 'ENOENT' || code === 'ENOTDIR') throw new DataError('DATA_FOLDER_MISSING', { dir }, { cause: error })
      throw new DataError('DATA_FILE_UNREADABLE', { path: dir, cause: messageOf(error) }, { cause: error })
    }
  }

  /** A folder that is not there yet is none. */
  async #assertNoLink(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return
    const stats = await lstat(join(this.dir, folder)).catch(() => undefined)
    if (stats === undefined) return
    if (!stats.isDirectory()) throw new DataError('DATA_LINK_REFUSED', { path: folder })
    this.#folders.add(folder)
  }

  async #writing(folder: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (error instanceof DataError || codeOf(error) === undefined) throw error
      throw new DataError('DATA_FOLDER_NOT_WRITABLE', { path: join(this.dir, folder), cause: messageOf(error) }, { cause: error })
    }
  }
}

/** With those above it, one by one: where nothing can be made below a folder, as in /proc, Node tries again and again. */
async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return
    const isParentThere = await access(dirname(dir)).then(
      () => true,
      () => false,
    )
    if (code !== 'ENOENT' || isParentThere) throw error
    await makeFolder(dirname(dir))
    await makeFolder(dir)
  }
}

function listOf(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? [] : typeof names === 'string' ? [names] : names
}

/** The code of an error of the system; undefined for any other. */
function codeOf(error: unknown): string | undefined {
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown }
  return typeof code === 'string' && (typeof syscall === 'string' || code.startsWith('E')) ? code : undefined
}
