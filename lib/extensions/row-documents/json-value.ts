/**
 * What JSON can say.
 *
 * Types only.
 *
 * @module
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

export interface JsonObject {
  readonly [name: string]: JsonValue
}
