/**
 * The options of every command that works on a data source.
 *
 * @module
 */
import { text, texts } from '../options.js'
import { DEFAULT_FILES } from './find-file.js'

export const DATA_SOURCE_OPTIONS = {
  dataSource: text('FILE', {
    short: 'd',
    help: `the file that exports the data source, or its options (default: the first of ${DEFAULT_FILES.join(', ')})`,
  }),
  export: text('NAME', { help: 'which export of that file, where it has several data sources' }),
  require: texts('MODULE', { short: 'r', help: "loads a module first, as node's own --require; may be repeated" }),
}
