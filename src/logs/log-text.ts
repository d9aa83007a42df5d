import type { Secret } from "../base/index.ts";
import { terminalText } from "../http/index.ts";

const MAX_CHARS = 2000;
const MASK = "[redacted]";
/** Who chose a shorter one is not helped by a text in which every such word is masked. */
const LEAST_SECRET_CHARS = 4;

/** Lengths have bounds, so that no text takes long. */
const URL_TEXT =
  /([a-z][a-z0-9+.-]{0,20}:\/\/)(?:[^\s/@"']{1,500}@)?([^\s?#"']*)(?:[?#][^\s"']*)?/gi;
/** With something that words have not: `Basic authentication` is no credential. */
const AUTHORIZATION =
  /\b([Bb]earer|BEARER|[Bb]asic|BASIC) +(?=[a-z]{0,500}(?:[A-Z0-9+/=_-]|\.\w))[\w.~+/=-]+/g;

/**
 * One line as a log may show it, whoever wrote it: without control characters, at most 2000 of the others;
 * URLs without user and query, what an `Authorization` header carries and every one of `secrets` masked.
 */
export function logText(text: string, secrets: readonly Secret[]): string {
  let safe = text;
  // The longest first: a shorter one may be a part of it.
  const hidden = secrets
    .map((secret) => secret.reveal())
    .filter(({ length }) => length >= LEAST_SECRET_CHARS)
    .sort((one, other) => other.length - one.length);
  for (const value of hidden) safe = safe.replaceAll(value, MASK);
  safe = safe.replace(URL_TEXT, "$1$2").replace(AUTHORIZATION, `$1 ${MASK}`);
  return terminalText(safe, MAX_CHARS);
}
