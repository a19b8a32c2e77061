/**
 * The part of the error catalogue that the command line throws.
 *
 * Invariant: as in `errors.ts`, of which it is a part.
 *
 * @module
 */
import { entry, nearestOf } from './error-entry.js'

export const CLI_ERRORS = {
  // ---- wrong usage: exit code 2
  CLI_COMMAND_MISSING: entry<{ readonly given: string; readonly wanted: string }>(
    ({ given, wanted }) => `Cannot run "${given}": it names no command, wanted is one of ${wanted}`,
    'put the command first and its options after it; flushpoint --help lists the commands',
  ),
  CLI_COMMAND_UNKNOWN: entry<{ readonly given: string; readonly nearest: string | undefined }>(
    ({ given, nearest }) => `Cannot run "${given}": there is no such command${nearestOf(nearest)}`,
    'flushpoint --help lists the commands',
  ),
  CLI_ARGUMENT_UNEXPECTED: entry<{ readonly command: string; readonly given: string }>(
    ({ command, given }) => `Cannot run ${command} with "${given}": it takes options alone`,
    'write --name value; quote values that contain blanks or "*"',
  ),
  CLI_OPTION_UNKNOWN: entry<{ readonly command: string; readonly option: string; readonly nearest: string | undefined }>(
    ({ command, option, nearest }) => `Cannot run ${command} with ${option}: it has no such option${nearestOf(nearest)}`,
    'flushpoint <command> --help lists its options',
  ),
  CLI_OPTION_INVALID: entry<{ readonly command: string; readonly option: string; readonly wanted: string; readonly given: string }>(
    ({ command, option, wanted, given }) => `Cannot run ${command}: ${option} must be ${wanted}, current value is ${given}`,
    'pass a value of the wanted kind, or leave the option out; a value that begins with "-" is written --name=-value',
  ),
  CLI_OPTION_REPEATED: entry<{ readonly command: string; readonly option: string }>(
    ({ command, option }) => `Cannot run ${command}: ${option} was given more than once, wanted is one value`,
    'run the command once for each value',
  ),
  CLI_OPTION_MISSING: entry<{ readonly command: string; readonly option: string }>(
    ({ command, option }) => `Cannot run ${command}: ${option} is required and was not given`,
    'add it; flushpoint <command> --help tells what it means',
  ),
  CLI_FILTER_MISSING: entry<{ readonly command: string; readonly filters: string }>(
    ({ command, filters }) => `Cannot run ${command} on everything unasked: wanted is one of ${filters}, or --all`,
    'name what you mean by one of these, or say --all',
  ),
  CLI_FILTER_AND_ALL: entry<{ readonly command: string }>(
    ({ command }) => `Cannot run ${command} with --all and a filter: only one of them can be meant`,
    'leave out the one that is not',
  ),
  // ---- the data source: exit code 1
  CLI_DATA_SOURCE_NOT_FOUND: entry<{ readonly tried: string }>(
    ({ tried }) => `Cannot find the file of the data source: looked for ${tried}`,
    'run the command where the file is, or name it: -d path/to/ormconfig.ts',
  ),
  CLI_LOADER_MISSING: entry<{ readonly file: string; readonly tried: string }>(
    ({ file, tried }) => `Cannot load ${file}: Node alone does not run it, and none of ${tried} is installed`,
    'install one of them (npm install --save-dev tsx), preload what your project uses (-r module), or pass the compiled .js file',
  ),
  CLI_FILE_UNLOADABLE: entry<{ readonly file: string; readonly cause: string }>(
    ({ file, cause }) => `Cannot load ${file}: ${cause}`,
    'mend what the cause below says',
  ),
  CLI_DATA_SOURCE_NONE: entry<{ readonly file: string; readonly given: string }>(
    ({ file, given }) =>
      `Cannot find a data source in ${file}: wanted is an export that is a DataSource, a promise of one, a function that returns one, or its options; it exports ${given}`,
    'export it: export default new DataSource({ ... }); of several functions --export NAME picks one',
  ),
  CLI_DATA_SOURCE_MANY: entry<{ readonly file: string; readonly names: string }>(
    ({ file, names }) => `Cannot choose a data source of ${file}: it exports ${names}`,
    'pick one: --export NAME',
  ),
  CLI_EXPORT_MISSING: entry<{ readonly file: string; readonly name: string; readonly nearest: string | undefined }>(
    ({ file, name, nearest }) => `Cannot use the export "${name}" of ${file}: it has none of that name${nearestOf(nearest)}`,
    'correct the name; the default export is called default',
  ),
  CLI_DATA_SOURCE_UNREACHABLE: entry<{ readonly file: string; readonly cause: string }>(
    ({ file, cause }) => `Cannot connect the data source of ${file}: ${cause}`,
    'mend what the cause below says: options, entities, or the way to the database',
  ),
  // ---- running
  CLI_STOP_TOO_SLOW: entry<{ readonly timeoutMs: number }>(
    ({ timeoutMs }) => `Cannot wait any longer for the worker to stop: its time was ${timeoutMs} ms`,
    'give it more (--timeout-ms), or have handlers heed the abortSignal; what was in hand is handled again by the next worker',
  ),
  CLI_STOPPED: entry<{ readonly command: string }>(
    ({ command }) => `Cannot finish ${command}: it was asked to stop`,
    'run it once more; what a load had written is undone, what a dump had written is written anew',
  ),
  CLI_ENDED_EARLY: entry<{ readonly command: string }>(
    ({ command }) => `Cannot finish ${command}: it waits for a promise that nothing will settle`,
    'look for such a promise in the file of the data source, or in what it loads',
  ),
} as const
