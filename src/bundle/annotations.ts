import type { OciConfig, Platform } from "../image/index.ts";

/** The annotations of a bundle, and the labels of the image that are not among them. */
export interface Annotations {
  readonly annotations: Readonly<Record<string, string>>;
  readonly leftOut: readonly string[];
}

/**
 * Runtimes act on annotations that begin so: they set properties of systemd units, name files of the
 * host to write to, choose how and by what the container runs. A stranger's image is not to.
 */
const ACTED_ON = [
  "org.systemd.",
  "org.criu.",
  "run.oci.",
  "module.wasm.",
  "io.katacontainers.",
  "io.kubernetes.",
  "dev.gvisor.",
];

const PREFIX = "org.opencontainers.image.";

/**
 * What an image says of itself, as annotations; its labels are stronger than what is made of the
 * rest. Author and time of creation are no part of a SIF, so neither is of a bundle.
 *
 * @see image-spec conversion.md, annotations
 */
export function annotationsOf(config: OciConfig, platform: Platform): Annotations {
  const implicit: Readonly<Record<string, string | undefined>> = {
    os: platform.os,
    architecture: platform.architecture,
    variant: platform.variant,
    stopSignal: config.StopSignal,
    exposedPorts: config.ExposedPorts && Object.keys(config.ExposedPorts).join(","),
  };
  const annotations = new Map<string, string>();
  for (const [name, value] of Object.entries(implicit)) {
    if (value !== undefined && value !== "") annotations.set(`${PREFIX}${name}`, value);
  }
  const leftOut: string[] = [];
  for (const [name, value] of Object.entries(config.Labels ?? {})) {
    // The runtime specification knows no empty name.
    if (name === "" || ACTED_ON.some((prefix) => name.startsWith(prefix))) leftOut.push(name);
    else annotations.set(name, value);
  }
  return { annotations: Object.fromEntries(annotations), leftOut };
}
