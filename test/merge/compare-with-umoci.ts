import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertLayers, type Cleanup, type Converted } from "../fixtures/convert-layers.ts";
import { LAYOUT_PATHS } from "../fixtures/layout-paths.ts";
import { tar } from "../fixtures/tar/index.ts";
import { compareTrees, readTree, umociUnpack, withKernelMount, type Tree } from "../real/index.ts";
import { tarItem, type Stack } from "./stack-entry.ts";
import { writeLayout } from "./write-layout.ts";

/** Of an image without a single attribute the kernel says that it cannot have any. */
const ATTRIBUTES = { path: "attributes", pax: { "SCHILY.xattr.user.a": "1" } };

/**
 * Unpacks the stack with umoci, converts it, has the kernel read the image, and answers where the
 * two differ; both refusing it is no difference. Not compared are times of directories that umoci
 * took from the clock.
 */
export async function differencesFromUmoci(t: Cleanup, stack: Stack): Promise<readonly string[]> {
  const started = Math.floor(Date.now() / 1000);
  const layers = [...stack.map((entries) => tar(entries.map(tarItem))), tar([ATTRIBUTES])];
  const expected = await unpack(layers);
  const image = await convert(t, layers);
  if (expected instanceof Error) {
    return image instanceof Error ? [] : [`only umoci refuses: ${expected.message}`];
  }
  if (image instanceof Error) return [`only siflet refuses: ${image.message}`];
  const tree = await withKernelMount(image.path, image.partition, readTree);
  return compareTrees(expected, tree, {
    addedPaths: LAYOUT_PATHS,
    ignoreMtimeOf: (_, { type, mtime }) => type === "directory" && mtime >= started,
  });
}

async function unpack(layers: readonly Uint8Array[]): Promise<Tree | Error> {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-merge-"));
  const image = { layout: join(work.path, "layout"), tag: "stack" };
  await writeLayout(image, layers);
  let root: string;
  try {
    root = await umociUnpack(image, join(work.path, "bundle"));
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  return await readTree(root);
}

async function convert(t: Cleanup, layers: readonly Uint8Array[]): Promise<Converted | Error> {
  try {
    return await convertLayers(
      t,
      layers.map((layer) => ({ tar: layer })),
    );
  } catch (error) {
    if (error instanceof Error && "code" in error) return error;
    throw error;
  }
}
