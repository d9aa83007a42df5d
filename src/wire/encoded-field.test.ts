import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { encodedMessage } from "./encoded-field.ts";

for (const number of [1, 15, 16, 2047, 2048, 2 ** 29 - 1]) {
  test(`messages of every length of a varint are a repeated field ${number}`, () => {
    const messages = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152].map((length) =>
      new Uint8Array(length).fill(length % 251),
    );
    const writer = new BinaryWriter();
    for (const message of messages) writer.tag(number, WireType.LengthDelimited).bytes(message);
    assert.equal(Buffer.compare(encodedMessage(number, messages), writer.finish()), 0);
  });
}

test("no messages are no bytes", () => {
  assert.equal(encodedMessage(1, []).length, 0);
});
