import type { FuzzTarget } from "./fuzz-target.ts";

export type { FuzzBatch, FuzzFailure, FuzzTarget } from "./fuzz-target.ts";

export const FUZZ_TARGET_NAMES = [
  "archive",
  "cosign",
  "credentials",
  "decompress",
  "hosts",
  "image",
  "library",
  "merge",
  "merge-umoci",
  "registry",
  "sif",
  "signing",
  "squashfs",
  "tar",
] as const;

export type FuzzTargetName = (typeof FUZZ_TARGET_NAMES)[number];

/**
 * Loads one target, and nothing of the others: the memory that it may need is measured for the whole
 * process, and what the others import is a hundred MiB of it.
 */
export async function loadFuzzTarget(name: FuzzTargetName): Promise<FuzzTarget> {
  switch (name) {
    case "archive":
      return (await import("./archive-target.ts")).archiveTarget;
    case "cosign":
      return (await import("./cosign-target.ts")).cosignTarget;
    case "credentials":
      return (await import("./credentials-target.ts")).credentialsTarget;
    case "decompress":
      return (await import("./decompress-target.ts")).decompressTarget;
    case "hosts":
      return (await import("./hosts-target.ts")).hostsTarget;
    case "image":
      return (await import("./image-target.ts")).imageTarget;
    case "library":
      return (await import("./library-target.ts")).libraryTarget;
    case "merge":
      return (await import("./merge-targets.ts")).mergeTarget;
    case "merge-umoci":
      return (await import("./merge-targets.ts")).mergeUmociTarget;
    case "registry":
      return (await import("./registry-target.ts")).registryTarget;
    case "sif":
      return (await import("./sif-target.ts")).sifTarget;
    case "signing":
      return (await import("./signing-target.ts")).signingTarget;
    case "squashfs":
      return (await import("./squashfs-target.ts")).squashfsTarget;
    case "tar":
      return (await import("./tar-target.ts")).tarTarget;
  }
}

export function isFuzzTarget(name: string): name is FuzzTargetName {
  return FUZZ_TARGET_NAMES.some((known) => known === name);
}
