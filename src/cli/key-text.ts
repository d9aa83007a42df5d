import { FINGERPRINT_FORM, parseFingerprint, type KeptKey } from "../keys/index.ts";
import type { Certificate, KeyFacts } from "../signing/index.ts";
import { usageError } from "./cli-error.ts";
import { printable } from "./printable.ts";
import { formatTable } from "./table.ts";

/** @throws CliError `USAGE` for what is no full fingerprint */
export function fingerprintOf(text: string, command: string): string {
  const fingerprint = parseFingerprint(text);
  if (fingerprint !== undefined) return fingerprint;
  throw usageError(`${command}: expected ${FINGERPRINT_FORM}, got ${JSON.stringify(text)}`);
}

/** One row for each key that was to be kept: what changed, which kind, its fingerprint, whose it says it is. */
export function keptText(kept: readonly KeptKey[]): string {
  return formatTable(
    kept.map(({ key, change }) => [
      change,
      key.isPrivate() ? "secret" : "public",
      key.getFingerprint(),
      userText(key),
    ]),
  );
}

/** Whose a key says it is; `-` where it does not say. */
export function userText(key: Certificate): string {
  const [first, ...more] = key.getUserIDs();
  if (first === undefined) return "-";
  return printable(first) + (more.length === 0 ? "" : ` (+${more.length})`);
}

/** `valid`, or why not. */
export function stateOf({ isRevoked, expiresAt }: KeyFacts, now: number): string {
  if (isRevoked) return "revoked";
  return (expiresAt ?? Infinity) <= now ? "expired" : "valid";
}

/** `2026-01-02` */
export function dateText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
