import { BundleError } from "./bundle-error.ts";

/** Files of an image that say who its users are; absent where it has none. */
export interface UserFiles {
  readonly passwd?: string;
  readonly group?: string;
}

/** Who a process is in the container. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** Ascending. */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Of 32 bits the last one means nobody at all. */
const MAX_ID = 0xffff_fffe;

/**
 * Looks up a user as images and `--user` name them: `user`, `uid`, `user:group`, `uid:gid` and the
 * mixtures; "" is root. Numbers need no entry. Additional groups are those of a user that is named
 * without a group.
 *
 * @throws BundleError `BUNDLE_USER` for a name that the image does not have, or a number that no id is
 * @see image-spec conversion.md, Config.User
 */
export function findUser(text: string, files: UserFiles): ContainerUser {
  const colon = text.indexOf(":");
  const userText = colon < 0 ? text : text.slice(0, colon);
  const groupText = colon < 0 ? "" : text.slice(colon + 1);
  const passwd = passwdEntries(files.passwd ?? "");
  const groups = groupEntries(files.group ?? "");
  const number = userText === "" ? 0 : idOf(userText);
  const entry = passwd.find(({ name, uid }) =>
    number === undefined ? name === userText : uid === number,
  );
  const uid = number ?? entry?.uid;
  if (uid === undefined) throw unknown(text, `user ${JSON.stringify(userText)}`, "/etc/passwd");
  const gid = groupText === "" ? (entry?.gid ?? 0) : groupIdOf(groupText, groups, text);
  const isNamed = number === undefined && groupText === "";
  return {
    uid,
    gid,
    additionalGids: isNamed ? groupsOf(userText, gid, groups) : [],
    home: homeOf(entry),
  };
}

function groupIdOf(groupText: string, groups: readonly GroupEntry[], text: string): number {
  const gid = idOf(groupText) ?? groups.find(({ name }) => name === groupText)?.gid;
  if (gid !== undefined) return gid;
  throw unknown(text, `group ${JSON.stringify(groupText)}`, "/etc/group");
}

function groupsOf(user: string, gid: number, groups: readonly GroupEntry[]): number[] {
  const found = groups.filter(({ members }) => members.includes(user)).map((group) => group.gid);
  return [...new Set(found)].filter((each) => each !== gid).sort((a, b) => a - b);
}

function homeOf(entry: PasswdEntry | undefined): string {
  const home = entry?.home ?? "";
  return home.startsWith("/") && !home.includes("\0") ? home : "/";
}

/** An id in digits; undefined for a name. */
function idOf(text: string): number | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const id = Number(text);
  if (id <= MAX_ID) return id;
  const message = `user ${text.slice(0, 40)}: expected an id of at most ${MAX_ID}`;
  throw new BundleError("BUNDLE_USER", message);
}

function unknown(text: string, what: string, file: string): BundleError {
  const message = `user ${JSON.stringify(text)}: the image's ${file} has no ${what}`;
  return new BundleError("BUNDLE_USER", `${message}; --user takes numbers too`);
}

/** Lines that are no entries are passed over, as the C library does. */
function passwdEntries(text: string): PasswdEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , uidText = "", gidText = "", , home = ""] = line.split(":");
    const uid = entryId(uidText);
    const gid = entryId(gidText);
    return name === "" || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }];
  });
}

function groupEntries(text: string): GroupEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , gidText = "", members = ""] = line.split(":");
    const gid = entryId(gidText);
    return name === "" || gid === undefined ? [] : [{ name, gid, members: members.split(",") }];
  });
}

function entryId(text: string): number | undefined {
  const id = /^[0-9]+$/.test(text) ? Number(text) : undefined;
  return id !== undefined && id <= MAX_ID ? id : undefined;
}
