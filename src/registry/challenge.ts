/** One challenge of a `WWW-Authenticate` header: what a server wants to see before it answers. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Values by lower-case name, in the order in which they came; a name may come several times. */
  readonly parameters: ReadonlyMap<string, readonly string[]>;
}

const GAP = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const EQUALS = /[ \t]*=[ \t]*/y;
// What other schemes (Negotiate) have in place of parameters.
const TOKEN68 = /[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
const QUOTED = /"(?:[^"\\]|\\[^])*"/y;
// More than the grammar's tokens: realms and scopes come without quotes too.
const BARE = /[^ \t,"]*/y;

/**
 * Reads the challenges of a `WWW-Authenticate` header, in order; several header lines joined by
 * commas are one header. Anything can be read: what is outside the grammar ends the reading, and
 * the challenges before it count. Missing commas are forgiven.
 *
 * @see registry.md §2.1; RFC 9110 §11.6.1
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string[]> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(header)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  while (true) {
    take(GAP);
    const word = take(TOKEN)?.toLowerCase();
    if (word === undefined) return challenges;
    if (take(EQUALS) === undefined) {
      challenges.push({ scheme: word, parameters: new Map<string, string[]>() });
      take(TOKEN68);
      continue;
    }
    const value = header[at] === '"' ? unquoted(take(QUOTED)) : take(BARE);
    if (value === undefined) return challenges; // a quote without its end
    const parameters = challenges.at(-1)?.parameters;
    parameters?.set(word, [...(parameters.get(word) ?? []), value]);
  }
}

function unquoted(quoted: string | undefined): string | undefined {
  return quoted?.slice(1, -1).replace(/\\([^])/g, "$1");
}
