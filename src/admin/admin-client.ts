import { connect } from "node:net";
import { Code, ConnectError, createClient, type Client } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { AdminService, MAX_MESSAGE_BYTES, type AdminMessage } from "../wire/index.ts";
import { AdminError } from "./admin-error.ts";

/** A unix socket has no name of a host; every server takes this one. */
const BASE_URL = "http://localhost";

/** Asks a daemon of this machine. */
export class AdminClient implements Disposable {
  readonly #socket: string;
  readonly #sessions: Http2SessionManager;
  readonly #client: Client<typeof AdminService>;

  /** @param socket - path of the daemon's socket */
  constructor(socket: string) {
    this.#socket = socket;
    const createConnection = (): ReturnType<typeof connect> => connect({ path: socket });
    this.#sessions = new Http2SessionManager(BASE_URL, undefined, { createConnection });
    this.#client = createClient(
      AdminService,
      createGrpcTransport({
        baseUrl: BASE_URL,
        sessionManager: this.#sessions,
        readMaxBytes: MAX_MESSAGE_BYTES,
      }),
    );
  }

  /**
   * The pulls that the daemon is at.
   *
   * @throws AdminError `DAEMON_UNREACHABLE`, `DAEMON_REFUSED`; the signal's reason when aborted
   */
  async pulls(signal: AbortSignal): Promise<readonly AdminMessage<"Pull">[]> {
    try {
      return (await this.#client.listPulls({}, { signal })).pulls;
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  /**
   * The same at once, and again whenever something about them has changed, until the daemon stops.
   *
   * @throws as `pulls`
   */
  async *watchPulls(signal: AbortSignal): AsyncGenerator<readonly AdminMessage<"Pull">[], void> {
    try {
      for await (const { pulls } of this.#client.watchPulls({}, { signal })) yield pulls;
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#sessions.abort();
  }

  #failure(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    const { code, rawMessage } = ConnectError.from(error);
    const isUnreachable = code === Code.Unavailable || code === Code.Internal;
    return new AdminError(
      isUnreachable ? "DAEMON_UNREACHABLE" : "DAEMON_REFUSED",
      isUnreachable
        ? `${this.#socket}: expected a daemon to answer, got none: ${rawMessage}`
        : `${this.#socket}: the daemon refused: ${rawMessage}`,
      { cause: error },
    );
  }
}
