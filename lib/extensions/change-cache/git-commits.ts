/**
 * Commits files of a folder by git.
 *
 * Knows no records. No shell is involved: git is given its arguments as a list, and paths by its input. Invariant: what somebody else has
 * staged is neither committed nor unstaged; where nothing differs from the last commit, none is made.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DataError, messageOf } from '../../core/errors.js'
import { encodedId, encodedIdOf, folderNameOf } from '../data-folder/file-name.js'
import type { RecordAuthor } from './change-record.js'

export interface CommitFiles {
  readonly dir: string
  readonly author: RecordAuthor
  /** When the author did it; now, where that is no time. */
  readonly time: string
  readonly message: string
  /** Files that were written, renamed or removed. */
  readonly paths: readonly string[]
  /** Whose files are meant: also what a dump that was cut off has renamed or removed is committed. */
  readonly rows: readonly { readonly model: string; readonly id: string }[]
}

/** Somebody else's repository must not be meant, be it that of a hook this runs in. */
const NOT_OURS = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_OBJECT_DIRECTORY', 'GIT_PREFIX']

/**
 * @returns Whether there was anything to commit.
 * @throws {DataError} CHANGE_COMMIT_FAILED
 */
export async function commitFiles({ dir, author, time, message, paths, rows }: CommitFiles): Promise<boolean> {
  const place = await mkdtemp(join(tmpdir(), 'flushpoint-index-'))
  try {
    await mkdir(dir, { recursive: true })
    const git = new Git(dir, identityOf(author, time))
    const own = await git.withIndex(join(place, 'index')) // the one that others stage in is not used to commit
    const all = listOf([...new Set([...paths, ...(await formerPaths(own, rows))])])
    await own.run(['update-index', '--add', '--remove', '-z', '--stdin'], all)
    const isCommitted = !(await own.answers(['diff', '--cached', '--quiet', '--exit-code']))
    if (isCommitted) await own.run(['commit', '--quiet', '--cleanup=verbatim', `--message=${message}`])
    await git.run(['update-index', '--add', '--remove', '-z', '--stdin'], all)
    return isCommitted
  } catch (error) {
    throw error instanceof DataError ? error : new DataError('CHANGE_COMMIT_FAILED', { dir, cause: messageOf(error) }, { cause: error })
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** Files that rows have in the last commit. */
async function formerPaths(git: Git, rows: CommitFiles['rows']): Promise<readonly string[]> {
  const wanted = new Set(rows.map(({ model, id }) => `${folderNameOf(model)}/${encodedId(id)}`))
  const folders = [...new Set(rows.map(({ model }) => folderNameOf(model)))]
  const known = (await git.run(['ls-files', '-z', '--', ...folders])).split('\0')
  return known.filter((path) => {
    const [folder, name, ...rest] = path.split('/')
    const id = name === undefined || rest.length > 0 ? undefined : encodedIdOf(name)
    return id !== undefined && wanted.has(`${folder!}/${id}`)
  })
}

function listOf(paths: readonly string[]): string {
  return paths.map((path) => `${path}\0`).join('')
}

type Environment = Readonly<Record<string, string>>

interface Ended {
  readonly code: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

class Git {
  readonly #dir: string
  readonly #own: Environment

  constructor(dir: string, own: Environment) {
    this.#dir = dir
    this.#own = own
  }

  /** The same with an index of its own, that has what the last commit has. */
  async withIndex(path: string): Promise<Git> {
    const shared = resolve(this.#dir, (await this.run(['rev-parse', '--git-path', 'index'])).replace(/\r?\n$/, ''))
    await copyFile(shared, path).catch(() => undefined) // where it is there, git need not read each file anew
    const git = new Git(this.#dir, { ...this.#own, GIT_INDEX_FILE: path })
    const hasCommit = await git.answers(['rev-parse', '--verify', '--quiet', 'HEAD'])
    await git.run(['read-tree', ...(hasCommit ? ['--reset', 'HEAD'] : ['--empty'])])
    return git
  }

  /** @returns What it has said. */
  async run(args: readonly string[], input = ''): Promise<string> {
    const ended = await this.#call(args, input)
    if (ended.code !== 0) throw this.#failed(args, ended)
    return ended.stdout
  }

  /** Whether a question is answered by yes; anything else but no is an error. */
  async answers(args: readonly string[]): Promise<boolean> {
    const ended = await this.#call(args, '')
    if (ended.code !== 0 && ended.code !== 1) throw this.#failed(args, ended)
    return ended.code === 0
  }

  /** What hooks say may hold secrets: it is in the cause alone. */
  #failed([command]: readonly string[], { code, stderr }: Ended): DataError {
    const isNone = /^fatal: not a git repository/m.test(stderr)
    const cause = isNone ? 'it is in no git repository' : `git ${command!} ended with ${String(code)}`
    return new DataError('CHANGE_COMMIT_FAILED', { dir: this.#dir, cause }, { cause: new Error(stderr.trim()) })
  }

  #call(args: readonly string[], input: string): Promise<Ended> {
    const all = ['--literal-pathspecs', '-C', this.#dir, ...args]
    return new Promise((resolve, reject) => {
      const child = spawn('git', all, { env: { ...environment(), ...this.#own }, windowsHide: true })
      const texts = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (texts[name] += text))
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code: code ?? signal, ...texts }))
      child.stdin.on('error', () => undefined) // it ended before it has read all, which its code tells
      child.stdin.end(input)
    })
  }
}

function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  for (const one of NOT_OURS) delete env[one]
  return env
}

function identityOf({ username, email }: RecordAuthor, time: string): Environment {
  const [name, address] = [identity(username, 'guest'), identity(email, 'guest@localhost')]
  const atMs = Date.parse(time)
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: address,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: address,
    ...(atMs > 0 && { GIT_AUTHOR_DATE: `@${Math.floor(atMs / 1_000)} +0000` }),
  }
}

/** What git would take for its own signs, or for nothing, is left out. */
function identity(text: string, otherwise: string): string {
  const clean = text
    // eslint-disable-next-line no-control-regex -- these are what is meant
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029<>]|\p{Surrogate}/gu, '')
    .replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, '')
    .slice(0, 200)
  return clean === '' ? otherwise : clean
}
