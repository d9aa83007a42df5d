import { HttpError, readUpTo, type HttpClient } from "../http/index.ts";
import {
  mergedKey,
  parseKeys,
  SigningError,
  type Certificate,
  type OpenPgpKey,
} from "../signing/index.ts";
import { KeysError } from "./keys-error.ts";

/** Some thousand signatures of others. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Longer nobody waits for one server while there is another one. */
export const KEY_SERVER_TIMEOUT_MS = 5000;

export interface KeyServerOptions {
  /** How long one server may take in all, up to its last byte. */
  readonly timeoutMs: number;
}

/** Why one server gave no key. */
interface Failure {
  readonly server: string;
  readonly reason: string;
  /** Whether it said that it has none. */
  readonly isAbsent: boolean;
  readonly cause?: unknown;
}

/**
 * Gets a key from the first of several key servers that has it. What a server sends proves nothing but
 * that it is the key of this fingerprint: whose it is, whoever asks must know from elsewhere.
 *
 * @param fingerprint - as `parseFingerprint` answers it; certificates with another one are dropped
 * @param servers - http or https; `/pks/lookup` is put behind their paths
 * @throws KeysError `KEY_NOT_FOUND` where every server says that it has none; `KEY_SERVER` where one of
 *   them said or did something else; each one's reason is told. The signal's reason when aborted
 * @see library.md §11; draft-gallagher-openpgp-hkp
 */
export async function pullKey(
  fingerprint: string,
  servers: readonly URL[],
  client: HttpClient,
  { timeoutMs }: KeyServerOptions,
  signal: AbortSignal,
): Promise<OpenPgpKey> {
  const failures: Failure[] = [];
  for (const server of servers) {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const either = AbortSignal.any([signal, timeout]);
      const found = await ask(server, fingerprint, client, either);
      if ("key" in found) return found;
      failures.push(found);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(failureOf(server, error, timeout, timeoutMs));
    }
  }
  const isAbsent = failures.every((failure) => failure.isAbsent);
  const reasons = failures.map(({ server, reason }) => `${server}: ${reason}`);
  throw new KeysError(
    isAbsent ? "KEY_NOT_FOUND" : "KEY_SERVER",
    `no key server has the key ${fingerprint}: ${reasons.join("; ")}`,
    { cause: failures.find(({ cause }) => cause !== undefined)?.cause },
  );
}

async function ask(
  server: URL,
  fingerprint: string,
  client: HttpClient,
  signal: AbortSignal,
): Promise<OpenPgpKey | Failure> {
  const source = server.href;
  const refuse = (reason: string, isAbsent = false): Failure => ({
    server: source,
    reason,
    isAbsent,
  });
  // Once: there may be another server, and the next try is the user's.
  const request = { method: "GET", url: lookupUrl(server, fingerprint), tries: 1 } as const;
  const response = await client.request(request, signal);
  if (response.status < 200 || response.status > 299) {
    response.discard();
    const isAbsent = response.status === 404 || response.status === 410;
    return refuse(isAbsent ? "it has no such key" : `status ${response.status}`, isAbsent);
  }
  const { bytes, more } = await readUpTo(response, MAX_ANSWER_BYTES);
  if (more) return refuse(`expected at most ${MAX_ANSWER_BYTES} bytes, got more`);
  const keys = await parseKeys(bytes, "its answer");
  if (keys.some((key) => key.isPrivate())) return refuse("expected public keys, got a secret one");
  const wanted = keys.filter((key) => key.getFingerprint() === fingerprint);
  const key = await joined(wanted);
  if (key !== undefined) return { key, source };
  const [other] = keys;
  return refuse(
    other === undefined ? "it sent no key" : `it sent another key, ${other.getFingerprint()}`,
  );
}

function lookupUrl(server: URL, fingerprint: string): URL {
  const path = server.pathname.replace(/\/*$/, "/pks/lookup");
  const query = `op=get&options=mr&exact=on&search=0x${fingerprint.toUpperCase()}`;
  return new URL(`${path}?${query}`, server);
}

/** One key of all that a server has of it. */
async function joined(keys: readonly Certificate[]): Promise<Certificate | undefined> {
  let [key] = keys;
  for (const more of keys.slice(1)) key = key && (await mergedKey(key, more));
  return key;
}

function failureOf(
  { href }: URL,
  error: unknown,
  timeout: AbortSignal,
  timeoutMs: number,
): Failure {
  if (timeout.aborted) {
    return { server: href, reason: `no whole answer within ${timeoutMs} ms`, isAbsent: false };
  }
  if (!(error instanceof HttpError || error instanceof SigningError)) throw error;
  return { server: href, reason: error.message, isAbsent: false, cause: error };
}
