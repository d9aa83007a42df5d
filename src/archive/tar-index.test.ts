import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tar, tarEnd, tarHeader, type TarItem } from "../../test/fixtures/tar/index.ts";
import { DEFAULT_LIMITS, type ByteSource } from "../base/index.ts";
import { indexTar, type TarIndex } from "./tar-index.ts";

const never = new AbortController().signal;
const options = { limits: DEFAULT_LIMITS, what: "test" };

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (position, length) => Promise.resolve(bytes.slice(position, position + length)),
  };
}

async function index(...items: readonly TarItem[]): Promise<TarIndex> {
  return await indexTar(sourceOf(tar(items)), options, never);
}

describe("indexTar", () => {
  test("finds the data of every file, whatever stands before it", async () => {
    const names = ["a", "./b", "d/".repeat(70) + "long", "big", "empty", "last"];
    const contents = [3, 600, 512, 200_000, 0, 70_000].map((size) => Buffer.alloc(size, `${size}`));
    const items = names.map((path, at): TarItem => ({ path, data: contents[at] ?? "" }));
    const pax = { path: "p", data: "pax", pax: { mtime: "1.5", path: "by-pax" } };
    const bytes = tar([{ path: "d/" }, ...items, pax]);
    const found = await indexTar(sourceOf(bytes), options, never);
    const read = [...found].map(([name, member]) => {
      assert.equal(member.kind, "file");
      return [name, Buffer.from(bytes.subarray(member.offset, member.offset + member.size))];
    });
    const expected = names.map((name, at) => [name.replace("./", ""), contents[at]]);
    assert.deepEqual(read, [...expected, ["by-pax", Buffer.from("pax")]]);
  });

  test("reads no data, and nothing behind the end marker", async () => {
    const terabyte = 2 ** 40;
    const parts = [
      { at: 0, bytes: tarHeader({ path: "huge", size: terabyte }) },
      { at: 512 + terabyte, bytes: Buffer.concat([tarHeader({ path: "b" }), tarEnd()]) },
    ];
    let read = 0;
    const source: ByteSource = {
      size: 3 * terabyte,
      read(position, length) {
        read += length;
        const window = new Uint8Array(length);
        for (const { at, bytes } of parts) {
          if (at >= position && at < position + length) window.set(bytes, at - position);
        }
        return Promise.resolve(window);
      },
    };
    const found = await indexTar(source, options, never);
    assert.deepEqual([...found.keys()], ["huge", "b"]);
    assert.ok(read < 200_000, `${read} bytes were read`);
  });

  test("keeps bytes of names apart that are no text", async () => {
    const found = await index({ path: Buffer.from([0xff]) }, { path: Buffer.from([0xfe]) });
    assert.deepEqual([...found.keys()], ["\xff", "\xfe"]);
  });

  test("makes a link's target a name in the archive, or of no use", async () => {
    const found = await index(
      { path: "a/b/up", linkname: "../../x" },
      { path: "a/b/same", linkname: "./y//z" },
      { path: "a/b/out", linkname: "../../../x" },
      { path: "a/b/root", linkname: "/x" },
      { path: "a/b/hard", type: "1", linkname: "/m/../n" },
    );
    const out = { kind: "unusable", why: "a link that leads out of the archive" };
    assert.deepEqual(Object.fromEntries(found), {
      "a/b/up": { kind: "link", target: "x" },
      "a/b/same": { kind: "link", target: "a/b/y/z" },
      "a/b/out": out,
      "a/b/root": out,
      "a/b/hard": { kind: "link", target: "n" },
    });
  });

  test("takes a directory that is there twice for one", async () => {
    const found = await index({ path: "a/" }, { path: "a/" }, { path: "a/f" });
    assert.deepEqual([...found.keys()], ["a/f"]);
  });

  test("ends when it is told to", async () => {
    const reason = new Error("enough");
    await assert.rejects(indexTar(sourceOf(tar([])), options, AbortSignal.abort(reason)), reason);
  });
});
