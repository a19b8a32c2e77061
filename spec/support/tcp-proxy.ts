/**
 * Stands between a client and a server, so that specs can lose the connection without touching the server.
 *
 * @module
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'

export class TcpProxy {
  readonly #server: Server
  readonly #clients = new Set<Socket>()
  readonly #servers = new Set<Socket>()
  #isCut = false
  /** What was on its way when nothing went through any more, and who is told that it is. */
  #held: { readonly chunks: (() => void)[]; readonly arrived: () => void } | undefined
  /** How many bytes of clients still go through, and who is told when they have. */
  #budget: { bytes: number; readonly spent: () => void } | undefined

  private constructor(target: URL) {
    this.#server = createServer((client) => this.#accept(client, target))
  }

  static async open(target: URL): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The address of the target with the proxy in its place. */
  urlFor(target: URL): string {
    return Object.assign(new URL(target), { hostname: '127.0.0.1', port: String(this.port) }).toString()
  }

  /** Drops all connections, and lets none in until `restore`. */
  cut(): void {
    this.#isCut = true
    for (const client of this.#clients) client.destroy()
    for (const server of this.#servers) server.end() // what has got this far still arrives
  }

  /** Cuts when clients have sent this many more bytes: the server gets these and no more, and its answers to the last of them are lost. */
  cutAfter(bytes: number): Promise<void> {
    return new Promise((spent) => (this.#budget = { bytes, spent }))
  }

  restore(): void {
    this.#isCut = false
  }

  /** Connections stay, but nothing goes through until `release`. @returns A promise of the first that a client has sent in vain. */
  hold(): Promise<void> {
    return new Promise((arrived) => (this.#held = { chunks: [], arrived }))
  }

  release(): void {
    const held = this.#held
    this.#held = undefined
    for (const forward of held?.chunks ?? []) forward()
    this.#each((socket) => socket.resume())
  }

  async close(): Promise<void> {
    this.#each((socket) => socket.destroy())
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket, target: URL): void {
    if (this.#isCut) return void client.destroy()
    const server = connect(Number(target.port), target.hostname)
    const join = (from: Socket, to: Socket, all: Set<Socket>) => {
      all.add(from)
      from.setNoDelay(true)
      from.on('data', (chunk) => {
        const forward = () => void (from === client ? this.#forward(chunk, to) : to.write(chunk))
        if (this.#held === undefined) return forward()
        from.pause()
        this.#held.chunks.push(forward)
        if (from === client) this.#held.arrived()
      })
      from.on('error', () => to.destroy())
      from.on('end', () => to.end())
      from.on('close', () => to.end() && all.delete(from))
    }
    join(client, server, this.#clients)
    join(server, client, this.#servers)
  }

  #forward(chunk: Buffer, to: Socket): void {
    const budget = this.#budget
    if (budget === undefined || chunk.length < budget.bytes) {
      if (budget !== undefined) budget.bytes -= chunk.length
      return void to.write(chunk)
    }
    this.#budget = undefined
    to.write(chunk.subarray(0, budget.bytes))
    this.cut()
    budget.spent()
  }

  #each(act: (socket: Socket) => void): void {
    for (const socket of [...this.#clients, ...this.#servers]) act(socket)
  }
}
