import type { SquashfsCompressor } from "./kernel.ts";

/** A container runtime by the text of its `--version`. */
export interface Runtime {
  /** As its makers call it: `Apptainer`, `SingularityCE`. */
  readonly product: string;
  /** `1.4.1` */
  readonly version: string;
  /** What squashfs in a SIF it opens; undefined for a runtime that opens no SIF. */
  readonly reads: readonly SquashfsCompressor[] | undefined;
}

/** Ids 1 to 5 of squashfs, which every runtime that opens a SIF knows. */
const ALL_BUT_ZSTD: readonly SquashfsCompressor[] = ["gzip", "lzma", "lzo", "xz", "lz4"];

/** The first Apptainer that takes zstd for what it is. No SingularityCE does, up to 4.5. */
const APPTAINER_WITH_ZSTD = [1, 4] as const;

const PRODUCTS = [
  { pattern: /^apptainer version /i, product: "Apptainer", isApptainer: true, opensSif: true },
  { pattern: /^singularity-ce version /i, product: "SingularityCE", opensSif: true },
  { pattern: /^singularitypro version /i, product: "SingularityPRO", opensSif: true },
  // Version 2 says nothing but its number.
  { pattern: /^(singularity version |2\.)/i, product: "Singularity", opensSif: true },
  { pattern: /^runc version /i, product: "runc", opensSif: false },
  { pattern: /^crun version /i, product: "crun", opensSif: false },
  { pattern: /^podman version /i, product: "Podman", opensSif: false },
] as const;

/**
 * Reads what a runtime prints with `--version`. The command's name does not count: Apptainer comes
 * with a command `singularity`.
 *
 * @returns undefined for what is none of the runtimes that we know
 */
export function parseRuntime(text: string): Runtime | undefined {
  const line = text.trimStart().split("\n", 1)[0] ?? "";
  const known = PRODUCTS.find(({ pattern }) => pattern.test(line));
  const [version, major, minor] = /([0-9]+)\.([0-9]+)(\.[0-9]+)*/.exec(line) ?? [];
  if (known === undefined || version === undefined) return undefined;
  const isApptainer = "isApptainer" in known;
  const readsZstd = isApptainer && isAtLeast([Number(major), Number(minor)], APPTAINER_WITH_ZSTD);
  return {
    product: known.product,
    version,
    reads: known.opensSif ? [...ALL_BUT_ZSTD, ...(readsZstd ? ["zstd" as const] : [])] : undefined,
  };
}

type MajorMinor = readonly [number, number];

function isAtLeast([major, minor]: MajorMinor, [least, leastMinor]: MajorMinor): boolean {
  return major > least || (major === least && minor >= leastMinor);
}
