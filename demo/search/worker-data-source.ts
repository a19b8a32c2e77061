/**
 * The data source of the worker: `flushpoint worker -d demo/search/worker-data-source.ts`.
 *
 * SEARCH_INDEX is the file of the index; SEARCH_DATABASE, connection options in JSON, another database than the demo's own.
 *
 * @module
 */
import 'reflect-metadata'
import { sessionSubscriber } from 'flushpoint'
import { Outbox, outboxEntities } from 'flushpoint/outbox'
import { DataSource, type DataSourceOptions } from 'typeorm'
import { database } from '../database.js'
import { searchIndex } from './search-index.js'

const { SEARCH_INDEX = 'search-index.jsonl', SEARCH_DATABASE } = process.env
const connection = SEARCH_DATABASE === undefined ? database() : (JSON.parse(SEARCH_DATABASE) as DataSourceOptions)

// #region worker
export const dataSource = new DataSource({
  ...connection,
  entities: [...outboxEntities(connection.type)],
  subscribers: [
    sessionSubscriber({ extensions: [Outbox.with({ subscriptions: [searchIndex(SEARCH_INDEX)], relay: { leaseMs: 1_000 } })] }),
  ],
})
// #endregion
