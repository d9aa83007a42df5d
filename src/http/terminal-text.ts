// C0 and C1 controls, line and paragraph separators, bidirectional marks and zero-width characters.
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/**
 * Makes one harmless line of a text that a server sent: escape sequences lose their escape, line
 * breaks become spaces, and what is longer than `maxChars` is cut with an ellipsis.
 */
export function terminalText(text: string, maxChars: number): string {
  const line = text.replace(UNPRINTABLE, " ").replace(/ {2,}/g, " ").trim();
  // `toWellFormed`: the cut may have halved a surrogate pair.
  return line.length <= maxChars
    ? line.toWellFormed()
    : `${line.slice(0, maxChars - 1).toWellFormed()}…`;
}
