/**
 * One word of a shell script that stands for `text` as it is, in every shell and in the
 * interpreter of the runtimes. A NUL, which no argument and no variable can hold, is left out.
 */
export function shellWord(text: string): string {
  const quoted = text
    .replaceAll("\0", "")
    // Not by a backslash: the runtimes' interpreter keeps one outside of quotes in an assignment.
    .replaceAll("'", `'"'"'`)
    // The runtimes' interpreter reads a carriage return before a line feed as nothing, even in
    // quotes: with the quotes closed and opened between the two they are no longer neighbours.
    .replaceAll("\r", "\r''");
  return `'${quoted}'`;
}

/** Lines that start `"$@"`: a program and its arguments. `action` is what the user called for. */
export function execArguments(action: string): string[] {
  return [
    // Some shells would take such a name for an option of `exec` and run the word after it.
    'case "$1" in',
    "-*)",
    `    echo "${action}: $1: the name of a program cannot begin with a dash" >&2`,
    "    exit 127",
    "    ;;",
    "esac",
    'exec "$@"',
  ];
}

/** A text file of these lines, each ended by a line feed. */
export function textLines(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
