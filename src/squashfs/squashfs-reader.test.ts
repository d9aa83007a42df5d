import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError, type Limits } from "../base/index.ts";
import { openSquashfs, type SquashfsReader } from "./squashfs-reader.ts";
import { SquashfsError } from "./squashfs-error.ts";
import type { FileInode, SquashfsInode } from "./inode.ts";
import {
  compressorOf,
  CONTENTS,
  directory,
  emptyFiles,
  readWholeImage,
  rootOf,
  sampleSquashfs,
  TIMES,
} from "../../test/fixtures/sample-squashfs.ts";
import { makeSquashfs, never, record, strictSource } from "../../test/fixtures/small-squashfs.ts";

async function open(image: Uint8Array, limits: Partial<Limits> = {}): Promise<SquashfsReader> {
  return await openSquashfs(
    strictSource(image),
    { limits: { ...DEFAULT_LIMITS, ...limits } },
    never,
  );
}

async function inodeAt(reader: SquashfsReader, path: string): Promise<SquashfsInode> {
  return (await reader.stat(path, { follow: false }, never)).inode;
}

async function fileAt(reader: SquashfsReader, path: string): Promise<FileInode> {
  const inode = await inodeAt(reader, path);
  assert.equal(inode.kind, "file");
  return inode;
}

async function contentOf(
  reader: SquashfsReader,
  file: FileInode,
  range: { start?: number; end?: number } = {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader.content(file, range, never)) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

async function namesOf(reader: SquashfsReader, path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of reader.readdir(directory(await inodeAt(reader, path)), never)) {
    names.push(Buffer.from(name).toString());
  }
  return names;
}

for (const compression of ["gzip", "zstd"] as const) {
  describe(`a ${compression} image`, () => {
    test("every file has its content", async () => {
      const reader = await open(sampleSquashfs(compression, { compressed: true }));
      for (const [path, content] of Object.entries(CONTENTS)) {
        const found = await contentOf(reader, await fileAt(reader, path));
        assert.ok(found.equals(content), path);
      }
    });

    test("compressed and raw metadata say the same", async () => {
      const raw = await readWholeImage(await open(sampleSquashfs(compression)));
      const packed = await open(sampleSquashfs(compression, { compressed: true }));
      const kinds = (facts: Map<string, string>): string[] => [...facts.keys()];
      assert.deepEqual(kinds(await readWholeImage(packed)), kinds(raw));
    });
  });
}

test("inodes say what their files are", async () => {
  const reader = await open(sampleSquashfs("gzip"));
  const facts = async (path: string): Promise<Partial<Record<string, unknown>>> => {
    const inode = await inodeAt(reader, path);
    return { ...inode };
  };
  const some = (all: object, wanted: object): void => {
    assert.partialDeepStrictEqual(all, wanted);
  };
  some(await facts("a"), {
    kind: "directory",
    mode: 0o1777,
    uid: 1000,
    gid: 4_000_000_000,
    mtime: TIMES.a,
    links: 2,
    xattrSet: undefined,
  });
  some(await facts("big"), { kind: "file", size: 8292, links: 1, mtime: TIMES.big });
  some(await facts("device"), { kind: "block", major: 259, minor: 70_000 });
  some(await facts("hard"), { kind: "file", links: 2, number: (await facts("hard2"))["number"] });
  some(await facts("holes"), { kind: "file", size: 20_480 });
  some(await facts("link"), { kind: "symlink", target: Buffer.from("a/one") });
  some(await facts("pipe"), { kind: "fifo", mtime: TIMES.pipe });
  some(await facts("/"), { kind: "directory", links: 4, mtime: TIMES.root });
  assert.equal(reader.inodeCount, 13);
});

test("attributes come with their namespaces", async () => {
  const reader = await open(sampleSquashfs("gzip"));
  const xattrs = await reader.xattrs(await inodeAt(reader, "noted"), never);
  const texts = xattrs.map(({ name, value }) => [name, value].map((part) => part.toString()));
  assert.deepEqual(texts, [
    ["security.capability", "\u0001\u0000\u0000\u0002"],
    ["user.note", "sample"],
  ]);
  assert.deepEqual(await reader.xattrs(await inodeAt(reader, "a"), never), []);
});

