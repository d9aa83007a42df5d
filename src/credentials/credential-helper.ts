import { ImageError, isRecord, parseStrictJson } from "../image/index.ts";
import type { Credential } from "../registry/index.ts";
import {
  makeCredential,
  type CredentialOrigin,
  type PasswordCredential,
} from "./make-credential.ts";
import {
  helperError,
  runHelper,
  type HelperAnswer,
  type HelperSurroundings,
} from "./run-helper.ts";

/** What helpers say where they know nothing of a server; all else is a failure. */
const NOT_FOUND = "credentials not found in native keychain";
/** The user name that says of a secret that it is an identity token. */
const TOKEN_USER = "<token>";
const MAX_SHOWN = 200;

/** A helper and the server that it is asked about, as the protocol calls it. */
export interface HelperServer {
  /** What the helper's program is called behind `docker-credential-`. */
  readonly suffix: string;
  /** `https://index.docker.io/v1/`, `quay.io`. */
  readonly server: string;
}

/**
 * Asks a credential helper.
 *
 * @returns undefined where it knows none
 * @throws CredentialError `CREDENTIAL_HELPER`, also as `runHelper` does
 * @see registry.md §5.2
 */
export async function getFromHelper(
  { suffix, server }: HelperServer,
  surroundings: HelperSurroundings,
  signal: AbortSignal,
): Promise<Credential | undefined> {
  return credentialIn(await runHelper(suffix, "get", `${server}\n`, surroundings, signal), suffix);
}

/**
 * What a helper answered to `get`.
 *
 * @returns undefined where it knows none
 * @throws CredentialError `CREDENTIAL_HELPER`; its message tells nothing of what may be a secret
 */
export function credentialIn(answer: HelperAnswer, suffix: string): Credential | undefined {
  if (isNotFound(answer)) return undefined;
  requireSuccess(answer, suffix, "get");
  const called = `credential helper docker-credential-${suffix}`;
  const origin: CredentialOrigin = {
    called,
    fail: (reason) => helperError(`${called}: ${reason}`),
  };
  const { username, secret } = parseAnswer(answer.output, called);
  const fields =
    username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
  return makeCredential(fields, origin, { prefersAuth: false });
}

/** @throws CredentialError `CREDENTIAL_HELPER`, also as `runHelper` does */
export async function storeInHelper(
  { suffix, server }: HelperServer,
  { username, password }: PasswordCredential,
  surroundings: HelperSurroundings,
  signal: AbortSignal,
): Promise<void> {
  const input = JSON.stringify({
    ServerURL: server,
    Username: username,
    Secret: password.reveal(),
  });
  requireSuccess(await runHelper(suffix, "store", input, surroundings, signal), suffix, "store");
}

/**
 * @returns whether there was something to erase, as far as the helper says
 * @throws CredentialError `CREDENTIAL_HELPER`, also as `runHelper` does
 */
export async function eraseFromHelper(
  { suffix, server }: HelperServer,
  surroundings: HelperSurroundings,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await runHelper(suffix, "erase", `${server}\n`, surroundings, signal);
  if (isNotFound(answer)) return false;
  requireSuccess(answer, suffix, "erase");
  return true;
}

function isNotFound({ succeeded, output }: HelperAnswer): boolean {
  return !succeeded && output.trim() === NOT_FOUND;
}

function requireSuccess({ succeeded, output }: HelperAnswer, suffix: string, action: string): void {
  if (succeeded) return;
  const said = output.trim();
  // Words may be shown; what may be an answer with a secret in it may not.
  const isShown = said !== "" && !/[{}"]/.test(said);
  throw helperError(
    `credential helper docker-credential-${suffix}: ${action} failed` +
      (isShown ? `: ${said.slice(0, MAX_SHOWN).toWellFormed()}` : ""),
  );
}

interface ParsedAnswer {
  readonly username: string;
  readonly secret: string;
}

function parseAnswer(output: string, called: string): ParsedAnswer {
  const answer = parseJson(output, called);
  const username = isRecord(answer) ? answer["Username"] : undefined;
  const secret = isRecord(answer) ? answer["Secret"] : undefined;
  if (typeof username === "string" && typeof secret === "string") return { username, secret };
  throw helperError(`${called}: expected an object with Username and Secret, got something else`);
}

function parseJson(output: string, called: string): unknown {
  try {
    return parseStrictJson(Buffer.from(output), called);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw helperError(error.message);
  }
}
