/**
 * Context and session info with types of the program's own.
 *
 * Checked by the compiler, never run. Declarations merge into the whole program, so they use names no other file relies on; `actor`,
 * `tenant` and `requestId` are re-typed in just the way `traceparent` is here.
 *
 * @module
 */
import { currentContext, withContext, type Context, type Session } from 'flushpoint'

declare module 'flushpoint' {
  interface ContextTypes {
    traceparent: { traceId: string; sampled: boolean }
    shop: { id: number }
  }
  interface SessionInfo {
    typeTest: { created: object[] }
  }
}

export const traceId: Promise<string | undefined> = withContext(
  { traceparent: { traceId: 'a', sampled: true }, requestId: '1', shop: { id: 1 } },
  async () => Promise.resolve(currentContext().traceparent?.traceId),
)
export const plain: number = withContext({}, () => 1)
export const shop: number | undefined = currentContext().shop?.id
export const actor: unknown = currentContext().actor

// @ts-expect-error traceparent has been given a type
withContext({ traceparent: 'a' }, () => 1)
// @ts-expect-error a name nobody declared
withContext({ color: 'red' }, () => 1)
// @ts-expect-error requestId is a string
withContext({ requestId: 1 }, () => 1)
// @ts-expect-error a context ends with its function, so there must be one
withContext({ actor: 'me' })
// @ts-expect-error a context cannot be changed
currentContext().requestId = '2'

declare const session: Session
const context: Context = session.context
session.info.typeTest = { created: [] }
session.info['anything else'] = 1
session.info[Symbol('mine')] = 1
// @ts-expect-error typeTest has been given a type
session.info.typeTest = { created: 1 }
void context
