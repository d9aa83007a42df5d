import type { Secret } from "../base/index.ts";
import type { HttpClient, TlsSettings } from "../http/index.ts";
import { LIBRARY_URI } from "../image/index.ts";

/** What a caller shows a library to be somebody. */
export interface LibraryToken {
  readonly secret: Secret;
  /** Where it comes from, for messages: `/etc/siflet/library.token`. */
  readonly described: string;
}

/** How one library is asked. */
export interface LibraryEndpoint {
  /** Where its API begins, with a slash at the end: `https://library.sylabs.io/`. */
  readonly api: URL;
  /**
   * The root of the host that named `api`, where nobody configured it: it is connected to only where
   * that one might send us, and shown a token only under the same domain.
   */
  readonly namedBy?: URL;
  readonly tls: TlsSettings | undefined;
  /** Whether somebody named this very URL with http. */
  readonly isPlainHttp: boolean;
  /** Whether its images may be of bytes that it does not promise. */
  readonly isUnverified: boolean;
  /** Shown to the origin of `api` and to nobody else. */
  readonly token: LibraryToken | undefined;
}

/** Who knows the endpoints of libraries. */
export interface LibraryHosts {
  /**
   * @param host - `cloud.sylabs.io`, or what a reference names with an optional port
   * @param warn - told what is wrong and yet no failure
   */
  endpointOf(
    host: string,
    warn: (message: string) => void,
    signal: AbortSignal,
  ): Promise<LibraryEndpoint>;
}

/** The API of the default library is not at the host by which its images are called. */
export const DEFAULT_LIBRARY_API = "https://library.sylabs.io/";

/**
 * A library as it is asked where nothing is configured.
 *
 * @see library.md §1
 */
export function usualEndpoint(
  host: string,
  client: Pick<HttpClient, "allowsPlainHttp">,
): LibraryEndpoint {
  const scheme = client.allowsPlainHttp(host) ? "http" : "https";
  return {
    api: new URL(host === LIBRARY_URI ? DEFAULT_LIBRARY_API : `${scheme}://${host}/`),
    tls: undefined,
    isPlainHttp: false,
    isUnverified: false,
    token: undefined,
  };
}
