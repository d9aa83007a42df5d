import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertLayers, type Converted } from "../fixtures/convert-layers.ts";
import { LAYOUT_PATHS } from "../fixtures/layout-paths.ts";
import { tar } from "../fixtures/tar/index.ts";
import { compareTrees, readTree, umociUnpack, withKernelMount, type Tree } from "../real/index.ts";
import { tarItem, type Stack } from "./stack-entry.ts";
import { writeLayout } from "./write-layout.ts";

/** Who the files of a conversion are removed for; a test's context is one. */
export type Owner = Parameters<typeof convertLayers>[0];

/**
 * Unpacks the stack with umoci, converts it, has the kernel read the image, and answers where the
 * two differ; both refusing it is no difference. Not compared are times of directories that umoci
 * took from the clock.
 */
export async function differencesFromUmoci(t: Owner, stack: Stack): Promise<readonly string[]> {
  const started = Math.floor(Date.now() / 1000);
  const layers = stack.map((entries) => tar(entries.map(tarItem)));
  const expected = await unpack(layers);
  const image = await convert(t, layers);
  if (expected instanceof Error || image instanceof Error) {
    if (expected instanceof Error && image instanceof Error) return [];
    if (expected instanceof Error) return [`only umoci refuses: ${expected.message}`];
    return [`only siflet refuses: ${String(image)}`];
  }
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

async function convert(t: Owner, layers: readonly Uint8Array[]): Promise<Converted | Error> {
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
