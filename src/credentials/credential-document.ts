import { ImageError, isRecord, kindOf, parseStrictJson } from "../image/index.ts";
import { CredentialError } from "./credential-error.ts";
import type { CredentialFields } from "./make-credential.ts";

/**
 * - `config`: what Docker, podman and Apptainer have, with `auths`, `credHelpers` and `credsStore`
 * - `legacy`: `.dockercfg`, which is the `auths` alone
 */
export type CredentialFormat = "config" | "legacy";

/** A document of credentials; where several are for a registry, helpers come before entries. */
export interface CredentialDocument {
  /** All of it, so that what is written back loses nothing. */
  readonly members: Readonly<Record<string, unknown>>;
  /** By what they are for; `parseCredentialKey` reads it. */
  readonly auths: ReadonlyMap<string, CredentialFields>;
  /** Suffixes of helpers, by the registries that they know. */
  readonly helpers: ReadonlyMap<string, string>;
  /** Suffix of the helper that knows all others. */
  readonly store: string | undefined;
}

/**
 * Reads a document of credentials. One without anything but white space is like `{}`, as it is for
 * Docker.
 *
 * @param called - the document, for messages
 * @throws CredentialError `CREDENTIALS_FILE`; no message quotes what stands in it
 * @see registry.md §5.1 and §5.3
 */
export function parseCredentialDocument(
  bytes: Uint8Array,
  called: string,
  format: CredentialFormat,
): CredentialDocument {
  const value = parseJson(bytes, called);
  const members = recordOf(value, called, "an object");
  const auths = format === "legacy" ? members : optionalRecord(members["auths"], called, "auths");
  const helpers =
    format === "legacy" ? {} : optionalRecord(members["credHelpers"], called, "credHelpers");
  const store = format === "legacy" ? undefined : members["credsStore"];
  return {
    members,
    auths: new Map(
      Object.entries(auths).map(([key, entry]) => [key, fieldsOf(entry, called, key)]),
    ),
    helpers: new Map(
      Object.entries(helpers).map(([key, suffix]) => [
        key,
        textOf(suffix, called, `credHelpers of ${JSON.stringify(key)}`) ?? "",
      ]),
    ),
    store: textOf(store, called, "credsStore") || undefined,
  };
}

function parseJson(bytes: Uint8Array, called: string): unknown {
  if (Buffer.from(bytes).toString("latin1").trim() === "") return {};
  try {
    return parseStrictJson(bytes, called);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new CredentialError("CREDENTIALS_FILE", error.message);
  }
}

/** The members of an entry that say who somebody is; others are a matter of who wrote them. */
function fieldsOf(entry: unknown, called: string, key: string): CredentialFields {
  const what = `the entry for ${JSON.stringify(key)}`;
  if (entry === null) return {};
  const members = recordOf(entry, called, `${what} as an object`);
  const field = (name: string): string | undefined =>
    textOf(members[name], called, `${name} in ${what}`);
  return {
    username: field("username"),
    password: field("password"),
    auth: field("auth"),
    identityToken: field("identitytoken"),
    registryToken: field("registrytoken"),
  };
}

function optionalRecord(value: unknown, called: string, name: string): Record<string, unknown> {
  return value === undefined || value === null
    ? {}
    : recordOf(value, called, `${name} as an object`);
}

function recordOf(value: unknown, called: string, expected: string): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw malformed(called, expected, value);
}

function textOf(value: unknown, called: string, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw malformed(called, `${name} as a string`, value);
}

function malformed(called: string, expected: string, got: unknown): CredentialError {
  return new CredentialError(
    "CREDENTIALS_FILE",
    `${called}: expected ${expected}, got ${kindOf(got)}`,
  );
}
