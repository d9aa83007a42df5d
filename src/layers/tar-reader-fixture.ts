import assert from "node:assert/strict";
import { contentOf, readTar, type ReadEntry } from "../../test/fixtures/tar/index.ts";

/** What a row expects of one entry: `text` is a file's content, names and targets are Latin-1. */
export interface Expected {
  readonly kind?: string;
  readonly path?: string;
  readonly text?: string;
  readonly linkTarget?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly device?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function shown(entry: ReadEntry): Required<Expected> {
  const { kind, mode, uid, gid, mtime, deviceMajor, deviceMinor } = entry;
  const xattrs = entry.xattrs.map(({ name, value }) => [latin1(name), latin1(value)] as const);
  return {
    kind,
    path: latin1(entry.path),
    text: latin1(contentOf(entry)),
    linkTarget: latin1(entry.linkTarget),
    mode,
    uid,
    gid,
    mtime,
    device: `${deviceMajor}:${deviceMinor}`,
    xattrs: Object.fromEntries(xattrs),
  };
}

/** An archive, and what is read of it. */
export interface Row {
  readonly name: string;
  readonly archive: Uint8Array;
  readonly expected: readonly Expected[];
  /** One pattern for each warning. */
  readonly warnings?: readonly RegExp[];
}

/** Reads the archive of a row, and compares what the row names. */
export function assertReads({ archive, expected, warnings = [] }: Row): void {
  const read = readTar(archive);
  const rows = read.entries.map((entry, i) => {
    const all = shown(entry);
    const keys = new Set(Object.keys(expected[i] ?? all));
    return Object.fromEntries(Object.entries(all).filter(([key]) => keys.has(key)));
  });
  assert.deepEqual(rows, expected);
  assert.equal(read.warnings.length, warnings.length, read.warnings.join("\n"));
  warnings.forEach((pattern, i) => {
    assert.match(read.warnings[i] ?? "", pattern);
  });
}
