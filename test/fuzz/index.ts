import { decompressTarget } from "./decompress-target.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { imageTarget } from "./image-target.ts";
import { mergeTarget, mergeUmociTarget } from "./merge-targets.ts";
import { sifTarget } from "./sif-target.ts";
import { squashfsTarget } from "./squashfs-target.ts";
import { tarTarget } from "./tar-target.ts";

export type { FuzzBatch, FuzzFailure, FuzzTarget } from "./fuzz-target.ts";

export const FUZZ_TARGET_NAMES = [
  "decompress",
  "image",
  "merge",
  "merge-umoci",
  "sif",
  "squashfs",
  "tar",
] as const;

export type FuzzTargetName = (typeof FUZZ_TARGET_NAMES)[number];

export const FUZZ_TARGETS: Readonly<Record<FuzzTargetName, FuzzTarget>> = {
  decompress: decompressTarget,
  image: imageTarget,
  merge: mergeTarget,
  "merge-umoci": mergeUmociTarget,
  sif: sifTarget,
  squashfs: squashfsTarget,
  tar: tarTarget,
};

export function isFuzzTarget(name: string): name is FuzzTargetName {
  return Object.hasOwn(FUZZ_TARGETS, name);
}
