/**
 * `flushpoint data load`: loads a folder of JSON files into empty tables.
 *
 * @module
 */
import { loadData, type LoadReport } from '../../../extensions/fixtures/load-data.js'
import { command, EXIT } from '../../command.js'
import { flag } from '../../options.js'
import { DATA_OPTIONS, FOLDER_NOTE, printModels, withData } from './data-command.js'

export const dataLoad = command({
  name: 'data load',
  summary: 'loads a folder of JSON files into empty tables, in one transaction',
  options: { ...DATA_OPTIONS, dryRun: flag('does everything, and rolls it back') },
  notes: [FOLDER_NOTE, 'No extension, listener or subscriber hears of these rows. Where anything fails the database is as it was.'],
  run: async (values, ports) => {
    const started = Date.now()
    const show = (report: LoadReport) => {
      if (values.json) ports.screen.print(JSON.stringify(report, null, 2))
      else printModels(ports.screen, { ...report, started, said: values.dryRun ? 'could be loaded; rolled back' : 'loaded' })
      return EXIT.fine
    }
    return withData(values, ports, {
      command: 'data load',
      work: (dataSource, options) => loadData(dataSource, values.dir, { ...options, dryRun: values.dryRun }),
      show,
    })
  },
})