test("a range is a part of the whole content", async () => {
  const reader = await open(sampleSquashfs("zstd"));
  const ranges = fc.record({
    path: fc.constantFrom(...Object.keys(CONTENTS)),
    start: fc.nat(21_000),
    end: fc.nat(21_000),
  });
  await fc.assert(
    fc.asyncProperty(ranges, async ({ path, start, end }) => {
      const found = await contentOf(reader, await fileAt(reader, path), { start, end });
      assert.ok(found.equals(CONTENTS[path]?.subarray(start, Math.max(start, end)) ?? Buffer.of()));
    }),
    { numRuns: 100, seed: 1 },
  );
});

test("a range reads no block outside of it", async () => {
  const image = sampleSquashfs("gzip");
  const reads: number[] = [];
  const source = strictSource(image);
  const counting = {
    size: source.size,
    read: async (position: number, length: number) => {
      reads.push(length);
      return await source.read(position, length);
    },
  };
  const reader = await openSquashfs(counting, { limits: DEFAULT_LIMITS }, never);
  const big = await fileAt(reader, "big");
  await contentOf(reader, big, { start: 8192 });
  const before = reads.length;
  await contentOf(reader, big, { start: 5000, end: 5001 });
  assert.deepEqual(reads.slice(before), [4096]);
});

test("names come in the order of their bytes, and a walk depth first", async () => {
  const paths = ["b", "a/", "a/z", "a/é", "a/Z", "a/b/", "a/b/c", "B", "a.txt"];
  const reader = await open(emptyFiles(paths));
  assert.deepEqual(await namesOf(reader, "/"), ["B", "a", "a.txt", "b"]);
  assert.deepEqual(await namesOf(reader, "a/b"), ["c"]);
  const walked = await readWholeImage(reader);
  const names = [...walked.keys()].map((path) => Buffer.from(path, "latin1").toString());
  const expected = ["", "B", "a", "a/Z", "a/b", "a/b/c", "a/z", "a/é", "a.txt", "b"];
  assert.deepEqual(names, expected);
});

for (const compress of [undefined, compressorOf("gzip")]) {
  test(`names in a directory of 3000 are found, metadata ${compress?.name ?? "raw"}`, async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `file-with-a-rather-long-name-${i}`);
    const paths = ["d/", ...names.map((name) => `d/${name}`)];
    const reader = await open(emptyFiles(paths, compress === undefined ? {} : { compress }));
    assert.deepEqual(await namesOf(reader, "d"), names.toSorted());
    for (const name of names.filter((_, i) => i % 17 === 0)) {
      assert.equal((await inodeAt(reader, `d/${name}`)).kind, "file");
    }
    for (const name of ["a", "file-with-a-rather-long-name-15x", "z"]) {
      await assert.rejects(inodeAt(reader, `d/${name}`), { code: "PATH_NOT_FOUND" });
    }
  });
}

test("an image of nothing has a root", async () => {
  const reader = await open(emptyFiles([]));
  assert.deepEqual([...(await readWholeImage(reader)).keys()], [""]);
});

