import type { HttpClient } from "../http/index.ts";
import type { OpenPgpKey, OpenPgpKeys } from "../signing/index.ts";
import { KEY_SERVER_TIMEOUT_MS, pullKey } from "./key-server.ts";
import { KeysError } from "./keys-error.ts";

/** What servers are asked with. */
export interface ServerKeysOptions {
  readonly servers: readonly URL[];
  /** Opened for each key that is asked for; disposing closes it. */
  readonly openClient: () => Promise<HttpClient & AsyncDisposable>;
  /** Told why no server could answer: the key is unknown then. */
  readonly onFailure: (message: string) => void;
}

/**
 * Key servers as a place that keys of signers are found in. Whoever sends a key to a server makes it known
 * so: it proves that a file is as its signer made it, and who counts a policy says by fingerprint. A
 * signature whose file does not name its key in full is not looked up.
 */
export class ServerKeys implements OpenPgpKeys {
  readonly #options: ServerKeysOptions;
  readonly #found = new Map<string, Promise<readonly OpenPgpKey[]>>();

  constructor(options: ServerKeysOptions) {
    this.#options = options;
  }

  async find(
    { fingerprint }: { readonly fingerprint: string | undefined },
    signal: AbortSignal,
  ): Promise<readonly OpenPgpKey[]> {
    if (fingerprint === undefined) return [];
    const found = this.#found.get(fingerprint) ?? this.#ask(fingerprint, signal);
    this.#found.set(fingerprint, found);
    return await found;
  }

  async #ask(fingerprint: string, signal: AbortSignal): Promise<readonly OpenPgpKey[]> {
    const { servers, openClient, onFailure } = this.#options;
    await using client = await openClient();
    try {
      const options = { timeoutMs: KEY_SERVER_TIMEOUT_MS };
      return [await pullKey(fingerprint, servers, client, options, signal)];
    } catch (error) {
      if (!(error instanceof KeysError)) throw error;
      if (error.code !== "KEY_NOT_FOUND") onFailure(error.message);
      return [];
    }
  }
}
