import { limitError } from "../base/index.ts";
import type { ImageTables } from "./image-tables.ts";
import type { DirectoryInode, SquashfsInode } from "./inode.ts";
import type { MetadataPlace } from "./metadata-area.ts";
import { inodeOf, readListing, type SquashfsEntry } from "./read-directory.ts";
import type { SquashfsFile } from "./resolve-path.ts";
import { refusal } from "./squashfs-error.ts";

const SLASH = Buffer.from("/");

/** A directory that is being walked through. */
interface Level {
  readonly path: Uint8Array;
  readonly entries: AsyncGenerator<SquashfsEntry, void, undefined>;
}

/**
 * `directory` and everything below it, depth first, names ascending; paths begin at `directory`.
 * Each directory comes once: an image in which one has two names, or contains itself, is refused,
 * and so is one in which two inodes share a number.
 *
 * @throws SquashfsError `SQUASHFS_DIRECTORY`, and what reading directories and inodes throws
 * @throws LimitError `LIMIT_ENTRIES`, `LIMIT_PATH_DEPTH`, `LIMIT_PATH_BYTES`
 */
export async function* walkTree(
  image: ImageTables,
  directory: DirectoryInode,
  signal: AbortSignal,
): AsyncGenerator<SquashfsFile, void, undefined> {
  const { limits } = image;
  const seen = new SeenInodes(image.inodeCount);
  const levels: Level[] = [];
  let names = 0;
  const enter = (path: Uint8Array, inode: DirectoryInode): void => {
    if (levels.length >= limits.pathDepth) throw limitError(limits, "pathDepth", "squashfs");
    levels.push({ path, entries: readListing(image, inode, signal) });
  };
  // Unlike those below it, its own place is not known: its number alone keeps it from coming again.
  seen.add(directory, { block: -1, offset: 0 });
  yield { path: new Uint8Array(0), inode: directory };
  enter(new Uint8Array(0), directory);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const next = await level.entries.next();
    if (next.done === true) {
      levels.pop();
      continue;
    }
    names += 1;
    if (names > limits.entries) throw limitError(limits, "entries", "squashfs", names);
    const inode = await inodeOf(image, next.value);
    const path = joinPath(level.path, next.value.name);
    if (path.length > limits.pathBytes) {
      throw limitError(limits, "pathBytes", "squashfs", path.length);
    }
    seen.add(inode, next.value.inodePlace);
    yield { path, inode };
    if (inode.kind === "directory") enter(path, inode);
  }
}

function joinPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  return directory.length === 0 ? name : Buffer.concat([directory, SLASH, name]);
}

const PAGE = 512;
const PLACES_IN_BLOCK = 0x1_0000;

/** Where the inode of each number was seen: 8 bytes each, in pages made when they are needed. */
class SeenInodes {
  readonly #pages: (Float64Array | undefined)[];

  constructor(inodeCount: number) {
    this.#pages = new Array<Float64Array | undefined>(Math.ceil((inodeCount + 1) / PAGE));
  }

  /** @throws SquashfsError `SQUASHFS_DIRECTORY` */
  add({ number, kind }: SquashfsInode, { block, offset }: MetadataPlace): void {
    const page = (this.#pages[Math.floor(number / PAGE)] ??= new Float64Array(PAGE));
    // Not 0, which says that the number was not seen.
    const place = block * PLACES_IN_BLOCK + offset + 1;
    const before = page[number % PAGE] ?? 0;
    page[number % PAGE] = place;
    if (before === 0 || (before === place && kind !== "directory")) return;
    const expected = before === place ? "one name for it" : "a number of its own";
    const got = before === place ? "another" : "that of another inode";
    throw refusal("SQUASHFS_DIRECTORY", `inode ${number}, a ${kind}`, expected, got);
  }
}
