import fc from "fast-check";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Limits } from "../../src/base/index.ts";
import { dockerFiles, layoutFiles, type ArchiveContent } from "../fixtures/archive/index.ts";
import type { ChunkSizes } from "../fixtures/in-chunks.ts";
import { makeImage } from "../fixtures/registry/index.ts";
import { tar, type TarItem } from "../fixtures/tar/index.ts";
import { chunkSizes } from "./chunk-sizes.ts";
import { edited, edits } from "./edits.ts";
import { seldom } from "./weights.ts";

export interface ArchiveInput {
  /** What stands behind the kind and `-`. */
  readonly choice: string;
  readonly kind: "oci-archive" | "docker-archive";
  readonly bytes: Uint8Array;
  readonly chunks: ChunkSizes;
  readonly limits: Partial<Limits>;
}

const layers = [tar([{ path: "a", data: "one" }]), tar([{ path: "b", data: "two" }])];
const image = makeImage({ layers });
const plain = makeImage({ layers, compression: "none" });
const other = makeImage({ layers: [], compression: "none" });

const contents: readonly ArchiveContent[] = [
  layoutFiles([{ image, refName: "registry.example/app:1" }]),
  layoutFiles([{ image, refName: "one" }, { image: other }]),
  dockerFiles([{ image: plain, tags: ["app:1"] }]),
  dockerFiles([{ image, tags: ["app:1", "app:2"] }, { image: other }]),
  new Map([...layoutFiles([{ image, imageName: "app:1" }]), ...dockerFiles([{ image: plain }])]),
];
const names = [...new Set(contents.flatMap((content) => [...content.keys()]))];

/** Words of the two formats, put in place of what stands in a document. */
const word = fc.constantFrom(
  ...["null", "[]", "{}", "1", "-1", '""', '"x"', '"../x"', '"/x"', '"a/./b"', "[null]", "true"],
  ...['"@0"', '"sha256:0"', '"app:1"', '"application/vnd.oci.image.index.v1+json"'],
);
const documentSpoil = fc.record({ file: fc.nat(20), value: fc.nat(40), word });

/** A link, or another entry under a name that counts. */
const extra: fc.Arbitrary<TarItem> = fc.record({
  path: fc.oneof(fc.constantFrom(...names), fc.constantFrom("x", "../x", "/manifest.json")),
  type: fc.constantFrom("0", "1", "2", "5", "6"),
  linkname: fc.oneof(fc.constantFrom(...names), fc.constantFrom("x", "../..", "/x", "./x")),
});

/** Layouts and Docker archives, whole and spoiled, plain and compressed. */
export const archiveInput: fc.Arbitrary<ArchiveInput> = fc
  .record({
    content: fc.constantFrom(...contents),
    kind: fc.constantFrom("oci-archive" as const, "docker-archive" as const),
    choice: fc.constantFrom("", "", ":app:1", ":one", ":@0", ":@1", `@${image.manifest.digest}`),
    documents: seldom(fc.array(documentSpoil, { minLength: 1, maxLength: 2 })),
    extras: seldom(fc.array(extra, { minLength: 1, maxLength: 3 })),
    lost: seldom(fc.array(fc.nat(20), { minLength: 1, maxLength: 1 })),
    changes: seldom(edits(512)),
    pack: fc.constantFrom(...["none", "none", "gzip", "zstd"]),
    packedChanges: seldom(edits(4)),
    chunks: chunkSizes,
    limits: fc.constantFrom<Partial<Limits>>(
      {},
      {},
      {},
      { archiveEntries: 5 },
      { archiveBytes: 8000 },
    ),
  })
  .map(({ content, documents, extras, lost, changes, pack, packedChanges, ...rest }) => {
    const files = documents.reduce(spoilDocument, [...content]);
    const left = files.filter((_file, index) => !lost.includes(index));
    const items = [...left.map(([path, data]): TarItem => ({ path, data })), ...extras];
    const archive = edited(tar(items), changes);
    return { ...rest, bytes: edited(packed(archive, pack), packedChanges) };
  });

type Files = readonly (readonly [string, Uint8Array])[];

function spoilDocument(
  files: Files,
  { file, value, word: text }: { file: number; value: number; word: string },
): Files {
  const documents = files.filter(([, bytes]) => bytes[0] === 0x7b || bytes[0] === 0x5b);
  const [name, bytes] = documents[file % Math.max(1, documents.length)] ?? [];
  if (name === undefined || bytes === undefined) return files;
  const json = Buffer.from(bytes).toString();
  const values = [...json.matchAll(/"[^"]*"(?!:)|\d+|null|\[\]|\{\}/g)];
  const found = values[value % Math.max(1, values.length)];
  if (found === undefined) return files;
  const spoiled = json.slice(0, found.index) + text + json.slice(found.index + found[0].length);
  return files.map((each) => (each[0] === name ? [name, Buffer.from(spoiled)] : each));
}

function packed(archive: Uint8Array, how: string): Uint8Array {
  if (how === "gzip") return gzipSync(archive);
  return how === "zstd" ? zstdCompressSync(archive) : archive;
}
