import type { Complain } from "./lint-image.ts";
import type { RawEntry, RawImage, RawRun } from "./raw-image.ts";
import type { RawDirectory, RawInode } from "./raw-inodes.ts";

const HEADER = 12;
const ENTRY = 8;
const SLICE = 8192;
const MOST_IN_RUN = 256;
const FORBIDDEN = [".", ".."];

/** Names, listings and their indexes, and what inodes say of their names. */
export function lintDirectories(image: RawImage, complain: Complain): void {
  const names = new Map<RawInode, number>();
  for (const inode of image.inodes) {
    if (inode.directory === undefined) continue;
    const say: Complain = (what) => {
      complain(`directory ${inode.number}: ${what}`);
    };
    const runs = image.listing(inode.directory);
    const entries = runs.flatMap((run) => run.entries);
    for (const entry of entries) {
      lintEntry(entry, inode.number, say);
      names.set(entry.inode, (names.get(entry.inode) ?? 0) + 1);
    }
    lintOrder(entries, say);
    lintRuns(runs, say);
    lintIndex(image, inode.directory, runs, say);
    const directories = entries.filter((entry) => entry.inode.directory !== undefined).length;
    if (inode.links !== 2 + directories) say(`${inode.links} links, not ${2 + directories}`);
  }
  for (const inode of image.inodes) {
    const expected = inode === image.root ? 0 : inode.directory === undefined ? inode.links : 1;
    const count = names.get(inode) ?? 0;
    if (count !== expected) complain(`inode ${inode.number}: ${count} names, not ${expected}`);
  }
  const parent = image.root.directory?.parent;
  if (parent !== image.inodes.length + 1) complain(`root: parent ${parent}`);
}

function lintEntry({ name, type, number, inode }: RawEntry, parent: number, say: Complain): void {
  const text = name.toString("latin1");
  if (name.length > 255) say(`a name of ${name.length} bytes`);
  if (name.includes(0) || name.includes(0x2f) || FORBIDDEN.includes(text)) say(`name ${text}`);
  if (number !== inode.number) say(`${text}: inode ${number}, which is ${inode.number}`);
  const basic = inode.type > 7 ? inode.type - 7 : inode.type;
  if (type !== basic) say(`${text}: type ${type} of an inode of type ${inode.type}`);
  if (inode.directory !== undefined && inode.directory.parent !== parent) {
    say(`${text}: its parent is ${inode.directory.parent}`);
  }
}

function lintOrder(entries: readonly RawEntry[], say: Complain): void {
  entries.forEach(({ name }, index) => {
    const next = entries[index + 1];
    if (next !== undefined && Buffer.compare(name, next.name) >= 0) {
      say(`${name.toString("latin1")} before ${next.name.toString("latin1")}`);
    }
  });
}

function lintRuns(runs: readonly RawRun[], say: Complain): void {
  for (const { entries } of runs) {
    if (entries.length > MOST_IN_RUN) say(`a run of ${entries.length}`);
  }
}

/** One entry for each further 8 KiB, at the first header whose first entry passes them. */
function lintIndex(
  image: RawImage,
  { blockStart, offset, index }: RawDirectory,
  runs: readonly RawRun[],
  say: Complain,
): void {
  const table = image.tables.get("directories");
  const first = runs.length === 0 ? 0 : (table?.position(blockStart, offset) ?? 0);
  let sliceStart = 0;
  const expected = runs.filter(({ position, entries: [entry] }) => {
    const end = position + HEADER + ENTRY + (entry?.name.length ?? 0);
    if (end - sliceStart <= SLICE) return false;
    sliceStart = position;
    return true;
  });
  if (index.length !== expected.length) say(`an index of ${index.length}, not ${expected.length}`);
  for (const [at, entry] of index.entries()) {
    const run = expected[at];
    const name = run?.entries[0]?.name ?? Buffer.alloc(0);
    if (run?.position !== entry.position || !name.equals(entry.name)) {
      say(`an index that names ${entry.name.toString("latin1")} at ${entry.position}`);
    }
    // Where a reader looks for it: the block, and the offset that follows from the position.
    const found = table?.position(entry.blockStart, (entry.position + offset) % SLICE);
    if (found !== first + entry.position) say(`an index into another block`);
  }
}
