import fc from "fast-check";
import {
  DATA_TYPES,
  FILE_SYSTEMS,
  PARTITION_TYPES,
  partitionExtra,
  planSif,
  type SifObjectInput,
} from "../../src/sif/index.ts";
import { sampleSquashfs } from "../fixtures/sample-squashfs.ts";
import { edited, edits } from "./edits.ts";
import { numberChange, withNumbers, type Place } from "./number-changes.ts";
import { mostly, seldom } from "./weights.ts";

const TABLE = 4096;
const RECORD = 585;
const ROOT = sampleSquashfs("gzip");
/** Positions and widths of the numbers of a record, its extra field included; sif.md §1.3. */
const IN_RECORD = [0, 5, 9, 13, 201, 205].map((at): Place => ({ at, bytes: 4 }));
const LONG_IN_RECORD = [17, 25, 33, 41, 49, 57].map((at): Place => ({ at, bytes: 8 }));
/** The byte that says that a slot is used, with its neighbour. */
const USED: Place = { at: 4, bytes: 2 };

const headerPlaces = Array.from({ length: 8 }, (_, index): Place => ({
  at: 64 + 8 * index,
  bytes: 8,
}));

const { definition, labels, json, signature, raw, sbom } = DATA_TYPES;
const object: fc.Arbitrary<SifObjectInput> = fc.record({
  dataType: fc.constantFrom(definition, labels, json, signature, raw, sbom),
  groupId: fc.constantFrom(undefined, 1, 2, 0x0fff_ffff),
  name: fc.constantFrom("", "oci-config.json", "n".repeat(128), "\u{feff}\u{1f600}"),
  link: fc.constantFrom({ kind: "object", id: 1 } as const, { kind: "group", id: 1 } as const),
  extra: fc.uint8Array({ maxLength: 384 }),
  size: fc.constantFrom(0, 1, 19, 4095, 4096),
});
const partition = (partitionType: number): fc.Arbitrary<SifObjectInput> =>
  mostly(fc.constant<number>(FILE_SYSTEMS.squashfs), fc.constantFrom(0, 2, 3, 6, 99)).map(
    (fileSystem) => ({
      dataType: DATA_TYPES.partition,
      groupId: 1,
      extra: partitionExtra({ fileSystem, partitionType, architecture: "02" }),
      size: ROOT.length,
    }),
  );

const objects = fc
  .tuple(
    fc.array(object, { maxLength: 4 }),
    partition(PARTITION_TYPES.primarySystem),
    fc.array(fc.oneof(object, partition(PARTITION_TYPES.overlay)), { maxLength: 60 }),
  )
  .map(([before, primary, behind]) => [...before, primary, ...behind]);

/** Good files with some numbers, bytes or stretches of header and table changed. */
export const sifInput: fc.Arbitrary<Uint8Array> = fc
  .record({
    objects,
    numbers: fc.array(numberChange, { maxLength: 3 }),
    changes: seldom(edits(RECORD)),
  })
  .map(({ objects, numbers, changes }) => {
    const slots = Math.min(objects.length + 1, 6);
    const places = Array.from({ length: slots }, (_, slot) => placesOf(slot)).flat();
    const file = withNumbers(fileOf(objects), [...headerPlaces, ...places], numbers);
    const head = TABLE + slots * RECORD;
    return Buffer.concat([edited(file.subarray(0, head), changes), file.subarray(head)]);
  });

function placesOf(slot: number): Place[] {
  const from = TABLE + slot * RECORD;
  const places = [USED, ...IN_RECORD, ...LONG_IN_RECORD];
  return places.map(({ at, bytes }): Place => ({ at: from + at, bytes }));
}

function fileOf(objects: readonly SifObjectInput[]): Uint8Array {
  const plan = planSif({ architecture: "02", objects });
  const file = new Uint8Array(plan.size);
  file.set(plan.head);
  plan.objects.forEach(({ offset, size }) => {
    if (size === ROOT.length) file.set(ROOT, offset);
  });
  return file;
}
