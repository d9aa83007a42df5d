import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { after, before, describe, test } from "node:test";
import { DEFAULT_LIMITS, LIMIT_CODES, type Limits } from "../src/base/index.ts";
import { assertFailure, newDirectory, runHere, type CliResult } from "../src/cli/cli-fixture.ts";
import { EXIT, EXIT_CODES } from "../src/cli/index.ts";
import { pullToStore } from "../src/pull/index.ts";
import { layoutFiles, tarOf } from "./fixtures/archive/index.ts";
import { archivesAt, leftovers, never, setUpPull } from "./fixtures/pull-setup.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "./fixtures/registry/index.ts";
import { paxRecords, sparseItem, tar, type TarItem } from "./fixtures/tar/index.ts";

// Every limit, set in a configuration file, lets an image pass that needs exactly as much, and refuses
// it by name where it is one less.

interface Case {
  /** In a registry, or where there is none in an archive. */
  readonly image?: FixtureImage;
  readonly archive?: Uint8Array;
  /** The least that the limit must be for what the image itself holds. */
  readonly needs: number;
  /** What the files that siflet adds take of it besides, at most. */
  readonly added?: number;
}

function imageOf(...layers: readonly (readonly TarItem[])[]): FixtureImage {
  return makeImage({ layers: layers.map(tar) });
}

/** An image of one layer in a zstd frame that asks for a window of 2^`log` bytes. */
function windowed(log: number): FixtureImage {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3]);
  const pack = (layer: Uint8Array): Uint8Array => {
    const block = Buffer.alloc(3);
    block.writeUIntLE((layer.length << 3) | 1, 0, 3);
    return Buffer.concat([header, block, layer]);
  };
  return makeImage({ layers: [tar([{ path: "a" }])], compression: "zstd", pack });
}

const two = imageOf([{ path: "a/" }, { path: "a/f", data: "one" }], [{ path: "b", data: "two" }]);
const many = Array.from({ length: 100 }, (_, index) => ({
  path: `${100 + index}-${"n".repeat(96)}`,
}));
const deep = `${"d/".repeat(49)}f`;
const xattrs = { "SCHILY.xattr.user.a": "1234", "SCHILY.xattr.user.bb": "5" };
const records = paxRecords({ path: "long", comment: "c".repeat(100) });
const sparse = sparseItem("1.0", {
  path: "sparse",
  size: 1_000_000,
  segments: [
    [0, Buffer.from("x")],
    [500_000, Buffer.from("y")],
  ],
});

const archive = tarOf(layoutFiles([{ image: imageOf([{ path: "a" }]) }]));

const cases: { readonly [L in keyof Limits]: Case } = {
  manifestBytes: { image: two, needs: two.manifestBytes.length },
  configBytes: { image: two, needs: two.configBytes.length },
  layers: { image: two, needs: 2 },
  entries: { image: imageOf(many.slice(1), [{ path: "implied/f" }]), needs: 101 },
  layerBytes: { image: imageOf([{ path: "a" }]), needs: 1536 },
  imageBytes: { image: imageOf([{ path: "a" }], [{ path: "b" }]), needs: 3072 },
  headerBytes: {
    image: imageOf([{ path: "x", type: "x", data: records }, { path: "a" }]),
    needs: records.length,
  },
  pathBytes: { image: imageOf([{ path: deep }]), needs: 99 },
  pathDepth: { image: imageOf([{ path: deep }]), needs: 50 },
  linkTargetBytes: { image: imageOf([{ path: "l", linkname: "t".repeat(50) }]), needs: 50 },
  xattrBytes: { image: imageOf([{ path: "a", pax: xattrs }]), needs: 18 },
  sparseSegments: { image: imageOf([sparse]), needs: 2 },
  zstdWindowLog: { image: windowed(20), needs: 20 },
  // The third one is that of the root.
  ids: { image: imageOf([{ path: "a", uid: 1, gid: 2 }]), needs: 3 },
  nameBytes: { image: imageOf(many), needs: 10_000, added: 500 },
  imageXattrBytes: {
    image: imageOf([
      { path: "a", pax: xattrs },
      { path: "b", pax: xattrs },
      { path: "c", pax: { "SCHILY.xattr.user.c": "" } },
    ]),
    needs: 18 + 6,
  },
  linkSteps: {
    image: imageOf([{ path: "d/e/" }, { path: "l", linkname: "d/e" }, { path: "l/f" }]),
    needs: 2,
  },
  logicalBytes: { image: imageOf([sparse, { path: "b", data: "b" }]), needs: 1_000_001 },
  archiveEntries: { archive, needs: 5 },
  archiveBytes: { archive: gzipSync(archive), needs: archive.length },
};

let registry: FakeRegistry;

before(async () => {
  registry = await startRegistry();
  for (const [limit, { image }] of Object.entries(cases)) {
    if (image !== undefined) registry.putImage(limit.toLowerCase(), image, "1");
  }
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

/** What is pulled: of the registry, or out of an archive in `directory`. */
async function referenceTo(directory: string, limit: string): Promise<string> {
  const bytes = isLimit(limit) ? cases[limit].archive : undefined;
  if (bytes === undefined) return `${registry.host}/${limit.toLowerCase()}:1`;
  await writeFile(join(directory, "archive"), bytes);
  return `oci-archive:${join(directory, "archive")}`;
}

async function pullWith(directory: string, limit: string, value: number): Promise<CliResult> {
  const file = join(directory, "config.yaml");
  await writeFile(file, `limits:\n  ${limit}: ${value}\n`);
  const reference = await referenceTo(directory, limit);
  return await runHere(["pull", "--config", file, reference], { directory });
}

describe("a limit of the configuration file", () => {
  for (const [limit, { needs, added = 0 }] of Object.entries(cases)) {
    test(`${limit}: one too few is refused by name, enough is not`, async (t) => {
      const directory = await newDirectory(t);
      const refused = await pullWith(directory, limit, needs - 1);
      assertFailure(
        refused,
        EXIT.limit,
        new RegExp(`more than the limit ${limit} = ${needs - 1} `),
      );
      const pulled = await pullWith(directory, limit, needs + added);
      assert.equal(pulled.exitCode, 0, pulled.stderr.join("\n"));
    });
  }
});

describe("a limit", () => {
  for (const limit of Object.keys(cases).filter(isLimit)) {
    const code = LIMIT_CODES[limit];
    test(`${limit} has the code ${code} and leaves nothing behind`, async (t) => {
      const limits = { ...DEFAULT_LIMITS, [limit]: cases[limit].needs - 1 };
      const setup = await setUpPull(t, { limits });
      const store = await setup.store();
      const reference = await referenceTo(setup.directory, limit);
      const context = { ...setup.context, archives: archivesAt(setup.directory) };
      const pull = pullToStore(store, reference, context, setup.options(), never);
      await assert.rejects(pull, { code });
      assert.deepEqual(await leftovers(store), []);
      assert.equal(EXIT_CODES[code], EXIT.limit);
    });
  }
});

function isLimit(name: string): name is keyof Limits {
  return Object.hasOwn(cases, name);
}
