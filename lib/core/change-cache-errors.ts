/**
 * The part of the error catalogue that the change cache and its dump throw.
 *
 * Invariant: as in `errors.ts`, of which it is a part; no value of a row is in it.
 *
 * @module
 */
import { entry } from './error-entry.js'

export const CHANGE_CACHE_ERRORS = {
  CHANGE_CACHE_FAILED: entry<{ readonly key: string; readonly cause: string }>(
    ({ key, cause }) => `Cannot put the record ${key} into its cache: ${cause}`,
    'see that the cache answers; what was committed stands, and with an Outbox no record is lost meanwhile',
  ),
  CHANGE_CACHE_TIMEOUT: entry<{ readonly key: string; readonly timeoutMs: number }>(
    ({ key, timeoutMs }) => `Cannot wait any longer for the cache to take the record ${key}: its time was ${timeoutMs} ms`,
    'see that the cache answers, or give ChangeCache more timeoutMs; it may have the record all the same',
  ),
  CHANGE_CACHE_HANGING: entry<{ readonly key: string }>(
    ({ key }) => `Cannot put the record ${key} into its cache: the cache has not answered an earlier call, whose time is up`,
    'see that the cache answers; what was committed stands, and with an Outbox no record is lost meanwhile',
  ),
  CHANGE_CACHE_NOT_ENUMERABLE: entry<Record<never, never>>(
    () => 'Cannot dump this cache: its backend cannot tell which keys it has, wanted is one with an iterator',
    'use a backend of keyv that can, such as memory, @keyv/redis, @keyv/sqlite or @keyv/postgres',
  ),
  CHANGE_CACHE_NOT_SHARED: entry<Record<never, never>>(
    () => 'Cannot dump this cache: it is in the memory of this process, where no ChangeCache writes to it',
    'dump in the process that writes, or give both one cache that processes share: new Keyv(new KeyvRedis(url))',
  ),
  CHANGE_CACHE_UNREADABLE: entry<{ readonly cause: string }>(
    ({ cause }) => `Cannot read which records the cache has: ${cause}`,
    'see that the cache answers, and dump again; nothing was taken from it',
  ),
  CHANGE_ROW_MISSING: entry<{ readonly model: string; readonly id: string }>(
    ({ model, id }) => `Cannot record the new row ${id} of ${model}: no row is found by this key just before the commit`,
    'declare the key so that it is found by the value it was written with; nothing is amiss where the database has deleted the row since',
  ),
  CHANGE_RECORD_INVALID: entry<{ readonly key: string; readonly reason: string }>(
    ({ key, reason }) => `Cannot apply the record ${key} of a change cache: ${reason}`,
    'somebody else has written it: mend or delete this key of the cache, and dump again',
  ),
  CHANGE_RECORD_STUCK: entry<{ readonly key: string; readonly cause: string }>(
    ({ key, cause }) => `Cannot delete the record ${key} from its cache, although it was applied: ${cause}`,
    'see that the cache answers, and dump again; applying a record twice does no harm while no later one was',
  ),
  CHANGE_COMMIT_FAILED: entry<{ readonly dir: string; readonly cause: string }>(
    ({ dir, cause }) => `Cannot commit what was dumped to ${dir}: ${cause}`,
    'see that git is installed, that the folder is in a git repository (git init) where it can write, and that no hook refuses the commit; then dump again: the record is still in the cache',
  ),
} as const
