import { stat } from "node:fs/promises";
import {
  isErrno,
  ProblemAt,
  readAtMost,
  Secret,
  type LocatedEntry,
  type LocatedValue,
} from "../base/index.ts";
import { keyServerUrl, readYaml } from "../config/index.ts";
import { LibraryError } from "./library-error.ts";

const MAX_BYTES = 256 * 1024;

/** A key server of a remote. */
export interface RemoteKeyServer {
  /** With http or https. */
  readonly url: URL;
  /** Not to be asked, whatever the remote's own service says. */
  readonly isSkipped: boolean;
}

/** One remote of Singularity's or Apptainer's. */
export interface Remote {
  readonly name: string;
  /** Host (and path) of the service, without a scheme. */
  readonly uri: string;
  readonly token: Secret | undefined;
  /** The one that a site allows, and no other. */
  readonly isExclusive: boolean;
  /** Spoken to without TLS. */
  readonly isInsecure: boolean;
  /** In the order in which they are asked. */
  readonly keyServers: readonly RemoteKeyServer[];
}

/** What one file says. */
export interface Remotes {
  /** The name of the remote in use; undefined: none. */
  readonly active: string | undefined;
  readonly remotes: readonly Remote[];
}

/** The remotes of one file. */
export interface RemoteFile extends Remotes {
  readonly path: string;
  /** Whether others than its owner may read it, or it is somebody else's. */
  readonly isLoose: boolean;
}

/**
 * Reads a remote.yaml, strictly: a key that is not known may say that a remote is not meant.
 *
 * @param userId - whose file it should be
 * @returns undefined where there is none
 * @throws LibraryError `LIBRARY_CONFIG` for one that cannot be read or understood
 * @see library.md §10
 */
export async function readRemoteFile(
  path: string,
  userId: number,
): Promise<RemoteFile | undefined> {
  try {
    const bytes = await readAtMost(path, MAX_BYTES);
    if (bytes === undefined)
      throw new ProblemAt(1, `expected at most ${MAX_BYTES} bytes, got more`);
    const { mode, uid } = await stat(path);
    const isLoose = uid !== userId || (mode & 0o077) !== 0;
    return { path, isLoose, ...(await parseRemotes(bytes.toString())) };
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    if (error instanceof ProblemAt) {
      const message = `${path}:${error.line}: ${error.message}`;
      // Without a cause: the reader's own errors hold the text, and so the tokens.
      throw new LibraryError("LIBRARY_CONFIG", message);
    }
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    const message = `cannot read ${path}: ${error.message}`;
    throw new LibraryError("LIBRARY_CONFIG", message, { cause: error });
  }
}

const TOP_KEYS = ["Active", "Remotes", "Credentials"];
const REMOTE_KEYS = ["URI", "Token", "System", "Exclusive", "Insecure", "Keyservers"];
const SERVER_KEYS = ["URI", "Skip", "External", "Insecure"];

/**
 * Reads the text of a remote.yaml.
 *
 * @throws ProblemAt, for the first thing that is wrong
 */
export async function parseRemotes(text: string): Promise<Remotes> {
  const root = await readYaml(text);
  if (root === undefined) return { active: undefined, remotes: [] };
  const members = membersOf(root, TOP_KEYS);
  const remotes = members.get("Remotes");
  return {
    active: textOf(members.get("Active")),
    remotes: remotes === undefined ? [] : entriesOf(remotes).map(remoteOf),
  };
}

function remoteOf({ key, value }: LocatedEntry): Remote {
  const members = membersOf(value, REMOTE_KEYS);
  const uri = textOf(members.get("URI"));
  if (uri === undefined) throw new ProblemAt(value.line, "expected a remote with a URI, got none");
  const token = textOf(members.get("Token"));
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new ProblemAt(value.line, "expected a token of visible characters, got another one");
  }
  return {
    name: key,
    uri: uri.toLowerCase().replace(/\/+$/, ""),
    token: token === undefined ? undefined : new Secret(token),
    isExclusive: truthOf(members.get("Exclusive")),
    isInsecure: truthOf(members.get("Insecure")),
    keyServers: itemsOf(members.get("Keyservers")).map(keyServerOf),
  };
}

function keyServerOf(located: LocatedValue): RemoteKeyServer {
  const members = membersOf(located, SERVER_KEYS);
  const text = textOf(members.get("URI")) ?? "";
  const url = keyServerUrl(text) ?? plainUrl(text);
  if (url === undefined) {
    // Not shown: there may be a password in it.
    throw new ProblemAt(located.line, "expected a key server by its URL, got something else");
  }
  if (truthOf(members.get("Insecure"))) url.protocol = "http:";
  return { url, isSkipped: truthOf(members.get("Skip")) };
}

/** As these files have them, and ours do not. */
function plainUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== "http:") return undefined;
  const rest = [url.username, url.password, url.search, url.hash].join("");
  return rest === "" ? url : undefined;
}

function membersOf(
  located: LocatedValue,
  known: readonly string[],
): ReadonlyMap<string, LocatedValue> {
  return new Map(
    entriesOf(located).map(({ key, value, line }) => {
      if (known.includes(key)) return [key, value];
      const got = JSON.stringify(key.slice(0, 80));
      throw new ProblemAt(line, `unknown key ${got}: expected one of ${known.join(", ")}`);
    }),
  );
}

function entriesOf(located: LocatedValue): readonly LocatedEntry[] {
  if (located.kind === "map") return located.entries;
  if (located.kind === "scalar" && located.value === null) return [];
  throw new ProblemAt(located.line, "expected keys with values, got something else");
}

function itemsOf(located: LocatedValue | undefined): readonly LocatedValue[] {
  if (located === undefined) return [];
  if (located.kind === "list") return located.items;
  if (located.kind === "scalar" && located.value === null) return [];
  throw new ProblemAt(located.line, "expected a list, got something else");
}

function textOf(located: LocatedValue | undefined): string | undefined {
  if (located === undefined) return undefined;
  const value = located.kind === "scalar" ? located.value : undefined;
  if (value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw new ProblemAt(located.line, "expected text, got something else");
}

function truthOf(located: LocatedValue | undefined): boolean {
  if (located === undefined) return false;
  if (located.kind === "scalar" && typeof located.value === "boolean") return located.value;
  throw new ProblemAt(located.line, "expected true or false, got something else");
}
