import { Secret } from "../base/index.ts";
import type { Credential } from "../registry/index.ts";
import type { CredentialError } from "./credential-error.ts";

/** What is given to be somebody; nothing and the empty text are the same. */
export interface CredentialFields {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Base64 of `user:password`. */
  readonly auth?: string | undefined;
  /** An OAuth2 refresh token. */
  readonly identityToken?: string | undefined;
  /** A ready bearer token. */
  readonly registryToken?: string | undefined;
}

/** A user with a password. */
export type PasswordCredential = Extract<Credential, { readonly kind: "password" }>;

/** Who gives credentials. */
export interface CredentialOrigin {
  /** For messages: `/run/containers/0/auth.json`, `the caller`. */
  readonly called: string;
  /** The error for fields that make no sense; `reason` tells nothing of them. */
  fail(reason: string): CredentialError;
}

const MAX_SHOWN = 100;
/** RFC 4648 §4, with the line ends that some writers put in. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** What can stand behind `Bearer `; RFC 6750 allows less. */
const BEARER = /^[\x21-\x7e]+$/;

/**
 * The credential that `fields` have: a registry token, else an identity token, else user name and
 * password, else `auth`.
 *
 * @param prefersAuth - whether `auth` comes before user name and password, as in files
 * @returns undefined where nothing is given
 * @throws what `origin` makes, for half a pair, what is no base64 of a pair, and what no header holds
 */
export function makeCredential(
  fields: CredentialFields,
  origin: CredentialOrigin,
  { prefersAuth }: { readonly prefersAuth: boolean },
): Credential | undefined {
  const { registryToken = "", identityToken = "", auth = "" } = fields;
  if (registryToken !== "") return registryTokenCredential(registryToken, origin);
  if (identityToken !== "") {
    const described = `the identity token of ${origin.called}`;
    return { kind: "identity-token", token: new Secret(identityToken), described };
  }
  const given = { username: fields.username ?? "", password: fields.password ?? "" };
  const isGiven = given.username !== "" || given.password !== "";
  const pair = auth !== "" && (prefersAuth || !isGiven) ? decodeAuth(auth, origin) : given;
  if (pair.username === "" && pair.password === "") return undefined;
  return passwordCredential(pair, origin);
}

interface Pair {
  readonly username: string;
  readonly password: string;
}

/**
 * The credential of a user.
 *
 * @throws what `origin` makes, for half a pair, and for a user name that basic authentication cannot
 *   tell from its password
 */
export function passwordCredential(
  { username, password }: Pair,
  origin: CredentialOrigin,
): PasswordCredential {
  if (username === "") throw origin.fail("expected a user name with the password, got none");
  if (password === "") throw origin.fail("expected a password with the user name, got none");
  if (username.includes(":")) throw origin.fail("expected a user name without a colon");
  const user = JSON.stringify(username.slice(0, MAX_SHOWN).toWellFormed());
  const described = `user ${user} of ${origin.called}`;
  return { kind: "password", username, password: new Secret(password), described };
}

function registryTokenCredential(token: string, origin: CredentialOrigin): Credential {
  if (!BEARER.test(token)) {
    throw origin.fail("expected a registry token of printable ASCII without spaces");
  }
  const described = `the registry token of ${origin.called}`;
  return { kind: "registry-token", token: new Secret(token), described };
}

/** @see registry.md §5.1: cut at the first colon, NULs at the end trimmed */
function decodeAuth(auth: string, origin: CredentialOrigin): Pair {
  // Old versions of Docker filled up with NULs, before and after encoding.
  const text = auth.replace(/[\r\n]/g, "").replace(/\0+$/, "");
  const pair = BASE64.test(text) ? decodeUtf8(Buffer.from(text, "base64")) : undefined;
  const colon = pair?.indexOf(":") ?? -1;
  if (pair === undefined || colon < 0) {
    throw origin.fail("expected auth as base64 of USER:PASSWORD, got something else");
  }
  return { username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, "") };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Without a cause: the decoder's own error is of no use, and its input is secret.
    return undefined;
  }
}
