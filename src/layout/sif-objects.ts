import { ociConfigJson, type OciConfig } from "../image/index.ts";
import { definitionText } from "./definition-text.ts";
import type { LayoutInput } from "./labels.ts";

/** One data object of a SIF, but for its place in the file. */
export interface LayoutObject {
  readonly kind: "definition" | "json";
  /** "" for none. */
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * The data objects that stand before the root partition, in file order. They depend on the image's
 * content alone: no reference, tag, digest or time is in them.
 *
 * @param metadata - the inspect metadata of the image's layout
 * @see docs/layout-1.md; sif.md §3.1, §4
 */
export function sifObjects({ config }: LayoutInput, metadata: string): readonly LayoutObject[] {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  return [
    { kind: "definition", name: "", content: bytes(definitionText()) },
    { kind: "json", name: "inspect-metadata.json", content: bytes(metadata) },
    { kind: "json", name: "oci-config.json", content: ociConfigJson(withoutBareNames(config)) },
  ];
}

/**
 * Entries of `Env` without `=` set nothing, and readers that cut each entry in two end at one, as
 * Singularity-CRI does.
 *
 * @see sif.md §4
 */
function withoutBareNames(config: OciConfig): OciConfig {
  const { Env: entries = [], ...others } = config;
  const pairs = entries.filter((entry) => entry.includes("="));
  return pairs.length === 0 ? others : { ...others, Env: pairs };
}
