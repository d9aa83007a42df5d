import fc from "fast-check";
import { COSIGN_VECTORS } from "../fixtures/cosign/index.ts";
import { edited, edits } from "./edits.ts";
import { mostly, seldom } from "./weights.ts";

/** A signature of an image, what it is checked against, or the policy that it is judged by. */
export type CosignInput =
  | { readonly kind: "bundle" | "root" | "policy"; readonly bytes: Uint8Array }
  | {
      readonly kind: "payload";
      readonly bytes: Uint8Array;
      readonly annotations: Readonly<Record<string, string>>;
    };

const compact = (bytes: Buffer): Buffer =>
  Buffer.from(JSON.stringify(JSON.parse(bytes.toString())));
const changed = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  edits(1).map((changes) => edited(bytes, changes));

/** What may stand in the place of any value. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, 1, -1, 1e300, true, [], {}, "", "AA==", "x", "__proto__"),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64")),
);

/** What becomes of a part; undefined: it is left out. */
type Change = (part: unknown) => unknown;

/** The same value with one part of it, at any depth, changed. */
function withPart(value: unknown, path: readonly number[], change: Change): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof value !== "object" || value === null) return change(value);
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    const at = first % Math.max(1, list.length);
    return list.map((each, index) => (index === at ? withPart(each, rest, change) : each));
  }
  const entries = Object.entries(value);
  const at = first % Math.max(1, entries.length);
  return Object.fromEntries(
    entries.flatMap(([name, each], index) => {
      if (index !== at) return [[name, each]];
      const inner = withPart(each, rest, change);
      return inner === undefined ? [] : [[name, inner]];
    }),
  );
}

/** Base64 of other bytes than were there, where it is base64. */
const otherBytes = edits(1).map((changes): Change => (part) => {
  if (typeof part !== "string") return part;
  return Buffer.from(edited(Buffer.from(part, "base64"), changes)).toString("base64");
});
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: otherBytes },
  {
    weight: 2,
    arbitrary: oddValue.map(
      (value): Change =>
        () =>
          value,
    ),
  },
  { weight: 1, arbitrary: fc.constant<Change>(() => undefined) },
);

/**
 * A document with changes to its values, or to its bytes.
 *
 * @param start - where the way to most changes begins
 */
function documents(bytes: Buffer, start: readonly number[] = []): fc.Arbitrary<Uint8Array> {
  const value: unknown = JSON.parse(bytes.toString());
  const path = fc
    .tuple(
      mostly(fc.constant(start), fc.constant<readonly number[]>([])),
      fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
    )
    .map((both) => both.flat());
  const restructured = fc
    .array(fc.tuple(path, change), { minLength: 1, maxLength: 2 })
    .map((changes) => changes.reduce((document, [way, how]) => withPart(document, way, how), value))
    .map((document) => Buffer.from(JSON.stringify(document)));
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant<Uint8Array>(compact(bytes)) },
    { weight: 8, arbitrary: restructured },
    { weight: 2, arbitrary: changed(compact(bytes)) },
  );
}

const layer = JSON.parse(COSIGN_VECTORS.simpleSigning.toString()) as {
  readonly payload: string;
  readonly annotations: Readonly<Record<string, string>>;
};
const payload = Buffer.from(layer.payload, "base64");
const annotations = fc
  .record(
    Object.fromEntries(
      Object.entries(layer.annotations).map(([name, text]) => [
        name,
        mostly(
          fc.constant(text),
          changed(Buffer.from(text)).map((bytes) => Buffer.from(bytes).toString("latin1")),
        ),
      ]),
    ),
  )
  .chain((all) => fc.subarray(Object.entries(all), { minLength: 2 }))
  .map((entries) => Object.fromEntries(entries));

const sources = fc.constantFrom("/key", "AA==", "", "relative");
const identities = fc.constantFrom<unknown>(
  { type: "matchExact" },
  { type: "matchRepository", x: 1 },
  { type: "exactReference", dockerReference: "r.test/a:1" },
  { type: "exactReference", dockerReference: "r.test/a" },
  { type: "exactRepository", dockerRepository: "r.test/a" },
  { type: "remapIdentity", prefix: "r.test", signedPrefix: "s.test/b" },
  { type: "remapIdentity", prefix: "r.test/", signedPrefix: "s.test/b" },
  {},
);
const signed = fc.record(
  {
    type: fc.constant("sigstoreSigned"),
    keyPath: mostly<unknown>(sources, oddValue),
    keyDatas: fc.array(sources, { maxLength: 2 }),
    rekorPublicKeyPath: sources,
    signedIdentity: identities,
    fulcio: fc.record(
      { caPath: sources, oidcIssuer: sources, subjectEmail: sources },
      { requiredKeys: ["caPath"] },
    ),
  },
  { requiredKeys: ["type"] },
);
const requirement = mostly<unknown>(
  fc.oneof(
    fc.constantFrom(
      ...[{ type: "reject" }, { type: "insecureAcceptAnything" }, { type: "Reject" }],
      { type: "signedBy", keyType: "GPGKeys", keyPath: "/k" },
    ),
    signed,
    fc.record({ type: fc.constant("sigstoreSigned"), keyPath: fc.constant("/key") }),
  ),
  oddValue,
);
const requirements = mostly<unknown>(
  fc.array(requirement, { minLength: 1, maxLength: 2 }),
  oddValue,
);
const scopes = fc.constantFrom("", "r.test", "r.test/a", "r.test/a:1", "*.test", "__proto__", "r");
const policy = fc
  .record(
    {
      default: requirements,
      transports: fc.dictionary(
        fc.constantFrom("docker", "sif", "__proto__"),
        fc.dictionary(scopes, requirements, { maxKeys: 3 }),
        { maxKeys: 2 },
      ),
    },
    { requiredKeys: ["default"] },
  )
  .chain((value) =>
    seldom(edits(1)).map((changes) => edited(Buffer.from(JSON.stringify(value)), changes)),
  );

/** The member of a bundle that holds what proves the signature. */
const MATERIAL = [1];

export const cosignInput: fc.Arbitrary<CosignInput> = fc.oneof(
  fc.record({
    kind: fc.constant("bundle" as const),
    bytes: documents(COSIGN_VECTORS.bundle, MATERIAL),
  }),
  fc.record({
    kind: fc.constant("bundle" as const),
    bytes: documents(COSIGN_VECTORS.bundleTimestamp, MATERIAL),
  }),
  fc.record({ kind: fc.constant("root" as const), bytes: documents(COSIGN_VECTORS.root) }),
  fc.record({ kind: fc.constant("policy" as const), bytes: policy }),
  fc.record({
    kind: fc.constant("payload" as const),
    bytes: mostly(fc.constant<Uint8Array>(payload), changed(payload)),
    annotations,
  }),
);
