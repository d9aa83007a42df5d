const BLANK = /^[ \t]*(?:#(?:[^\p{Cc}]|\t)*)?\r?$/u;
const HEADER = /^[ \t]*\[aliases\][ \t]*(?:#(?:[^\p{Cc}]|\t)*)?\r?$/u;
const ALIAS =
  /^[ \t]*"(?<key>[\w./-]+)"[ \t]*=[ \t]*"[\w./:@-]*"[ \t]*(?:#(?:[^\p{Cc}]|\t)*)?\r?$/u;

/**
 * Whether the text is sound TOML with nothing in it but comments and one table of short names, written
 * plainly, as distributions lay down: such a file holds no rule for any registry. Loading a parser and
 * going through the hundreds of names would cost every pull some tens of milliseconds.
 */
export function isAliasesAlone(text: string): boolean {
  const keys = new Set<string>();
  let isInTable = false;
  for (const line of text.split("\n")) {
    if (BLANK.test(line)) continue;
    if (!isInTable) {
      if (!HEADER.test(line)) return false;
      isInTable = true;
      continue;
    }
    const key = ALIAS.exec(line)?.groups?.["key"];
    // Twice the same is no TOML: the parser tells where.
    if (key === undefined || keys.has(key)) return false;
    keys.add(key);
  }
  return true;
}
