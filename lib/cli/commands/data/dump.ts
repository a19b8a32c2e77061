/**
 * `flushpoint data dump`: writes every row to a JSON file of its own.
 *
 * @module
 */
import { dumpData, type DumpReport } from '../../../extensions/fixtures/dump-data.js'
import { command, EXIT } from '../../command.js'
import { flag } from '../../options.js'
import { DATA_OPTIONS, FOLDER_NOTE, printModels, withData } from './data-command.js'

export const dataDump = command({
  name: 'data dump',
  summary: 'writes every row of the mapped tables to a JSON file of its own',
  options: { ...DATA_OPTIONS, dryRun: flag('reads everything and writes no file') },
  notes: [FOLDER_NOTE, 'Files of rows that are gone are removed. Values are as they are stored; views and outboxes are left out.'],
  run: async (values, ports) => {
    const started = Date.now()
    const show = (report: DumpReport) => {
      if (values.json) ports.screen.print(JSON.stringify({ ...report, isDryRun: values.dryRun }, null, 2))
      else
        printModels(ports.screen, { ...report, started, said: values.dryRun ? 'would be dumped' : `dumped to ${values.dir}` }, [
          { title: 'renamed', of: ({ renamed }) => renamed },
          { title: 'removed', of: ({ removed }) => removed },
        ])
      return EXIT.fine
    }
    return withData(values, ports, {
      command: 'data dump',
      work: (dataSource, options) => dumpData(dataSource, values.dir, { ...options, dryRun: values.dryRun }),
      show,
    })
  },
})
