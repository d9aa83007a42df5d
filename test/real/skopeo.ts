import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "./run.ts";
import { layersOf, type LayoutImage } from "./umoci.ts";

export interface PushOptions {
  /** Rewrites the manifest as Docker schema 2; default: as it is. */
  readonly format?: "v2s2";
  /** Refuses to change any blob, else skopeo swaps in gzip copies that the registry has. */
  readonly preserveDigests?: boolean;
  /** File of the login to push with; default: as nobody. */
  readonly authFile?: string;
}

/**
 * Copies an image of a layout to a plain-HTTP registry.
 *
 * @param name - `HOST:PORT/REPOSITORY:TAG`
 * @returns the digest of the manifest that the registry now has
 */
export async function pushImage(
  image: LayoutImage,
  name: string,
  options: PushOptions = {},
): Promise<string> {
  const format = options.format === undefined ? [] : ["--format", options.format];
  const preserve = options.preserveDigests === true ? ["--preserve-digests"] : [];
  const { authFile } = options;
  const login = authFile === undefined ? ["--dest-no-creds"] : ["--dest-authfile", authFile];
  return await copyImage(
    ["--dest-tls-verify=false", ...login, ...format, ...preserve],
    `oci:${image.layout}:${image.tag}`,
    `docker://${name}`,
  );
}

/** Media type of a layer by its compression. */
const LAYER_TYPES = {
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  plain: "application/vnd.oci.image.layer.v1.tar",
} as const;

/**
 * Makes a layout that holds the same image with its layers compressed otherwise. To be pushed with
 * `preserveDigests`.
 *
 * @param layout - a folder that does not exist yet
 */
export async function recompressImage(
  image: LayoutImage,
  compression: keyof typeof LAYER_TYPES,
  layout: string,
): Promise<LayoutImage> {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-recompress-"));
  // Decompressed first: skopeo leaves alone what is compressed in any way.
  const plain = `dir:${join(work.path, "plain")}`;
  await copyImage(["--dest-decompress"], `oci:${image.layout}:${image.tag}`, plain);
  const how =
    compression === "zstd"
      ? ["--dest-compress-format", "zstd"]
      : ["--dest-oci-accept-uncompressed-layers"];
  await copyImage(how, plain, `oci:${layout}:${image.tag}`);
  const made = { layout, tag: image.tag };
  for (const layer of await layersOf(made)) {
    if (layer.mediaType !== LAYER_TYPES[compression]) {
      throw new Error(`${layer.digest}: expected ${compression}, skopeo made ${layer.mediaType}`);
    }
  }
  return made;
}

/**
 * `skopeo copy` between any two of its transports.
 *
 * @returns the digest of the manifest that was written
 */
export async function copyImage(
  options: readonly string[],
  from: string,
  to: string,
): Promise<string> {
  await using home = await mkdtempDisposable(join(tmpdir(), "siflet-skopeo-"));
  const digestFile = join(home.path, "digest");
  // skopeo remembers which compressed forms of a blob it met, for root in a folder of the system.
  // A folder of this call alone keeps one test from another; the first variable is what makes root
  // look there.
  const env = {
    _CONTAINERS_ROOTLESS_UID: "1",
    HOME: home.path,
    XDG_RUNTIME_DIR: home.path,
    XDG_DATA_HOME: home.path,
  };
  const args = ["copy", "--quiet", "--digestfile", digestFile, ...options, from, to];
  await run("skopeo", ["--insecure-policy", ...args], { env });
  return (await readFile(digestFile, "utf8")).trim();
}