describe("paths", () => {
  const link = (path: string, linkTarget: string): ReturnType<typeof record> =>
    record({ path, kind: "symlink", linkTarget });
  const records = [
    ...["usr/", "usr/bin/", "usr/bin/env", "top", "n".repeat(255)].map((path) => record({ path })),
    link("bin", "usr/bin"),
    link("absolute", "/usr/bin/env"),
    link("above", "../../../usr/bin"),
    link("usr/up", "../top"),
    link("slash", "usr/bin/"),
    link("file-slash", "top/"),
    link("dangling", "nowhere"),
    link("self", "self"),
    link("ping", "pong"),
    link("pong", "ping"),
    ...Array.from({ length: 41 }, (_, i) => link(`hop${i}`, i === 40 ? "top" : `hop${i + 1}`)),
  ];
  const image = makeSquashfs({ compression: "gzip", records, blocks: [], fragments: [] });

  const rows: readonly (readonly [path: string, result: string, follow?: boolean])[] = [
    ["", ""],
    ["/", ""],
    [".", ""],
    ["..", ""],
    ["usr/bin/env", "usr/bin/env"],
    ["//usr/./bin//env", "usr/bin/env"],
    ["usr/bin/../../../../top", "top"],
    ["bin/env", "usr/bin/env"],
    ["bin/env", "usr/bin/env", false],
    ["bin", "usr/bin"],
    ["bin", "bin", false],
    ["bin/", "usr/bin", false],
    ["bin/.", "usr/bin", false],
    ["bin/..", "usr"],
    ["absolute", "usr/bin/env"],
    ["above/env", "usr/bin/env"],
    ["usr/up", "top"],
    ["slash/env", "usr/bin/env"],
    ["slash", "usr/bin"],
    ["hop1", "top"],
    ["n".repeat(255), "n".repeat(255)],
    ["dangling", "dangling", false],
    ["dangling", "PATH_NOT_FOUND"],
    ["usr/nope", "PATH_NOT_FOUND"],
    ["usr/bin/env2", "PATH_NOT_FOUND"],
    ["n".repeat(256), "PATH_NOT_FOUND"],
    ["a\0b", "PATH_NOT_FOUND"],
    ["top/x", "PATH_WRONG_TYPE"],
    ["top/", "PATH_WRONG_TYPE"],
    ["top/..", "PATH_WRONG_TYPE"],
    ["file-slash", "PATH_WRONG_TYPE"],
    ["self", "PATH_LINK_LOOP"],
    ["ping", "PATH_LINK_LOOP"],
    ["self/x", "PATH_LINK_LOOP", false],
    ["hop0", "PATH_LINK_LOOP"],
  ];
  for (const [path, result, follow = true] of rows) {
    const shown = JSON.stringify(path.slice(0, 30));
    test(`${shown} ${follow ? "" : "itself "}is ${result.slice(0, 30)}`, async () => {
      const reader = await open(image);
      const found = reader.stat(path, { follow }, never);
      if (result.startsWith("PATH_")) await assert.rejects(found, { code: result });
      else assert.equal(Buffer.from((await found).path).toString(), result);
    });
  }
});

describe("limits", () => {
  const rows: readonly { limits: Partial<Limits>; code: string }[] = [
    { limits: { entries: 12 }, code: "LIMIT_ENTRIES" },
    { limits: { pathDepth: 1 }, code: "LIMIT_PATH_DEPTH" },
    { limits: { pathBytes: 5 }, code: "LIMIT_PATH_BYTES" },
    { limits: { linkTargetBytes: 4 }, code: "LIMIT_LINK_TARGET_BYTES" },
    { limits: { xattrBytes: 37 }, code: "LIMIT_XATTR_BYTES" },
  ];
  for (const { limits, code } of rows) {
    test(`one less than the image needs is ${code}`, async () => {
      const image = sampleSquashfs("gzip");
      const read = async (more: number): Promise<unknown> => {
        const raised = Object.entries(limits).map(([name, value]): [string, number] => [
          name,
          value + more,
        ]);
        return await readWholeImage(await open(image, Object.fromEntries<number>(raised)));
      };
      await assert.rejects(read(0), (error) => error instanceof LimitError && error.code === code);
      await read(1);
    });
  }

  test("a path that is asked for is bounded, too", async () => {
    const reader = await open(sampleSquashfs("gzip"), { pathBytes: 100 });
    await assert.rejects(inodeAt(reader, "a/".repeat(51)), { code: "LIMIT_PATH_BYTES" });
  });
});

test("an abort ends every call with its reason", async () => {
  const reader = await open(sampleSquashfs("gzip"));
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const root = await rootOf(reader);
  const big = await fileAt(reader, "big");
  const calls: readonly (() => Promise<unknown>)[] = [
    async () => await openSquashfs(strictSource(Buffer.of()), { limits: DEFAULT_LIMITS }, signal),
    async () => await reader.stat("a", { follow: true }, signal),
    async () => await Array.fromAsync(reader.readdir(root, signal)),
    async () => await Array.fromAsync(reader.content(big, {}, signal)),
    async () => await reader.xattrs(root, signal),
    async () => await Array.fromAsync(reader.walk(root, signal)),
  ];
  for (const call of calls) await assert.rejects(call, reason);
});

test("arbitrary bytes are refused as no image", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
      await assert.rejects(
        open(bytes),
        (error) => error instanceof SquashfsError && error.code === "SQUASHFS_SUPERBLOCK",
      );
    }),
    { numRuns: 100, seed: 1 },
  );
});
