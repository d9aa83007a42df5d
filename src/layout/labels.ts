import type { OciConfig } from "../image/index.ts";

/** The image whose content decides what is added to it. */
export interface LayoutInput {
  readonly config: OciConfig;
  /** As the image's configuration names it, in Go's words. */
  readonly architecture: string;
  /** "" for none. */
  readonly variant: string;
}

/**
 * The labels of an image by ascending name (UTF-16 code units, as RFC 8785 has it): its own, and
 * beside them, where it has none of that name, what follows from its content. No time, tool
 * version or source: equal content must give equal bytes.
 *
 * @see sif.md §3.4, labels.json
 */
export function imageLabels({ config, architecture, variant }: LayoutInput): Map<string, string> {
  const labels = new Map([
    ["org.label-schema.build-arch", architecture],
    ["org.label-schema.schema-version", "1.0"],
    ["org.opencontainers.image.architecture", architecture],
  ]);
  if (variant !== "") labels.set("org.opencontainers.image.variant", variant);
  for (const [name, value] of Object.entries(config.Labels ?? {})) labels.set(name, value);
  return new Map([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The text of labels.json: one label a line, indented by a tab; no line feed at the end. */
export function labelsJson(input: LayoutInput): string {
  // Not JSON.stringify of an object: it would put names such as `10` first.
  const members = Array.from(
    imageLabels(input),
    ([name, value]) => `\t${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  return `{\n${members.join(",\n")}\n}`;
}
