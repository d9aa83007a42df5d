import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { layoutFiles, writeFiles } from "../../test/fixtures/archive/index.ts";
import { makeImage } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { deliver, newDirectory, type OpenSettings } from "./archive-fixture.ts";

const run = promisify(execFile);
const image = makeImage({ layers: [tar([{ path: "a", data: "one" }])] });
const layer = image.layers[0]?.digest.slice(7) ?? "";
const LAYER = `blobs/sha256/${layer}`;
const bytes = image.blobs.get(`sha256:${layer}`) ?? new Uint8Array();

interface Spoiled {
  readonly name: string;
  readonly code: string;
  /** What is done to a sound layout in `directory`, beside which `elsewhere` is another directory. */
  readonly spoil: (directory: string, elsewhere: string) => Promise<unknown>;
  /** Whether it happens when the image was chosen already. */
  readonly late?: true;
  readonly settings?: OpenSettings;
}

function indexOf(entry: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ schemaVersion: 2, manifests: [{ ...image.manifest, ...entry }] });
}

const cases: readonly Spoiled[] = [
  {
    name: "a blob that is a symbolic link, whatever it leads to",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory, elsewhere) {
      await rename(join(directory, LAYER), join(elsewhere, "blob"));
      await symlink(join(elsewhere, "blob"), join(directory, LAYER));
    },
  },
  {
    name: "a directory of blobs that is a symbolic link",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory, elsewhere) {
      await rename(join(directory, "blobs"), join(elsewhere, "blobs"));
      await symlink(join(elsewhere, "blobs"), join(directory, "blobs"));
    },
  },
  {
    name: "an index that is a symbolic link",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory, elsewhere) {
      await rename(join(directory, "index.json"), join(elsewhere, "index.json"));
      await symlink(join(elsewhere, "index.json"), join(directory, "index.json"));
    },
  },
  {
    name: "a blob that is a FIFO, and does not wait for a writer",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory) {
      await rm(join(directory, LAYER));
      await run("mkfifo", [join(directory, LAYER)]);
    },
  },
  {
    name: "an index that is a FIFO",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory) {
      await rm(join(directory, "index.json"));
      await run("mkfifo", [join(directory, "index.json")]);
    },
  },
  {
    name: "a blob that is a directory",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory) {
      await rm(join(directory, LAYER));
      await mkdir(join(directory, LAYER));
    },
  },
  {
    name: "a file where the directory of blobs must be",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory) {
      await rm(join(directory, "blobs"), { recursive: true });
      await writeFile(join(directory, "blobs"), "");
    },
  },
  {
    name: "a blob that is not there",
    code: "ARCHIVE_INVALID",
    spoil: (directory) => rm(join(directory, LAYER)),
  },
  {
    name: "a blob that is longer than its descriptor says",
    code: "CONTENT_SIZE_MISMATCH",
    spoil: (directory) => writeFile(join(directory, LAYER), Buffer.concat([bytes, bytes])),
  },
  {
    name: "a blob that is shorter",
    code: "CONTENT_SIZE_MISMATCH",
    spoil: (directory) => truncate(join(directory, LAYER), 5),
  },
  {
    name: "a blob of other bytes",
    code: "CONTENT_DIGEST_MISMATCH",
    spoil: (directory) => writeFile(join(directory, LAYER), bytes.toReversed()),
  },
  {
    name: "a blob that is replaced after the image was chosen",
    code: "CONTENT_DIGEST_MISMATCH",
    late: true,
    spoil: (directory) => writeFile(join(directory, LAYER), bytes.toReversed()),
  },
  {
    name: "a blob that becomes a link after the image was chosen",
    code: "ARCHIVE_UNREADABLE",
    late: true,
    async spoil(directory, elsewhere) {
      await rename(join(directory, LAYER), join(elsewhere, "blob"));
      await symlink(join(elsewhere, "blob"), join(directory, LAYER));
    },
  },
  {
    name: "a digest that climbs out of the layout",
    code: "DIGEST_INVALID",
    spoil: (directory) =>
      writeFile(join(directory, "index.json"), indexOf({ digest: "sha256:../../../etc/passwd" })),
  },
  {
    name: "an index of more than the limit",
    code: "LIMIT_MANIFEST_BYTES",
    settings: { limits: { manifestBytes: 1000 } },
    spoil: (directory) => writeFile(join(directory, "index.json"), indexOf({}).padEnd(1001)),
  },
  {
    name: "a manifest of more than the limit, before it is read",
    code: "LIMIT_MANIFEST_BYTES",
    spoil: (directory) => writeFile(join(directory, "index.json"), indexOf({ size: 2 ** 40 })),
  },
  {
    name: "an index that is a manifest",
    code: "MANIFEST_INVALID",
    spoil: (directory) => writeFile(join(directory, "index.json"), image.manifestBytes),
  },
  {
    name: "an index with a member twice",
    code: "MANIFEST_INVALID",
    spoil: (directory) =>
      writeFile(join(directory, "index.json"), '{"schemaVersion":2,"manifests":[],"manifests":[]}'),
  },
  {
    name: "no index",
    code: "ARCHIVE_INVALID",
    spoil: (directory) => rm(join(directory, "index.json")),
  },
  {
    name: "no oci-layout",
    code: "ARCHIVE_INVALID",
    spoil: (directory) => rm(join(directory, "oci-layout")),
  },
  {
    name: "an oci-layout without a version",
    code: "ARCHIVE_INVALID",
    spoil: (directory) => writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":1}'),
  },
  {
    name: "an oci-layout that is no JSON",
    code: "JSON_INVALID",
    spoil: (directory) => writeFile(join(directory, "oci-layout"), "1.0.0"),
  },
  {
    name: "a layout of a later version",
    code: "ARCHIVE_UNSUPPORTED",
    spoil: (directory) =>
      writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'),
  },
  {
    name: "a file instead of a directory",
    code: "ARCHIVE_UNREADABLE",
    async spoil(directory) {
      await rm(directory, { recursive: true });
      await writeFile(directory, "");
    },
  },
  {
    name: "no such directory",
    code: "NOT_FOUND",
    spoil: (directory) => rm(directory, { recursive: true }),
  },
];

describe("an image layout is refused with", () => {
  for (const { name, code, spoil, late, settings } of cases) {
    test(name, async (t) => {
      const directory = join(await newDirectory(t), "layout");
      await writeFiles(directory, layoutFiles([{ image }]));
      const elsewhere = await newDirectory(t);
      const meanwhile = async (): Promise<void> => {
        await spoil(directory, elsewhere);
      };
      if (late !== true) await meanwhile();
      const how = late === true ? { ...settings, meanwhile } : settings;
      await assert.rejects(deliver(`oci:${directory}`, how), { code });
    });
  }
});

test("an image layout that is replaced while it is read is the one that was opened", async (t) => {
  const parent = await newDirectory(t);
  const directory = join(parent, "layout");
  await writeFiles(directory, layoutFiles([{ image }]));
  const meanwhile = async (): Promise<void> => {
    await rename(directory, join(parent, "old"));
    const other = makeImage({ layers: [tar([{ path: "b" }])] });
    await writeFiles(directory, layoutFiles([{ image: other }]));
  };
  const { root, layers } = await deliver(`oci:${directory}`, { meanwhile });
  assert.equal(root.digest, image.manifest.digest);
  assert.deepEqual(layers[0]?.bytes, bytes);
});
