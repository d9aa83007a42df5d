import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { openSquashfs } from "../../src/squashfs/index.ts";
import { convertSmall } from "../fixtures/convert-small.ts";
import { imageTree } from "../fixtures/image-tree.ts";
import { never, strictSource } from "../fixtures/small-squashfs.ts";
import { tar } from "../fixtures/tar/index.ts";
import { compareTrees } from "../real/index.ts";
import { lintImage } from "../squashfs/lint/lint-image.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { imageInput } from "./image-inputs.ts";

/**
 * Sound layers of all shapes, converted: the image has nothing that any reader stumbles over, and the
 * strict reader finds in it what the layer holds.
 */
export const imageTarget: FuzzTarget = fuzzTarget({
  inputs: imageInput,
  async answer({ compression, layer }) {
    const image = await convertSmall([tar(layer.items)], compression);
    assert.deepEqual(lintImage(image), []);
    const reader = await openSquashfs(strictSource(image), { limits: DEFAULT_LIMITS }, never);
    assert.deepEqual(compareTrees(layer.tree, await imageTree(reader)), []);
    return `converted with ${compression}`;
  },
  show: ({ compression, layer: { items } }) => {
    const shown = items.map(({ data, ...item }) => ({ ...item, size: data?.length }));
    return `${compression} ${JSON.stringify(shown)}`;
  },
  batch: 50,
  memoryMiB: 700,
});
