import { isDigest, type Digest } from "./digest.ts";
import { ImageError } from "./image-error.ts";
import { isAbsent, isRecord, kindOf } from "./json-value.ts";
import { parseOciConfig, type OciConfig } from "./oci-config.ts";
import { parseStrictJson } from "./strict-json.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** What an image's configuration blob says that we use. */
export interface ImageConfig {
  /** As in the blob, never normalised; "" where it says nothing, and so the next two. */
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
  /** Digest of each layer's uncompressed tar, the lowest first. */
  readonly diffIds: readonly Digest[];
  readonly config: OciConfig;
  /** RFC 3339 as in the blob, unchecked. */
  readonly created?: string;
  readonly author?: string;
}

/**
 * Reads an image's configuration of either family, after its bytes were checked against their
 * digest. The caller compares the number of diffIDs with that of the layers.
 *
 * @param what - the document, as the user knows it, for messages
 * @throws ImageError `CONFIG_INVALID` for no strict JSON, a wrong type, or a rootfs whose type is not
 *   `layers`; `DIGEST_INVALID` for a diffID other than sha256
 * @see registry.md §6.4; OCI image-spec, image configuration
 */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const document = parseStrictJson(bytes, what, "CONFIG_INVALID");
  if (!isRecord(document)) throw invalid(what, "an image configuration", document);
  const created = textOf(document, "created", what);
  const author = textOf(document, "author", what);
  return {
    os: textOf(document, "os", what),
    architecture: textOf(document, "architecture", what),
    variant: textOf(document, "variant", what),
    diffIds: diffIdsOf(document["rootfs"], what),
    config: parseOciConfig(document["config"], what),
    ...(created === "" ? {} : { created }),
    ...(author === "" ? {} : { author }),
  };
}

function textOf(document: JsonObject, name: string, what: string): string {
  const text = document[name];
  if (isAbsent(text)) return "";
  if (typeof text === "string") return text;
  throw invalid(what, `${name} as a string`, text);
}

/** Docker leaves `diff_ids` out where an image has no layers. */
function diffIdsOf(rootfs: unknown, what: string): readonly Digest[] {
  if (!isRecord(rootfs)) throw invalid(what, "rootfs as an object", rootfs);
  if (rootfs["type"] !== "layers") throw invalid(what, 'rootfs.type "layers"', rootfs["type"]);
  const list = rootfs["diff_ids"];
  if (isAbsent(list)) return [];
  if (!Array.isArray(list)) throw invalid(what, "rootfs.diff_ids as a list", list);
  return list.map((item: unknown, n) => {
    const place = `diffID ${n + 1}`;
    if (typeof item !== "string") throw invalid(what, `${place} as a string`, item);
    if (isDigest(item)) return item;
    throw new ImageError(
      "DIGEST_INVALID",
      `${what}: expected ${place} as sha256: and 64 lower-case hex digits, got ${JSON.stringify(item.slice(0, 200))}`,
    );
  });
}

function invalid(what: string, expected: string, got: unknown): ImageError {
  const came = typeof got === "string" && got !== "" ? "another" : kindOf(got);
  return new ImageError("CONFIG_INVALID", `${what}: expected ${expected}, got ${came}`);
}
