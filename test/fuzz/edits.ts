import fc from "fast-check";

/** One change to bytes; positions count modulo what is there. */
export type Edit =
  | { readonly kind: "set"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "cut"; readonly at: number; readonly length: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "copy"; readonly from: number; readonly length: number; readonly to: number }
  | { readonly kind: "end"; readonly at: number };

const at = fc.nat(2 ** 20);
const someBytes = fc.oneof(
  fc.constantFrom(0, 1, 0x7f, 0x80, 0xff).map((byte) => Uint8Array.of(byte)),
  fc.uint8Array({ minLength: 1, maxLength: 8 }),
);

/**
 * Changes at any place.
 *
 * @param unit - what the format counts in: pieces of this length move as one, besides odd ones
 */
export function edits(unit: number): fc.Arbitrary<readonly Edit[]> {
  const place = fc.oneof(
    at,
    at.map((it) => it * unit),
  );
  const length = fc.oneof(
    fc.integer({ min: 1, max: 4 }).map((units) => units * unit),
    fc.integer({ min: 1, max: 2 * unit }),
  );
  const edit = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("set"), at, bytes: someBytes }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut"), at: place, length }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("insert"), at: place, bytes: someBytes }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("copy"), from: place, length, to: place }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("end"), at: place }) },
  );
  return fc.array(edit, { maxLength: 3 });
}

export function edited(bytes: Uint8Array, changes: readonly Edit[]): Uint8Array {
  return changes.reduce(editedOnce, bytes);
}

function editedOnce(bytes: Uint8Array, edit: Edit): Uint8Array {
  const within = (position: number): number => position % (bytes.length + 1);
  switch (edit.kind) {
    case "set": {
      const copy = new Uint8Array(bytes);
      const position = Math.min(within(edit.at), Math.max(0, bytes.length - edit.bytes.length));
      copy.set(edit.bytes.subarray(0, bytes.length - position), position);
      return copy;
    }
    case "cut": {
      const from = within(edit.at);
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + edit.length)]);
    }
    case "insert":
      return inserted(bytes, within(edit.at), edit.bytes);
    case "copy": {
      const from = within(edit.from);
      return inserted(bytes, within(edit.to), bytes.subarray(from, from + edit.length));
    }
    case "end":
      return bytes.subarray(0, within(edit.at));
  }
}

function inserted(bytes: Uint8Array, position: number, more: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, position), more, bytes.subarray(position)]);
}
