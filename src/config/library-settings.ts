import { ProblemAt, Secret, type LocatedEntry, type LocatedValue } from "../base/index.ts";
import { isPlainHttpHost } from "./plain-http-host.ts";
import { booleanKind, pathKind, scalarOf, type ValueKind } from "./value-kinds.ts";

/** How one library is reached, and as whom; what is absent is the usual. */
export interface LibrarySettings {
  /** URL below which its API is; http says that it is spoken to without TLS. */
  readonly endpoint?: string;
  /** Absolute path of a file of PEM certificates to trust besides the usual ones. */
  readonly ca?: string;
  /** Shown to the library; of several kinds this one counts, then the file. */
  readonly token?: Secret;
  /** Absolute path of a file that holds the token. */
  readonly tokenFile?: string;
  /** Environment variable that holds it. */
  readonly tokenEnv?: string;
  /** Whether it may leave out of what bytes its images are. */
  readonly unverified?: boolean;
}

export type Libraries = Readonly<Record<string, LibrarySettings>>;

const KEYS = ["endpoint", "ca", "token", "tokenFile", "tokenEnv", "unverified"] as const;

/** Libraries by the hosts that references name. */
export const librariesKind: ValueKind<Libraries> = {
  parse(located) {
    return Object.fromEntries(
      entriesOf(located, "libraries by their hosts").map(({ key, value, line }) => {
        if (isPlainHttpHost(key)) return [key.toLowerCase(), parseLibrary(value)];
        const got = JSON.stringify(key);
        throw new ProblemAt(line, `expected a library as name or name:port, got ${got}`);
      }),
    );
  },
  format: (libraries) =>
    `{${Object.entries(libraries)
      .map(([host, settings]) => `${host}: {${formatLibrary(settings)}}`)
      .join(", ")}}`,
  toJson: (libraries) =>
    Object.fromEntries(Object.entries(libraries).map(([host, each]) => [host, shownLibrary(each)])),
};

function parseLibrary(located: LocatedValue): LibrarySettings {
  return entriesOf(located, `some of ${KEYS.join(", ")}`)
    .map(parseMember)
    .reduce((all, member) => ({ ...all, ...member }), {});
}

function parseMember({ key, value, line }: LocatedEntry): LibrarySettings {
  switch (key) {
    case "endpoint":
      return { endpoint: textOf(value, isEndpoint, "a URL with http or https, without a query") };
    case "ca":
      return { ca: pathKind.parse(value) };
    case "token":
      return { token: new Secret(textOf(value, isToken, "a token")) };
    case "tokenFile":
      return { tokenFile: pathKind.parse(value) };
    case "tokenEnv":
      return { tokenEnv: textOf(value, isVariable, "the name of an environment variable") };
    case "unverified":
      return { unverified: booleanKind.parse(value) };
    default:
      throw new ProblemAt(
        line,
        `unknown key ${JSON.stringify(key)}: expected one of ${KEYS.join(", ")}`,
      );
  }
}

/** Whether a library's API can begin below `text`. */
export function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

function isVariable(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

/** What is refused is not shown: it may be a token in a wrong place. */
function textOf(located: LocatedValue, isOne: (text: string) => boolean, expected: string): string {
  const value = scalarOf(located);
  if (typeof value === "string" && isOne(value)) return value;
  throw new ProblemAt(located.line, `expected ${expected}, got something else`);
}

function entriesOf(located: LocatedValue, expected: string): readonly LocatedEntry[] {
  if (located.kind === "map") return located.entries;
  throw new ProblemAt(located.line, `expected ${expected}, got something else`);
}

/** Without the token itself. */
function shownLibrary({
  token,
  ...rest
}: LibrarySettings): Readonly<Record<string, string | boolean>> {
  return { ...rest, ...(token && { token: token.toString() }) };
}

function formatLibrary(settings: LibrarySettings): string {
  return Object.entries(shownLibrary(settings))
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ");
}
