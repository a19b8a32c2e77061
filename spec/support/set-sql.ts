/**
 * The statements for sets of rows, database by database, as {@link shapeOf} abbreviates them; by what is written.
 *
 * @module
 */
export const SET_SQL: Record<'postgres' | 'mariadb' | 'sqlite', Record<string, readonly string[]>> = {
  postgres: {
    'an insert with key, defaults and dates read back': [
      'INSERT INTO parcel (name, version) SELECT v.c0, $1 FROM unnest($2 like parcel.name) WITH ORDINALITY AS v(c0, o) ORDER BY v.o RETURNING id, place, weight, createdAt, updatedAt',
    ],
    'an insert of what is given': [
      'INSERT INTO grain (id, name) SELECT v.c0, v.c1 FROM unnest($1 like grain.id, $2 like grain.name) WITH ORDINALITY AS v(c0, c1, o) ORDER BY v.o',
    ],
    'an update of one column': [
      'UPDATE grain AS t SET size = v.c1 FROM unnest($1 like grain.id, $2 like grain.size) WITH ORDINALITY AS v(c0, c1, o) WHERE t.id = v.c0 AND (SELECT count(*) FROM (SELECT 1 FROM grain AS t WHERE t.id = ANY($1 like grain.id) ORDER BY t.id FOR NO KEY UPDATE OF t) AS l) >= 0',
    ],
    'an update of other columns in each row': [
      'UPDATE grain AS t SET name = CASE WHEN v.m & 1 <> 0 THEN v.c1 ELSE t.name END, size = CASE WHEN v.m & 2 <> 0 THEN v.c2 ELSE t.size END FROM unnest($1 like grain.id, $2 like grain.name, $3 like grain.size, $4::bigint[]) WITH ORDINALITY AS v(c0, c1, c2, m, o) WHERE t.id = v.c0 AND (SELECT count(*) FROM (SELECT 1 FROM grain AS t WHERE t.id = ANY($1 like grain.id) ORDER BY t.id FOR NO KEY UPDATE OF t) AS l) >= 0',
    ],
    'a versioned update with the date read back': [
      'UPDATE parcel AS t SET weight = v.c2, version = t.version + 1, updatedAt = CURRENT_TIMESTAMP FROM unnest($1 like parcel.id, $2 like parcel.version, $3 like parcel.weight) WITH ORDINALITY AS v(c0, c1, c2, o) WHERE t.id = v.c0 AND t.version = v.c1 AND (SELECT count(*) FROM (SELECT 1 FROM parcel AS t WHERE t.id = ANY($1 like parcel.id) ORDER BY t.id FOR NO KEY UPDATE OF t) AS l) >= 0 RETURNING v.o AS flushpoint_row, t.updatedAt',
    ],
    'a delete': [
      'DELETE FROM grain AS t USING unnest($1 like grain.id) WITH ORDINALITY AS v(c0, o) WHERE t.id = v.c0 AND (SELECT count(*) FROM (SELECT 1 FROM grain AS t WHERE t.id = ANY($1 like grain.id) ORDER BY t.id FOR UPDATE OF t) AS l) >= 0 RETURNING v.o AS flushpoint_row',
    ],
    'a versioned delete': [
      'DELETE FROM berth AS t USING unnest($1 like berth.pier, $2 like berth.place, $3 like berth.version) WITH ORDINALITY AS v(c0, c1, c2, o) WHERE t.pier = v.c0 AND t.place = v.c1 AND t.version = v.c2 AND (SELECT count(*) FROM (SELECT 1 FROM berth AS t JOIN unnest($1 like berth.pier, $2 like berth.place) AS k(c0, c1) ON t.pier = k.c0 AND t.place = k.c1 ORDER BY t.pier, t.place FOR UPDATE OF t) AS l) >= 0 RETURNING v.o AS flushpoint_row',
    ],
    'a soft removal': [
      'UPDATE grain AS t SET deletedAt = CURRENT_TIMESTAMP FROM unnest($1 like grain.id) WITH ORDINALITY AS v(c0, o) WHERE t.id = v.c0 AND (SELECT count(*) FROM (SELECT 1 FROM grain AS t WHERE t.id = ANY($1 like grain.id) ORDER BY t.id FOR NO KEY UPDATE OF t) AS l) >= 0 RETURNING v.o AS flushpoint_row, t.deletedAt',
    ],
    'a recovery': [
      'UPDATE grain AS t SET deletedAt = NULL FROM unnest($1 like grain.id) WITH ORDINALITY AS v(c0, o) WHERE t.id = v.c0 AND (SELECT count(*) FROM (SELECT 1 FROM grain AS t WHERE t.id = ANY($1 like grain.id) ORDER BY t.id FOR NO KEY UPDATE OF t) AS l) >= 0',
    ],
    links: [
      'INSERT INTO parcel_stamps_stamp (parcelId, stampCode) SELECT v.c0, v.c1 FROM unnest($1 like parcel_stamps_stamp.parcelId, $2 like parcel_stamps_stamp.stampCode) WITH ORDINALITY AS v(c0, c1, o) ORDER BY v.o',
    ],
    unlinks: [
      'DELETE FROM parcel_stamps_stamp AS t USING unnest($1 like parcel_stamps_stamp.parcelId, $2 like parcel_stamps_stamp.stampCode) WITH ORDINALITY AS v(c0, c1, o) WHERE t.parcelId = v.c0 AND t.stampCode = v.c1 AND (SELECT count(*) FROM (SELECT 1 FROM parcel_stamps_stamp AS t JOIN unnest($1 like parcel_stamps_stamp.parcelId, $2 like parcel_stamps_stamp.stampCode) AS k(c0, c1) ON t.parcelId = k.c0 AND t.stampCode = k.c1 ORDER BY t.parcelId, t.stampCode FOR UPDATE OF t) AS l) >= 0',
    ],
    'updates of two classes in one table': [
      'UPDATE vessel AS t SET decks = v.c1 FROM unnest($1 like vessel.id, $2 like vessel.decks) WITH ORDINALITY AS v(c0, c1, o) WHERE t.id = v.c0 AND t.kind IN ($3) AND (SELECT count(*) FROM (SELECT 1 FROM vessel AS t WHERE t.id = ANY($1 like vessel.id) ORDER BY t.id FOR NO KEY UPDATE OF t) AS l) >= 0',
      'UPDATE vessel AS t SET owner = v.c1 FROM unnest($1 like vessel.id, $2 like vessel.owner) WITH ORDINALITY AS v(c0, c1, o) WHERE t.id = v.c0 AND t.kind IN ($3) AND (SELECT count(*) FROM (SELECT 1 FROM vessel AS t WHERE t.id = ANY($1 like vessel.id) ORDER BY t.id FOR NO KEY UPDATE OF t) AS l) >= 0',
    ],
    'deletes of two classes in one table': [
      'DELETE FROM vessel AS t USING unnest($1 like vessel.id) WITH ORDINALITY AS v(c0, o) WHERE t.id = v.c0 AND t.kind IN ($2) AND (SELECT count(*) FROM (SELECT 1 FROM vessel AS t WHERE t.id = ANY($1 like vessel.id) ORDER BY t.id FOR UPDATE OF t) AS l) >= 0 RETURNING v.o AS flushpoint_row',
      'DELETE FROM vessel AS t USING unnest($1 like vessel.id) WITH ORDINALITY AS v(c0, o) WHERE t.id = v.c0 AND t.kind IN ($2) AND (SELECT count(*) FROM (SELECT 1 FROM vessel AS t WHERE t.id = ANY($1 like vessel.id) ORDER BY t.id FOR UPDATE OF t) AS l) >= 0 RETURNING v.o AS flushpoint_row',
    ],
  },
  mariadb: {
    'an insert with key, defaults and dates read back': [
      'INSERT INTO parcel (name, version) SELECT v.c0, ? FROM JSON_TABLE(?, c0 LONGTEXT) AS v ORDER BY v.o RETURNING id, place, weight, createdAt, updatedAt',
    ],
    'an insert of what is given': [
      'INSERT INTO grain (id, name) SELECT v.c0, v.c1 FROM JSON_TABLE(?, c0 LONGTEXT, c1 LONGTEXT) AS v ORDER BY v.o',
    ],
    'an update of one column': [
      'UPDATE JSON_TABLE(?, c0 BIGINT, c1 LONGTEXT) AS v STRAIGHT_JOIN grain AS t ON t.id = v.c0 SET t.size = v.c1',
    ],
    'an update of other columns in each row': [
      'UPDATE JSON_TABLE(?, c0 BIGINT, c1 LONGTEXT, c2 LONGTEXT, m BIGINT) AS v STRAIGHT_JOIN grain AS t ON t.id = v.c0 SET t.name = CASE WHEN v.m & 1 <> 0 THEN v.c1 ELSE t.name END, t.size = CASE WHEN v.m & 2 <> 0 THEN v.c2 ELSE t.size END',
    ],
    'a versioned update with the date read back': [
      'SELECT v.o AS flushpoint_row FROM JSON_TABLE(?, c0 BIGINT, c1 BIGINT) AS v STRAIGHT_JOIN parcel AS t ON t.id = v.c0 AND t.version = v.c1 FOR UPDATE',
      'UPDATE JSON_TABLE(?, c0 BIGINT, c1 BIGINT, c2 LONGTEXT) AS v STRAIGHT_JOIN parcel AS t ON t.id = v.c0 AND t.version = v.c1 SET t.weight = v.c2, t.version = t.version + 1, t.updatedAt = CURRENT_TIMESTAMP',
      'SELECT v.o AS flushpoint_row, t.updatedAt FROM JSON_TABLE(?, c0 BIGINT) AS v STRAIGHT_JOIN parcel AS t ON t.id = v.c0',
    ],
    'a delete': ['DELETE FROM grain WHERE id IN (?) ORDER BY id LIMIT 2 RETURNING id'],
    'a versioned delete': [
      'SELECT v.o AS flushpoint_row FROM JSON_TABLE(?, c0 VARCHAR(1024) CHARACTER SET ascii, c1 BIGINT, c2 BIGINT) AS v STRAIGHT_JOIN berth AS t ON t.pier = v.c0 AND t.place = v.c1 AND t.version = v.c2 FOR UPDATE',
      'DELETE t FROM JSON_TABLE(?, c0 VARCHAR(1024) CHARACTER SET ascii, c1 BIGINT, c2 BIGINT) AS v STRAIGHT_JOIN berth AS t ON t.pier = v.c0 AND t.place = v.c1 AND t.version = v.c2',
    ],
    'a soft removal': [
      'UPDATE JSON_TABLE(?, c0 BIGINT) AS v STRAIGHT_JOIN grain AS t ON t.id = v.c0 SET t.deletedAt = CURRENT_TIMESTAMP',
      'SELECT v.o AS flushpoint_row, t.deletedAt FROM JSON_TABLE(?, c0 BIGINT) AS v STRAIGHT_JOIN grain AS t ON t.id = v.c0',
    ],
    'a recovery': ['UPDATE JSON_TABLE(?, c0 BIGINT) AS v STRAIGHT_JOIN grain AS t ON t.id = v.c0 SET t.deletedAt = NULL'],
    links: [
      'INSERT INTO parcel_stamps_stamp (parcelId, stampCode) SELECT v.c0, v.c1 FROM JSON_TABLE(?, c0 LONGTEXT, c1 LONGTEXT) AS v ORDER BY v.o',
    ],
    unlinks: [
      'DELETE t FROM JSON_TABLE(?, c0 BIGINT, c1 VARCHAR(1024) CHARACTER SET ascii) AS v STRAIGHT_JOIN parcel_stamps_stamp AS t ON t.parcelId = v.c0 AND t.stampCode = v.c1',
    ],
    'updates of two classes in one table': [
      'UPDATE JSON_TABLE(?, c0 BIGINT, c1 LONGTEXT) AS v STRAIGHT_JOIN vessel AS t ON t.id = v.c0 AND t.kind IN (?) SET t.decks = v.c1',
      'UPDATE JSON_TABLE(?, c0 BIGINT, c1 LONGTEXT) AS v STRAIGHT_JOIN vessel AS t ON t.id = v.c0 AND t.kind IN (?) SET t.owner = v.c1',
    ],
    'deletes of two classes in one table': [
      'DELETE FROM vessel WHERE id IN (?) AND kind IN (?) ORDER BY id LIMIT 2 RETURNING id',
      'DELETE FROM vessel WHERE id IN (?) AND kind IN (?) ORDER BY id LIMIT 2 RETURNING id',
    ],
  },
  sqlite: {
    'an insert with key, defaults and dates read back': [
      'WITH flushpoint_rows AS MATERIALIZED (SELECT c0, o FROM json_each(?)) INSERT INTO parcel (name, version) SELECT v.c0, ? FROM flushpoint_rows AS v ORDER BY v.o RETURNING id, place, weight, createdAt, updatedAt',
    ],
    'an insert of what is given': [
      'INSERT INTO grain (id, name) SELECT v.c0, v.c1 FROM (SELECT c0, c1, o FROM json_each(?) LIMIT -1) AS v ORDER BY v.o',
    ],
    'an update of one column': [
      'UPDATE grain AS t SET size = v.c1 FROM (SELECT c0, c1, o FROM json_each(?) LIMIT -1) AS v WHERE t.id = v.c0',
    ],
    'an update of other columns in each row': [
      'UPDATE grain AS t SET name = CASE WHEN v.m & 1 <> 0 THEN v.c1 ELSE t.name END, size = CASE WHEN v.m & 2 <> 0 THEN v.c2 ELSE t.size END FROM (SELECT c0, c1, c2, m, o FROM json_each(?) LIMIT -1) AS v WHERE t.id = v.c0',
    ],
    'a versioned update with the date read back': [
      'WITH flushpoint_rows AS MATERIALIZED (SELECT c0, c1, c2, o FROM json_each(?)) UPDATE parcel AS t SET weight = v.c2, version = t.version + 1, updatedAt = CURRENT_TIMESTAMP FROM flushpoint_rows AS v WHERE t.id = v.c0 AND t.version = v.c1 RETURNING id, updatedAt',
    ],
    'a delete': [
      'WITH flushpoint_rows AS MATERIALIZED (SELECT c0, o FROM json_each(?)) DELETE FROM grain WHERE id IN (SELECT v.c0 FROM flushpoint_rows AS v) RETURNING id',
    ],
    'a versioned delete': [
      'WITH flushpoint_rows AS MATERIALIZED (SELECT c0, c1, c2, o FROM json_each(?)) DELETE FROM berth WHERE (pier, place, version) IN (SELECT v.c0, v.c1, v.c2 FROM flushpoint_rows AS v) RETURNING pier, place',
    ],
    'a soft removal': [
      'WITH flushpoint_rows AS MATERIALIZED (SELECT c0, o FROM json_each(?)) UPDATE grain AS t SET deletedAt = CURRENT_TIMESTAMP FROM flushpoint_rows AS v WHERE t.id = v.c0 RETURNING id, deletedAt',
    ],
    'a recovery': ['UPDATE grain AS t SET deletedAt = NULL FROM (SELECT c0, o FROM json_each(?) LIMIT -1) AS v WHERE t.id = v.c0'],
    links: [
      'INSERT INTO parcel_stamps_stamp (parcelId, stampCode) SELECT v.c0, v.c1 FROM (SELECT c0, c1, o FROM json_each(?) LIMIT -1) AS v ORDER BY v.o',
    ],
    unlinks: [
      'DELETE FROM parcel_stamps_stamp WHERE (parcelId, stampCode) IN (SELECT v.c0, v.c1 FROM (SELECT c0, c1, o FROM json_each(?) LIMIT -1) AS v)',
    ],
    'updates of two classes in one table': [
      'UPDATE vessel AS t SET decks = v.c1 FROM (SELECT c0, c1, o FROM json_each(?) LIMIT -1) AS v WHERE t.id = v.c0 AND +t.kind IN (?)',
      'UPDATE vessel AS t SET owner = v.c1 FROM (SELECT c0, c1, o FROM json_each(?) LIMIT -1) AS v WHERE t.id = v.c0 AND +t.kind IN (?)',
    ],
    'deletes of two classes in one table': [
      'WITH flushpoint_rows AS MATERIALIZED (SELECT c0, o FROM json_each(?)) DELETE FROM vessel WHERE id IN (SELECT v.c0 FROM flushpoint_rows AS v) AND kind IN (?) RETURNING id',
      'WITH flushpoint_rows AS MATERIALIZED (SELECT c0, o FROM json_each(?)) DELETE FROM vessel WHERE id IN (SELECT v.c0 FROM flushpoint_rows AS v) AND kind IN (?) RETURNING id',
    ],
  },
}

/**
 * Without quotes, and without what is repeated for each column: `JSON_TABLE(?, c0 BIGINT) AS v`, `(SELECT c0, o FROM json_each(?)) AS v`; where
 * PostgreSQL is asked for the type of a column: `unnest($1 like grain.id) AS v`.
 */
export function shapeOf(sql: string): string {
  return sql
    .replace(/["`]/g, '')
    .replace(/ PATH '\$\[\d+\]' ERROR ON ERROR/g, '')
    .replace(/'\$\[\*\]' COLUMNS \(o FOR ORDINALITY, (.*?)\)\) AS v/g, '$1) AS v')
    .replace(/json_extract\(value, '\$\[\d+\]'\) AS (\w+)/g, '$1')
    .replace(/value AS c0/g, 'c0')
    .replace(/key \+ 1 AS o/g, 'o')
    .replace(/COALESCE\(\(SELECT array_agg\(x\.(\w+)\) FROM (?:flushpoint_\w+\.)?(\w+) AS x WHERE false\), (\$\d+)\)/g, '$3 like $2.$1')
}
