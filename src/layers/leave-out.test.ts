import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readTarUntil, sparseItem, tar } from "../../test/fixtures/tar/index.ts";
import { tarInput } from "../../test/fuzz/tar-inputs.ts";
import { DEFAULT_LIMITS, LimitError, type Limits } from "../base/index.ts";
import { LayerError } from "./layer-error.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";

interface Told {
  /** Path, kind and size; of a plain file where its data are. */
  readonly entries: readonly string[];
  readonly ends: number;
  readonly code: string;
  /** Bytes that were left out. */
  readonly left: number;
}

/** Reads an archive block by block, and leaves out what it may. */
function readLeaving(archive: Uint8Array, limits: Partial<Limits> = {}): Told {
  const entries: string[] = [];
  let ends = 0;
  let left = 0;
  const reader: TarReader = new TarReader(
    {
      entry: (entry) => entries.push(shown(entry, archive, reader.position)),
      data: () => undefined,
      hole: () => entries.push(`${entries.pop() ?? ""} sparse`),
      end: () => (ends += 1),
      warn: () => undefined,
    },
    { limits: { ...DEFAULT_LIMITS, ...limits }, what: "test" },
  );
  try {
    for (let at = 0; at < archive.length;) {
      const block = archive.subarray(at, at + 512);
      reader.push(block);
      at += block.length;
      assert.equal(reader.position, at);
      const count = reader.leaveOut(archive.length - at);
      at += count;
      left += count;
    }
    reader.finish();
    return { entries, ends, code: "read", left };
  } catch (error) {
    if (!(error instanceof LayerError || error instanceof LimitError)) throw error;
    return { entries, ends, code: error.code, left };
  }
}

function shown({ path, kind, size }: TarEntry, archive: Uint8Array, at: number): string {
  const name = `${kind} ${Buffer.from(path).toString("latin1")}`;
  return kind === "file"
    ? `${name} ${Buffer.from(archive.subarray(at, at + size)).toString("hex")}`
    : name;
}

test("leaveOut passes over data and padding, but not of a sparse file, and over the rest", () => {
  const sparse = sparseItem("1.0", {
    path: "s",
    size: 5000,
    segments: [[2000, Buffer.alloc(700)]],
  });
  const data = Buffer.alloc(1300, "x");
  const archive = Buffer.concat([tar([{ path: "a", data }, sparse, { path: "b" }]), tar([])]);
  const { entries, ends, code, left } = readLeaving(archive);
  assert.deepEqual(
    entries.map((entry) => entry.slice(0, 6)),
    ["file a", "file s", "file b"],
  );
  assert.ok(entries[0]?.endsWith(data.toString("hex")));
  assert.ok(entries[1]?.endsWith(" sparse"));
  assert.equal(ends, 3);
  assert.equal(code, "read");
  // The three blocks of the first file, and the second archive.
  assert.equal(left, 3 * 512 + 1024);
});

test("an archive reads alike, whether data is left out or not", () => {
  fc.assert(
    fc.property(tarInput, ({ archive, limits }) => {
      const whole = readTarUntil(archive, { limits });
      const { entries, ends, code } = readLeaving(archive, limits);
      const failure = whole.failure?.error;
      assert.equal(
        code,
        failure instanceof LayerError || failure instanceof LimitError ? failure.code : "read",
      );
      const expected = whole.entries.map((entry) => {
        const isSparse = entry.runs.some((run) => "hole" in run);
        const bytes = entry.runs.flatMap((run) => ("hole" in run ? [] : [...run]));
        return {
          kind: entry.kind,
          path: Buffer.from(entry.path).toString("latin1"),
          isSparse,
          bytes,
        };
      });
      assert.equal(entries.length, expected.length);
      for (const [index, { kind, path, isSparse, bytes }] of expected.entries()) {
        const name = `${kind} ${path}`;
        const got = entries[index] ?? "";
        assert.ok(got.startsWith(name));
        // What follows the last entry of an archive that ends early is not told.
        const isWhole = kind === "file" && !isSparse && index < ends;
        if (isWhole) assert.equal(got, `${name} ${Buffer.from(bytes).toString("hex")}`);
      }
    }),
    { numRuns: 500 },
  );
});
