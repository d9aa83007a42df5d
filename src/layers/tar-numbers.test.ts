import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readTar, tar, type ReadEntry, type TarItem } from "../../test/fixtures/tar/index.ts";

/** A header with these bytes where a field stands. */
function withField(at: number, text: Uint8Array | string, item: TarItem = { path: "a" }): TarItem {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  return {
    ...item,
    edit(header) {
      header.set(bytes, at);
    },
  };
}

function only(item: TarItem): ReadEntry {
  const [entry, ...rest] = readTar(tar([item])).entries;
  assert.ok(entry !== undefined && rest.length === 0);
  return entry;
}

const UID = 108;

const spellings = [
  { text: "0000644\0", value: 0o644 },
  { text: "000644 \0", value: 0o644 },
  { text: "0000644 ", value: 0o644 },
  { text: "00000644", value: 0o644 },
  { text: "   644 \0", value: 0o644 },
  { text: "  644\0\0\0", value: 0o644 },
  { text: "644     ", value: 0o644 },
  { text: "77777777", value: 0o77777777 },
  { text: "        ", value: 0 },
  { text: "\0\0\0\0\0\0\0\0", value: 0 },
  { text: "   \0    ", value: 0 },
  { text: "\x80\0\0\0\0\0\x01\xa4", value: 0o644 },
  { text: "\x80\0\0\0\xff\xff\xff\xfe", value: 2 ** 32 - 2 },
] as const;

describe("TarReader reads the number", () => {
  for (const { text, value } of spellings) {
    test(JSON.stringify(text), () => {
      assert.equal(only(withField(UID, text)).uid, value);
    });
  }
});

const refused = [
  ...[
    "0000648\0",
    "-000644\0",
    "+000644\0",
    "0x00644\0",
    "644.0\0\0\0",
    "6\t4     ",
    "\x006440000",
  ],
  // 2^53 and more, whichever sign.
  ...["\x81\0\0\0\0\0\0\0", "\xbf\xff\xff\xff\xff\xff\xff\xff", "\xfe\xff\xff\xff\xff\xff\xff\xff"],
];

describe("TarReader refuses the number", () => {
  for (const text of refused) {
    test(JSON.stringify(text), () => {
      assert.throws(() => only(withField(UID, text)), { code: "TAR_HEADER" });
    });
  }
});

const base256 = (value: bigint, bytes: number): Uint8Array => {
  const field = Buffer.alloc(bytes);
  let rest = BigInt.asUintN(bytes * 8, value);
  for (let at = bytes - 1; at >= 0; at -= 1, rest >>= 8n) field[at] = Number(rest & 0xffn);
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
};

const device: TarItem = { path: "a", type: "4" };
const fields = [
  { name: "mode", at: 100, bytes: 8, value: 0o4711n },
  { name: "uid", at: 108, bytes: 8, value: 2n ** 32n - 2n },
  { name: "gid", at: 116, bytes: 8, value: 3_000_000_000n },
  { name: "mtime", at: 136, bytes: 12, value: 2n ** 40n },
  { name: "mtime", at: 136, bytes: 12, value: -1n },
  { name: "mtime", at: 136, bytes: 12, value: -(2n ** 40n) },
  { name: "deviceMajor", at: 329, bytes: 8, value: 4095n, item: device },
  { name: "deviceMinor", at: 337, bytes: 8, value: 1_048_575n, item: device },
] as const;

describe("TarReader reads base-256", () => {
  for (const { name, at, bytes, value, ...rest } of fields) {
    test(`${name} ${value}`, () => {
      const item = "item" in rest ? rest.item : { path: "a" };
      assert.equal(only(withField(at, base256(value, bytes), item))[name], Number(value));
    });
  }

  test("size", () => {
    const item = { path: "a", data: "x".repeat(600) };
    assert.equal(only(withField(124, base256(600n, 12), item)).size, 600);
  });

  test("checksum", () => {
    const archive = Buffer.from(tar([{ path: "a" }]));
    const sum = Number.parseInt(archive.toString("latin1", 148, 154), 8);
    archive.set(base256(BigInt(sum), 8), 148);
    assert.equal(readTar(archive).entries.length, 1);
  });
});

const checksums = ["0%s\0 ", "%s\0 \0", " %s \0", "%s  \0", "\0 %s"] as const;

describe("a checksum is one however it is written", () => {
  for (const spelling of checksums) {
    const isRead = !spelling.startsWith("\0");
    test(JSON.stringify(spelling), () => {
      const archive = Buffer.from(tar([{ path: "a" }]));
      const digits = archive.toString("latin1", 149, 154);
      archive.write(spelling.replace("%s", digits).padEnd(8, "\0").slice(0, 8), 148, "latin1");
      if (isRead) assert.equal(readTar(archive).entries.length, 1);
      else assert.throws(() => readTar(archive), { code: "TAR_CHECKSUM" });
    });
  }
});

test("of a header without magic, what lies behind the link's name means nothing", () => {
  const item = { path: "a", type: "4", magic: "v7" } as const;
  const entry = only(withField(257, Buffer.alloc(255, "9"), item));
  assert.deepEqual([entry.deviceMajor, entry.deviceMinor], [0, 0]);
  assert.equal(Buffer.from(entry.path).toString(), "a");
});
