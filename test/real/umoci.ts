import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import { run } from "./run.ts";

/** One tagged image in an OCI image layout. */
export interface LayoutImage {
  readonly layout: string;
  readonly tag: string;
}

/** The parts of an image configuration that umoci can set. */
export interface BuildConfig {
  /** Default: amd64, whatever machine builds, so that the image is the same everywhere. */
  readonly architecture?: string;
  readonly user?: string;
  readonly workingDir?: string;
  readonly stopSignal?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `NAME=value` each. */
  readonly env?: readonly string[];
  readonly exposedPorts?: readonly string[];
  readonly volumes?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

const CREATED = "2024-05-06T07:08:09Z";

/**
 * Makes `image.layout` with one image of the given layers, bottom first, each an uncompressed tar
 * archive that umoci adds as it is, compressed with gzip.
 */
export async function buildImage(
  image: LayoutImage,
  layers: readonly string[],
  config: BuildConfig,
): Promise<void> {
  await startImage(image, config);
  for (const layer of layers) await addLayer(image, layer);
}

/** Makes `image.layout` with one image of no layers. */
export async function startImage(image: LayoutImage, config: BuildConfig): Promise<void> {
  await run("umoci", ["init", "--layout", image.layout]);
  await run("umoci", ["new", "--image", spell(image)]);
  await run("umoci", ["config", "--no-history", ...configOptions(config), "--image", spell(image)]);
}

/** Adds the uncompressed tar archive `tar` as the topmost layer, byte for byte. */
export async function addLayer(image: LayoutImage, tar: string): Promise<void> {
  const history = ["--history.created", CREATED, "--history.created_by", "raw add-layer"];
  await run("umoci", ["raw", "add-layer", ...history, "--image", spell(image), tar]);
}

/** Adds what changed in an unpacked bundle as the topmost layer, and notes the new state in it. */
export async function repackLayer(image: LayoutImage, bundle: string): Promise<void> {
  const history = ["--history.created", CREATED, "--history.created_by", "repack"];
  await run("umoci", ["repack", "--refresh-bundle", ...history, "--image", spell(image), bundle]);
}

/**
 * Unpacks an image with umoci, the yardstick for what layers mean. Root gets owners, devices and
 * xattrs as they are; for another user every file is his own and devices are empty files.
 *
 * @param bundle - a folder that does not exist yet
 * @returns the folder of the image's root
 */
export async function umociUnpack(image: LayoutImage, bundle: string): Promise<string> {
  const rootless = process.getuid?.() === 0 ? [] : ["--rootless"];
  await run("umoci", ["unpack", ...rootless, "--image", spell(image), bundle]);
  return join(bundle, "rootfs");
}

/** The parsed manifest's layers: media type and digest of each, bottom first. */
export async function layersOf(
  image: LayoutImage,
): Promise<readonly { readonly mediaType: string; readonly digest: string }[]> {
  const index = record(await readJson(join(image.layout, "index.json")));
  const named = list(index["manifests"])
    .map(record)
    .find((entry) => {
      return record(entry["annotations"])["org.opencontainers.image.ref.name"] === image.tag;
    });
  if (named === undefined) throw new Error(`${spell(image)}: no such image`);
  const manifest = record(await readJson(blobPath(image, text(named["digest"]))));
  return list(manifest["layers"]).map((entry) => {
    const layer = record(entry);
    return { mediaType: text(layer["mediaType"]), digest: text(layer["digest"]) };
  });
}

/** Where the layout keeps the blob of that digest. */
export function blobPath(image: LayoutImage, digest: string): string {
  return join(image.layout, "blobs", ...digest.split(":"));
}

function spell(image: LayoutImage): string {
  return `${image.layout}:${image.tag}`;
}

function configOptions(config: BuildConfig): string[] {
  const options = ["--created", CREATED, "--os", "linux"];
  options.push("--architecture", config.architecture ?? "amd64");
  const add = (name: string, values: readonly string[] | undefined): void => {
    for (const value of values ?? []) options.push(`--config.${name}`, value);
  };
  const one = (value: string | undefined): string[] => (value === undefined ? [] : [value]);
  add("user", one(config.user));
  add("workingdir", one(config.workingDir));
  add("stopsignal", one(config.stopSignal));
  add("entrypoint", config.entrypoint);
  add("cmd", config.cmd);
  add("env", config.env);
  add("exposedports", config.exposedPorts);
  add("volume", config.volumes);
  add(
    "label",
    Object.entries(config.labels ?? {}).map(([name, value]) => `${name}=${value}`),
  );
  return options;
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new Error("expected a JSON object");
  return { ...value };
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error("expected a JSON array");
  return value;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Error("expected a JSON string");
  return value;
}
