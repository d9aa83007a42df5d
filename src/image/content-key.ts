import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { ImageConfig } from "./image-config.ts";
import type { OciConfig } from "./oci-config.ts";

/**
 * The bytes of `oci-config.json` in a SIF: `config` by RFC 8785.
 *
 * @param config - from `parseOciConfig`, so that fields which say nothing are absent
 * @see design decision 2
 */
export function ociConfigJson(config: OciConfig): Uint8Array {
  return canonicalJson(config);
}

/**
 * 64 hex digits that are equal for images of equal content, and for no others: the SHA-256 of the
 * RFC 8785 JSON of architecture, config, diffIDs, os and variant. Copies between registries,
 * compressions and the Docker and OCI forms keep it.
 *
 * @param image - from `parseImageConfig`
 * @see design decision 2
 */
export function contentKey(
  image: Pick<ImageConfig, "architecture" | "config" | "diffIds" | "os" | "variant">,
): string {
  const { architecture, config, diffIds, os, variant } = image;
  const bytes = canonicalJson({ architecture, config, diffIDs: diffIds, os, variant });
  return createHash("sha256").update(bytes).digest("hex");
}
