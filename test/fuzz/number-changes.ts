import fc from "fast-check";
import { viewOf } from "../../src/base/index.ts";

/** A little-endian number in a file: its position, and how many bytes it has. */
export interface Place {
  readonly at: number;
  readonly bytes: 2 | 4 | 8;
}

type Value =
  | { readonly kind: "is"; readonly value: bigint }
  | { readonly kind: "plus"; readonly value: bigint }
  /** What stands in another place. */
  | { readonly kind: "from"; readonly place: number };

/** A number that becomes another; places count modulo those that there are. */
export interface NumberChange {
  readonly place: number;
  readonly value: Value;
}

const EDGES = [0n, 1n, 2n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n];
const LARGE = [0xffff_ffffn, 1n << 32n, 1n << 53n, 1n << 63n, (1n << 64n) - 1n];
const place = fc.nat(2 ** 20);

export const numberChange: fc.Arbitrary<NumberChange> = fc.record({
  place,
  value: fc.oneof(
    fc.record({ kind: fc.constant("is"), value: fc.constantFrom(...EDGES, ...LARGE) }),
    fc.record({
      kind: fc.constant("plus"),
      value: fc.constantFrom(-8n, -2n, -1n, 1n, 2n, 8n, 12n, 256n, 4096n, 8192n),
    }),
    fc.record({ kind: fc.constant("from"), place }),
  ),
});

/** A copy of the file with the changes made one after another. */
export function withNumbers(
  file: Uint8Array,
  places: readonly Place[],
  changes: readonly NumberChange[],
): Uint8Array {
  const copy = new Uint8Array(file);
  for (const { place, value } of changes) {
    const target = placeAt(places, place);
    writeNumber(copy, target, numberFor(copy, places, target, value));
  }
  return copy;
}

/** Every number that may stand in `length` bytes whose fields lie on even offsets. */
export function numbersFrom(start: number, length: number): Place[] {
  return Array.from({ length: Math.floor(length / 2) }, (_, index) => start + 2 * index).flatMap(
    (at): Place[] => [
      { at, bytes: 2 },
      { at, bytes: 4 },
      { at, bytes: 8 },
    ],
  );
}

function placeAt(places: readonly Place[], index: number): Place {
  const place = places[index % places.length];
  if (place === undefined) throw new Error("a file without a place to change");
  return place;
}

function numberFor(
  file: Uint8Array,
  places: readonly Place[],
  target: Place,
  value: Value,
): bigint {
  switch (value.kind) {
    case "is":
      return value.value;
    case "plus":
      return readNumber(file, target) + value.value;
    case "from":
      return readNumber(file, placeAt(places, value.place));
  }
}

function readNumber(file: Uint8Array, { at, bytes }: Place): bigint {
  const view = viewOf(file);
  if (bytes === 2) return BigInt(view.getUint16(at, true));
  return bytes === 4 ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
}

function writeNumber(file: Uint8Array, { at, bytes }: Place, number: bigint): void {
  const view = viewOf(file);
  if (bytes === 2) view.setUint16(at, Number(BigInt.asUintN(16, number)), true);
  else if (bytes === 4) view.setUint32(at, Number(BigInt.asUintN(32, number)), true);
  else view.setBigUint64(at, BigInt.asUintN(64, number), true);
}
