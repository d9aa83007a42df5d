import type { Descriptor, Platform } from "./descriptor.ts";
import { ImageError } from "./image-error.ts";
import { isIndexType, isManifestType } from "./media-type.ts";

const WORD = /^[A-Za-z0-9_.-]{1,64}$/;

/** Other words for an architecture, and the variant that they imply. */
const ARCHITECTURES: ReadonlyMap<string, readonly [architecture: string, variant?: string]> =
  new Map([
    ["x86_64", ["amd64"]],
    ["x86-64", ["amd64"]],
    ["i386", ["386"]],
    ["aarch64", ["arm64"]],
    ["armhf", ["arm", "v7"]],
    ["armel", ["arm", "v6"]],
  ]);

/** Node's words for architectures where they differ from Go's. */
const NODE_ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ["x64", "amd64"],
  ["ia32", "386"],
  // Node runs on the little-endian one only.
  ["ppc64", "ppc64le"],
  ["mipsel", "mipsle"],
]);

/**
 * Reads `os/architecture` or `os/architecture/variant` as users write it, into normal form.
 *
 * @throws ImageError `PLATFORM_INVALID`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const [os, architecture, variant] = parts;
  const words = parts.length <= 3 && parts.every((part) => WORD.test(part));
  if (!words || os === undefined || architecture === undefined) {
    throw new ImageError(
      "PLATFORM_INVALID",
      `platform ${JSON.stringify(text.slice(0, 200))}: expected os/architecture or os/architecture/variant`,
    );
  }
  return normalizePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

/** `linux/arm/v7`: the platform as it is, a variant that says nothing left out. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant ?? "";
  return `${platform.os}/${platform.architecture}${variant === "" ? "" : `/${variant}`}`;
}

/**
 * One spelling for what means the same: Go's words in lower case, `arm` always with a variant (v7),
 * arm64's v8 and amd64's v1 without.
 *
 * @see registry.md §6.3
 */
export function normalizePlatform(platform: Platform): Platform {
  const word = platform.architecture.toLowerCase();
  const [architecture, implied] = ARCHITECTURES.get(word) ?? [word];
  const given = implied ?? (platform.variant ?? "").toLowerCase();
  const variant = normalizeVariant(architecture, given);
  const os = platform.os.toLowerCase();
  const osFeatures = platform.osFeatures ?? [];
  return {
    os: os === "macos" ? "darwin" : os,
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...(osFeatures.length === 0 ? {} : { osFeatures }),
  };
}

/**
 * The platform of images for this host.
 *
 * @param arch - Node's `process.arch`; os is linux on every host, for SIF images are Linux images
 */
export function hostPlatform(arch: string): Platform {
  return normalizePlatform({ os: "linux", architecture: NODE_ARCHITECTURES.get(arch) ?? arch });
}

/**
 * The entry of an index to read for `wanted`: the best variant that runs there, and of equals the
 * first in the index. Never another architecture, and nothing for windows.
 *
 * An index with a single image that names no platform gives that one: its configuration says what it
 * is, and the caller compares. Attestations and media types other than manifests and indexes do not
 * count as images.
 *
 * @returns undefined when no entry fits
 * @see registry.md §6.3
 */
export function choosePlatform(
  manifests: readonly Descriptor[],
  wanted: Platform,
): Descriptor | undefined {
  const images = manifests.filter(isImageEntry);
  const [only] = images;
  if (images.length === 1 && only !== undefined && only.platform === undefined) return only;
  const target = normalizePlatform(wanted);
  let best: Descriptor | undefined;
  let bestRank = -1;
  for (const entry of images) {
    const rank =
      entry.platform === undefined ? -1 : rankOf(normalizePlatform(entry.platform), target);
    if (rank <= bestRank) continue;
    best = entry;
    bestRank = rank;
  }
  return best;
}

function isImageEntry(entry: Descriptor): boolean {
  if (!isManifestType(entry.mediaType) && !isIndexType(entry.mediaType)) return false;
  // BuildKit stores what it attests of an image beside the image, as a manifest of no platform.
  if (entry.annotations?.["vnd.docker.reference.type"] === "attestation-manifest") return false;
  return entry.platform?.os !== "unknown" || entry.platform.architecture !== "unknown";
}

/** How well an entry of normal form fits: negative is not at all, more is better. */
function rankOf(entry: Platform, wanted: Platform): number {
  if (entry.os === "windows" || entry.os !== wanted.os) return -1;
  if (entry.architecture !== wanted.architecture) return -1;
  const offered = wanted.osFeatures ?? [];
  if (!(entry.osFeatures ?? []).every((feature) => offered.includes(feature))) return -1;
  const entryVariant = entry.variant ?? "";
  const wantedVariant = wanted.variant ?? "";
  if (entryVariant === wantedVariant) return Number.MAX_SAFE_INTEGER;
  const has = levelOf(entry.architecture, entryVariant);
  const can = levelOf(wanted.architecture, wantedVariant);
  if (has === undefined || can === undefined || has.major > can.major) return -1;
  // Arm's v9.x holds all of v8.(x+5).
  const minor = has.major < can.major ? can.minor + 5 : can.minor;
  const fits = entry.architecture !== "arm64" || has.minor <= minor;
  return fits ? has.major * 1000 + has.minor : -1;
}

/** The level that a variant in normal form stands for, where an architecture has levels. */
function levelOf(
  architecture: string,
  variant: string,
): { major: number; minor: number } | undefined {
  const pattern = LEVELS.get(architecture);
  const found = pattern?.exec(variant === "" ? (BASE_VARIANT.get(architecture) ?? "") : variant);
  if (found === undefined || found === null) return undefined;
  return { major: Number(found[1]), minor: Number(found[2] ?? 0) };
}

const LEVELS: ReadonlyMap<string, RegExp> = new Map([
  ["amd64", /^v([1-9])$/],
  ["arm", /^v([5-9])$/],
  ["arm64", /^v([89])(?:\.([1-9][0-9]?))?$/],
]);

/** The level that no variant stands for. */
const BASE_VARIANT: ReadonlyMap<string, string> = new Map([
  ["amd64", "v1"],
  ["arm64", "v8"],
]);

function normalizeVariant(architecture: string, variant: string): string {
  if (!LEVELS.has(architecture)) return variant;
  if (variant === "") return architecture === "arm" ? "v7" : "";
  const level = /^[0-9]/.test(variant) ? `v${variant}` : variant;
  const short = level.replace(/\.0$/, "");
  return short === BASE_VARIANT.get(architecture) ? "" : short;
}
