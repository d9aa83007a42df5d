import assert from "node:assert/strict";
import { test } from "node:test";
import { parseZstdFrameHeader } from "./zstd-frame.ts";

/** Headers without their magic, as RFC 8878 §3.1.1.1 has them. */
const headers = [
  { name: "window alone", hex: "00 00", bytes: 6, window: 1024, content: undefined },
  { name: "window with mantissa", hex: "00 0b", bytes: 6, window: 2816, content: undefined },
  { name: "the largest window", hex: "00 ff", bytes: 6, window: 15 * 2 ** 38, content: undefined },
  { name: "segment of 1 byte's size", hex: "20 ff", bytes: 6, window: 255, content: 255 },
  { name: "segment of 2 bytes' size", hex: "60 0100", bytes: 7, window: 257, content: 257 },
  { name: "segment of 4 bytes' size", hex: "a0 00000100", bytes: 9, window: 65536, content: 65536 },
  { name: "window and 2 bytes' size", hex: "40 50 0000", bytes: 8, window: 2 ** 20, content: 256 },
  {
    name: "window and 8 bytes' size",
    hex: "c0 50 0000000001000000",
    bytes: 14,
    window: 2 ** 20,
    content: 2 ** 32,
  },
  {
    name: "checksum and dictionary of 1 byte",
    hex: "25 07 09",
    bytes: 7,
    window: 9,
    content: 9,
    dictionary: 7,
    hasChecksum: true,
  },
  {
    name: "dictionary of 2 bytes",
    hex: "02 00 0201",
    bytes: 8,
    window: 1024,
    content: undefined,
    dictionary: 258,
  },
  {
    name: "everything at its longest",
    hex: "c7 00 ffffffff 0000000000000080",
    bytes: 18,
    window: 1024,
    content: 2 ** 63,
    dictionary: 2 ** 32 - 1,
    hasChecksum: true,
  },
];

for (const { name, hex, bytes, window, content, dictionary = 0, hasChecksum = false } of headers) {
  test(`parseZstdFrameHeader reads ${name}, and not a byte less`, () => {
    const head = Buffer.from(`28b52ffd${hex.replaceAll(" ", "")}`, "hex");
    assert.deepEqual(parseZstdFrameHeader(head), {
      bytes,
      windowBytes: window,
      contentBytes: content,
      dictionaryId: dictionary,
      hasChecksum,
    });
    for (let length = 4; length < head.length; length++) {
      assert.equal(parseZstdFrameHeader(head.subarray(0, length)), undefined);
    }
  });
}
