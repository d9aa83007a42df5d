/** Long enough for every real name; a message is one line of a log. */
const MAX_SHOWN = 200;

/** A name as messages show it: as `redactName`, quoted, and cut to 200 characters. */
export function quoteName(text: string): string {
  return JSON.stringify(redactName(text).slice(0, MAX_SHOWN));
}

/**
 * A name without what looks like a password before an `@` or a query behind a `?`, for people paste whole
 * URLs.
 */
export function redactName(text: string): string {
  const digest = /@[a-z0-9]+:[0-9a-fA-F]*$/.exec(text)?.[0] ?? "";
  const name = text.slice(0, text.length - digest.length);
  const at = name.lastIndexOf("@");
  const shown = at < 0 ? name : `***${name.slice(at)}`;
  return shown.replace(/\?[^]*$/, "?…") + digest;
}
