/**
 * The data source of the demo. `DB=sqlite` (the default: a file in demo/), `better-sqlite3`, `postgres` or `mariadb`.
 *
 * @module
 */
import 'reflect-metadata'
import { sessionSubscriber } from 'flushpoint'
import { Audit, auditEntities } from 'flushpoint/extensions'
import { outboxEntities } from 'flushpoint/outbox'
import { ModelSignals } from 'flushpoint/signals'
import { DataSource } from 'typeorm'
import { database } from './demo/database.js'
import { Director } from './demo/entities/director.js'
import { Distributor } from './demo/entities/distributor.js'
import { Film } from './demo/entities/film.js'
import { Genre } from './demo/entities/genre.js'
import { ChangeLog } from './demo/extensions/change-log.js'
import { Ledger } from './demo/extensions/ledger.js'
import { RowImages } from './demo/extensions/row-images.js'
import { Timeline } from './demo/extensions/timeline.js'
import { StatementLines } from './demo/report/timeline.js'

const connection = database()

// #region subscribe
export const dataSource = new DataSource({
  ...connection,
  entities: [Film, Director, Distributor, Genre, ...outboxEntities(connection.type), ...auditEntities(connection.type)],
  subscribers: [sessionSubscriber({ extensions: [Timeline, ChangeLog, RowImages, Ledger, ModelSignals, Audit.with({ bulk: true })] })],
  synchronize: true,
  logger: new StatementLines(),
})
// #endregion
