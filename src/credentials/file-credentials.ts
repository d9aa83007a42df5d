import type { Credential, CredentialPlace, Credentials } from "../registry/index.ts";
import { canonicalHost, HUB_KEY, keysFor, parseCredentialKey } from "./credential-key.ts";
import {
  parseCredentialDocument,
  type CredentialDocument,
  type CredentialFormat,
} from "./credential-document.ts";
import { CredentialError } from "./credential-error.ts";
import { getFromHelper, type HelperServer } from "./credential-helper.ts";
import { makeCredential } from "./make-credential.ts";
import { readCredentialFile, unreadable } from "./read-credential-file.ts";
import type { HelperSurroundings } from "./run-helper.ts";

/** A file that credentials may be in. */
export interface CredentialFilePlace {
  readonly path: string;
  readonly format: CredentialFormat;
  /** Who named it, so that it must be there: `--authfile`, `REGISTRY_AUTH_FILE`; absent: nobody. */
  readonly namedBy?: string;
}

/**
 * The credentials of one file, which is read at every look-up: others write it. The entry with the
 * longest path is used; entries that say nothing are passed over. A helper for the registry comes
 * before the entries, and the one for all registries behind it.
 *
 * `find` throws CredentialError `CREDENTIALS_FILE` for a file that is malformed or cannot be read,
 * and for a named one that is not there; `CREDENTIAL_HELPER`.
 *
 * @see registry.md §5.1 and §5.3
 */
export function fileCredentials(
  place: CredentialFilePlace,
  helpers: HelperSurroundings,
): Credentials {
  return {
    find: async (wanted, signal) => {
      const bytes = await readCredentialFile(place.path);
      signal.throwIfAborted();
      if (bytes === undefined) {
        if (place.namedBy === undefined) return undefined;
        throw unreadable(place.path, `${place.namedBy} names it, and it is not there`);
      }
      const document = parseCredentialDocument(bytes, place.path, place.format);
      return await findInDocument(document, place.path, wanted, helpers, signal);
    },
  };
}

/** What `document`, which messages name as `called`, has for `wanted`. */
export async function findInDocument(
  document: CredentialDocument,
  called: string,
  wanted: CredentialPlace,
  helpers: HelperSurroundings,
  signal: AbortSignal,
): Promise<Credential | undefined> {
  const helper = helperFor(document, wanted.host);
  const kept = helper && (await getFromHelper(helper, helpers, signal));
  if (kept !== undefined) return kept;
  for (const key of keysFor(document.auths.keys(), wanted)) {
    const fail = (reason: string): CredentialError =>
      new CredentialError("CREDENTIALS_FILE", `${called}: entry ${JSON.stringify(key)}: ${reason}`);
    const fields = document.auths.get(key) ?? {};
    const found = makeCredential(fields, { called, fail }, { prefersAuth: true });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The helper that knows `host`, and what it knows it as; undefined where there is none. */
export function helperFor(
  { helpers, store }: Pick<CredentialDocument, "helpers" | "store">,
  host: string,
): HelperServer | undefined {
  const whole = { host, repository: "" };
  for (const key of keysFor(helpers.keys(), whole)) {
    const suffix = helpers.get(key) ?? "";
    // An empty one takes a registry away from the helper for all of them.
    return suffix === "" ? undefined : { suffix, server: key };
  }
  if (store === undefined) return undefined;
  const isHub = canonicalHost(host) === parseCredentialKey(HUB_KEY).host;
  return { suffix: store, server: isHub ? HUB_KEY : host };
}
