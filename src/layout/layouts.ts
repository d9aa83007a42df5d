import type { Layout } from "../image/index.ts";
import { inspectMetadata, plainInspectMetadata } from "./inspect-metadata.ts";
import type { LayoutInput } from "./labels.ts";
import { runtimeEntries, type RuntimeEntry } from "./runtime-entries.ts";
import { sifObjects, type LayoutObject } from "./sif-objects.ts";

/**
 * What siflet itself puts into a SIF, frozen under its id. A change to a byte of it is a new number.
 */
export interface FrozenLayout {
  /** `layout/1` or `plain/1`. */
  readonly id: string;
  /** What is added to the image's tree, to be applied in this order, each by its policy. */
  readonly entries: (input: LayoutInput) => readonly RuntimeEntry[];
  /** The data objects that stand before the root partition, in file order. */
  readonly objects: (input: LayoutInput) => readonly LayoutObject[];
}

/** @see docs/layout-1.md, docs/plain-1.md */
export const LAYOUTS: Readonly<Record<Layout, FrozenLayout>> = {
  runtime: {
    id: "layout/1",
    entries: runtimeEntries,
    objects: (input) => sifObjects(input, inspectMetadata(input)),
  },
  plain: {
    id: "plain/1",
    entries: () => [],
    objects: (input) => sifObjects(input, plainInspectMetadata(input)),
  },
};
