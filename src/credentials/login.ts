import { ImageError, isRecord, parseImageName } from "../image/index.ts";
import type { CredentialDocument } from "./credential-document.ts";
import { CredentialError } from "./credential-error.ts";
import { eraseFromHelper, storeInHelper } from "./credential-helper.ts";
import { formatCredentialKey, parseCredentialKey, type CredentialKey } from "./credential-key.ts";
import {
  absolutePath,
  fileOfVariable,
  runtimeFile,
  type CredentialSurroundings,
} from "./credential-places.ts";
import { editCredentialFile, readCredentialDocument } from "./edit-credential-file.ts";
import { helperFor } from "./file-credentials.ts";
import { passwordCredential, type PasswordCredential } from "./make-credential.ts";
import type { HelperSurroundings } from "./run-helper.ts";

/** Somebody at a registry. */
export interface Login {
  readonly key: CredentialKey;
  readonly credential: PasswordCredential;
}

/**
 * The credential that somebody logs in with.
 *
 * @throws CredentialError `CREDENTIALS_INVALID` for an empty user name or password, or a user name
 *   with a colon
 */
export function loginCredential(username: string, password: string): PasswordCredential {
  const called = "the login";
  const fail = (reason: string): CredentialError =>
    new CredentialError("CREDENTIALS_INVALID", `${called}: ${reason}`);
  return passwordCredential({ username, password }, { called, fail });
}

/**
 * Reads what a user logs in to: `HOST[:PORT]`, or `HOST[:PORT]/PATH` for the repositories below it.
 *
 * @returns undefined for what no reference of an image can begin with
 */
export function parseLoginTarget(text: string): CredentialKey | undefined {
  const key = parseCredentialKey(text);
  const repository = key.path === "" ? "name" : key.path;
  try {
    // With one more name, so that the path may be of one part at Docker Hub, too.
    const name = parseImageName(`${key.host}/${repository}/name`);
    const isSame = name.domain === key.host && name.repository === `${repository}/name`;
    return isSame ? key : undefined;
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/**
 * The file that logins are kept in: the named one, else that of `REGISTRY_AUTH_FILE`, else podman's.
 *
 * @see registry.md §5.3
 */
export function loginFile(
  authFile: string | undefined,
  surroundings: CredentialSurroundings,
): string {
  if (authFile !== undefined) return absolutePath(authFile, surroundings);
  return fileOfVariable(surroundings)?.path ?? runtimeFile(surroundings);
}

/**
 * Keeps a login in the file at `path`, or, for a whole registry, in the helper that the file names
 * for it. What else the file has stays.
 *
 * @returns where it is kept, for people
 * @throws CredentialError `CREDENTIALS_FILE`, `CREDENTIAL_HELPER`
 */
export async function saveLogin(
  path: string,
  { key, credential }: Login,
  surroundings: HelperSurroundings,
  signal: AbortSignal,
): Promise<string> {
  const document = await readCredentialDocument(path);
  const helper = helperOf(document, key);
  if (helper !== undefined) {
    await storeInHelper(helper, credential, surroundings, signal);
    return `credential helper docker-credential-${helper.suffix}`;
  }
  const auth = Buffer.from(`${credential.username}:${credential.password.reveal()}`).toString(
    "base64",
  );
  const added = { [formatCredentialKey(key)]: { auth } };
  const add = (read: CredentialDocument): Readonly<Record<string, unknown>> => ({
    ...read.members,
    auths: { ...entriesOf(read), ...added },
  });
  await editCredentialFile(path, add, signal);
  return path;
}

/**
 * Removes a login from the file at `path`, however it is spelled there, and from the helper that the
 * file names for its registry. One for a whole registry leaves those for paths of it.
 *
 * @returns whether there was one
 * @throws CredentialError `CREDENTIALS_FILE`, `CREDENTIAL_HELPER`
 */
export async function removeLogin(
  path: string,
  key: CredentialKey,
  surroundings: HelperSurroundings,
  signal: AbortSignal,
): Promise<boolean> {
  const document = await readCredentialDocument(path);
  const helper = helperOf(document, key);
  const isErased = helper !== undefined && (await eraseFromHelper(helper, surroundings, signal));
  const wanted = formatCredentialKey(key);
  const isOther = ([text]: [string, unknown]): boolean =>
    formatCredentialKey(parseCredentialKey(text)) !== wanted;
  const isRemoved = await keepEntries(path, isOther, signal);
  return isErased || isRemoved;
}

/**
 * Removes all logins from the file at `path`, and from the helpers that it names for registries.
 *
 * @returns whether there was one
 * @throws CredentialError `CREDENTIALS_FILE`, `CREDENTIAL_HELPER`
 */
export async function removeAllLogins(
  path: string,
  surroundings: HelperSurroundings,
  signal: AbortSignal,
): Promise<boolean> {
  const document = await readCredentialDocument(path);
  let isErased = false;
  for (const [server, suffix] of document.helpers) {
    if (suffix === "") continue;
    if (await eraseFromHelper({ suffix, server }, surroundings, signal)) isErased = true;
  }
  const isRemoved = await keepEntries(path, () => false, signal);
  return isErased || isRemoved;
}

/** Helpers know whole registries alone. */
function helperOf(
  document: CredentialDocument,
  { host, path }: CredentialKey,
): ReturnType<typeof helperFor> {
  return path === "" ? helperFor(document, host) : undefined;
}

/** The entries as they stand in the file, with members that siflet does not know. */
function entriesOf({ members }: CredentialDocument): Readonly<Record<string, unknown>> {
  const { auths } = members;
  return isRecord(auths) ? auths : {};
}

/** @returns whether the file had others, and so was written */
async function keepEntries(
  path: string,
  isKept: (entry: [string, unknown]) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const keep = (read: CredentialDocument): Readonly<Record<string, unknown>> | undefined => {
    const entries = Object.entries(entriesOf(read));
    const kept = entries.filter((entry) => isKept(entry));
    if (kept.length === entries.length) return undefined;
    return { ...read.members, auths: Object.fromEntries(kept) };
  };
  return await editCredentialFile(path, keep, signal);
}
