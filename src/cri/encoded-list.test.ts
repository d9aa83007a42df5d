import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { runtimeSchema } from "../wire/index.ts";
import { EncodedList } from "./encoded-list.ts";

const schema = runtimeSchema("ListImagesResponse");

/** A message of some length of its own. */
function messageOf(id: string, padding: number): Uint8Array {
  const username = "n".repeat(padding);
  return toBinary(runtimeSchema("Image"), create(runtimeSchema("Image"), { id, username }));
}

function imagesOf(bytes: Uint8Array): readonly (readonly [string, number])[] {
  return fromBinary(schema, bytes).images.map(({ id, username }) => [id, username.length]);
}

const IDS = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;

const changes = fc.array(
  fc.array(fc.tuple(fc.constantFrom(...IDS), fc.option(fc.nat(300))), { maxLength: 6 }),
  { maxLength: 12 },
);

test("after any changes a list has what was put in last, in order, whole and in parts", () => {
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 4 }), (steps, size) => {
      const model = new Map<string, number>();
      let list = EncodedList.EMPTY;
      for (const step of steps) {
        const before = list.bytes.slice();
        const next = list.with(
          new Map(
            step.map(([id, padding]) => [
              id,
              padding === null ? undefined : messageOf(id, padding),
            ]),
          ),
        );
        assert.deepEqual(list.bytes, before);
        list = next;
        for (const [id, padding] of step) {
          if (padding === null) model.delete(id);
          else model.set(id, padding);
        }
      }
      const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(imagesOf(list.bytes), expected);
      for (const id of IDS) assert.equal(list.has(id), model.has(id));
      const parts = list.fields(size).map((field) => {
        const part = create(schema);
        part.$unknown = field;
        return imagesOf(toBinary(schema, part));
      });
      assert.ok(parts.every(({ length }, index) => index === parts.length - 1 || length === size));
      assert.ok(parts.every(({ length }) => length > 0));
      assert.deepEqual(parts.flat(), expected);
    }),
  );
});
