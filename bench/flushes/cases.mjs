/** What is flushed: inserts, updates of one, of three, and in each row of another set of columns, deletes. */
import { COLUMNS } from '../processes/article.mjs'

const NAMES = Object.keys(COLUMNS)
const SETS = Array.from({ length: 2 ** NAMES.length - 1 }, (_, index) => NAMES.filter((_, bit) => (index + 1) & (1 << bit)))

/** Those that update name the columns that change in the row at an index. */
export const CASES = {
  insert: { title: 'insert' },
  update1: { title: 'update of 1 column', columnsOf: () => ['title'] },
  update3: { title: 'update of 3 columns', columnsOf: () => ['title', 'body', 'views'] },
  mixed: { title: 'update of mixed columns', columnsOf: (index) => SETS[index % SETS.length] },
  delete: { title: 'delete' },
}

export const isUpdate = (name) => CASES[name].columnsOf !== undefined
