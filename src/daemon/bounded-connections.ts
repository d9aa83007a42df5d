import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from "node:http2";

/** What a server lets its clients keep open. */
export interface ConnectionBounds {
  /** Connections; beyond them the one that was idle longest is closed. */
  readonly connections: number;
  /** Milliseconds in which a request has to arrive whole; so long at least an answer waits to be read. */
  readonly requestMs: number;
}

export const DEFAULT_BOUNDS: ConnectionBounds = { connections: 512, requestMs: 30_000 };

/**
 * Keeps clients from holding more than they need: connections that nobody uses, requests that never
 * end and answers that nobody reads; one that goes on, for somebody who watches, may wait. A client whose idle connection is closed opens another one when it needs it.
 */
export class BoundedConnections {
  readonly #bounds: ConnectionBounds;
  /** The one that was used longest ago first. */
  readonly #sessions = new Set<Http2Session>();
  readonly #busy = new Map<Http2Session, number>();
  readonly #streams = new Set<ServerHttp2Stream>();

  constructor(server: Http2Server, bounds: ConnectionBounds) {
    this.#bounds = bounds;
    server.on("session", (session) => {
      this.#came(session);
    });
    server.on("stream", (stream: ServerHttp2Stream) => {
      this.#began(stream);
    });
  }

  get sessions(): Iterable<Http2Session> {
    return this.#sessions;
  }

  /** Ends the calls whose client does not take what was sent to it: nobody there can be told of the end. */
  dropUnread(): void {
    for (const stream of this.#streams) {
      if (stream.writableLength > 0) stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  #came(session: Http2Session): void {
    this.#sessions.add(session);
    // What a client does wrong ends its own connection and nothing else.
    session.on("error", () => {
      session.destroy();
    });
    session.on("close", () => {
      this.#sessions.delete(session);
      this.#busy.delete(session);
    });
    if (this.#sessions.size > this.#bounds.connections) this.#closeIdlest(session);
  }

  /** Closes the connection that was idle longest; where all work, the one that came last. */
  #closeIdlest(last: Http2Session): void {
    for (const session of this.#sessions) {
      if (this.#busy.has(session) || session === last) continue;
      this.#sessions.delete(session);
      session.close();
      // One that never sent anything has no way to say goodbye.
      session.destroy();
      return;
    }
    last.destroy();
  }

  #began(stream: ServerHttp2Stream): void {
    const { session } = stream;
    if (session === undefined) return;
    this.#streams.add(stream);
    this.#busy.set(session, (this.#busy.get(session) ?? 0) + 1);
    const late = setTimeout(() => {
      if (stream.state.remoteClose !== 1) stream.close();
    }, this.#bounds.requestMs).unref();
    let wasUnread = false;
    const looks = setInterval(() => {
      // What was handed on in whole lies in memory until the client takes it.
      const isUnread = stream.writableEnded && !stream.writableFinished;
      if (isUnread && wasUnread) stream.close(constants.NGHTTP2_CANCEL);
      wasUnread = isUnread;
    }, this.#bounds.requestMs).unref();
    stream.on("close", () => {
      clearTimeout(late);
      clearInterval(looks);
      this.#streams.delete(stream);
      this.#ended(session);
    });
  }

  #ended(session: Http2Session): void {
    const left = (this.#busy.get(session) ?? 1) - 1;
    if (left > 0) {
      this.#busy.set(session, left);
      return;
    }
    this.#busy.delete(session);
    // Used just now: the last one to be closed.
    if (this.#sessions.delete(session)) this.#sessions.add(session);
  }
}
