import { Secret } from "../base/index.ts";

/** A token as a token service gave it. */
export interface Token {
  readonly secret: Secret;
  /** From then on, in milliseconds since 1970, it is worth less than the asking for a new one. */
  readonly renewAtMs: number;
}

/** For a missing or a shorter `expires_in`; services of old say nothing and mean a minute. */
const MIN_LIFE_MS = 60_000;
/** A bound for numbers beyond reason; a new token a day costs nothing. */
const MAX_LIFE_MS = 24 * 3600 * 1000;
const MIN_SPARE_MS = 10_000;
/** Visible ASCII: all that can stand in a header. */
const TOKEN = /^[\x21-\x7e]+$/;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d/;

/**
 * Reads a token service's answer: JSON with `token` or `access_token`, `expires_in` in seconds and
 * `issued_at`.
 *
 * @param receivedAtMs - milliseconds since 1970
 * @returns undefined for what is no such answer; why not is not told, since it might quote a token
 * @see registry.md §2.2; distribution, token authentication specification
 */
export function parseTokenAnswer(body: Uint8Array, receivedAtMs: number): Token | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof answer !== "object" || answer === null) return undefined;
  const members = new Map<string, unknown>(Object.entries(answer));
  const text = [members.get("token"), members.get("access_token")].find(isToken);
  if (text === undefined) return undefined;
  const renewAtMs = renewal(members.get("expires_in"), members.get("issued_at"), receivedAtMs);
  return { secret: new Secret(text), renewAtMs };
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && TOKEN.test(value);
}

function renewal(expiresIn: unknown, issuedAt: unknown, receivedAtMs: number): number {
  const seconds = typeof expiresIn === "number" ? expiresIn : 0;
  const lifeMs = Math.min(MAX_LIFE_MS, Math.max(MIN_LIFE_MS, seconds * 1000));
  const usableMs = lifeMs - Math.max(MIN_SPARE_MS, lifeMs / 10);
  const issued =
    typeof issuedAt === "string" && RFC3339.test(issuedAt) ? Date.parse(issuedAt) : NaN;
  const ageMs = Math.max(0, receivedAtMs - issued);
  // Too old on arrival means that the clocks differ; believing it would ask for every request.
  return receivedAtMs + (ageMs < usableMs ? usableMs - ageMs : usableMs);
}
