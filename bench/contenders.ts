import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Compression } from "../src/image/index.ts";
import { measure, type Cost } from "./measure.ts";

/** The published command; its first line finds the project's Node where `npm run` does. */
const siflet = resolve(import.meta.dirname, "../dist/main.js");

/** One way to do a job, measured from outside. */
export interface Contender {
  readonly name: string;
  /** Does the job in the empty folder `work`; answers what it cost and the file it made, if any. */
  run(work: string): Promise<{ readonly cost: Cost; readonly file?: string }>;
}

export function coldPull(reference: string, compression: Compression): Contender {
  return {
    name: `siflet, ${compression}`,
    async run(work) {
      const store = join(work, "store");
      const args = ["pull", "--quiet", "--store", store, "--compression", compression, reference];
      const cost = await measure(siflet, args);
      const [file = ""] = await readdir(join(store, "images"));
      return { cost, file: join(store, "images", file) };
    },
  };
}

/** A pull into a store that has `before` already. */
export function warmPull(
  name: string,
  before: string,
  reference: string,
  compression: Compression,
): Contender {
  return {
    name,
    async run(work) {
      const store = join(work, "store");
      const pull = ["pull", "--quiet", "--store", store, "--compression", compression];
      await measure(siflet, [...pull, before]);
      return { cost: await measure(siflet, [...pull, reference]) };
    },
  };
}

/** A pull of what is in a store already, with nothing around it: its start counts most. */
export async function presentPull(reference: string, store: string): Promise<Contender> {
  const args = ["pull", "--quiet", "--store", store, reference];
  await measure(siflet, args);
  return startUp("siflet pull, present already", siflet, args);
}

/** What Singularity does by default: copy, unpack to a folder, pack the folder. */
export function referenceChain(reference: string): Contender {
  return {
    name: "skopeo + umoci + mksquashfs",
    async run(work) {
      const script = [
        'cd "$1"',
        'skopeo copy --quiet --insecure-policy --src-tls-verify=false "$2" oci:layout:image',
        "umoci unpack --image layout:image bundle",
        "mksquashfs bundle/rootfs image.squashfs -noappend -no-progress -quiet",
      ].join(" && ");
      const cost = await measure("sh", ["-c", script, "sh", work, reference]);
      return { cost, file: join(work, "image.squashfs") };
    },
  };
}

/** What the same work costs at least, in C: decompress, hash blob, tar and result, pack. */
export function floorChain(blobs: readonly string[], merged: string): Contender {
  return {
    name: "pigz + openssl + tar2sqfs",
    async run(work) {
      const script = [
        'cd "$1"; merged=$2; shift 2',
        'for blob in "$@"; do openssl sha256 "$blob"; pigz -dc "$blob" | openssl sha256; done',
        "tar2sqfs --quiet -c zstd -X level=3 -b 262144 -j 2 image.squashfs < $merged",
        "openssl sha256 image.squashfs",
      ].join("\n");
      const cost = await measure("sh", ["-ec", script, "sh", work, merged, ...blobs]);
      return { cost, file: join(work, "image.squashfs") };
    },
  };
}

/** A command that does nothing worth measuring but start. */
export function startUp(name: string, command: string, args: readonly string[]): Contender {
  return {
    name,
    async run() {
      return { cost: await measure(command, args) };
    },
  };
}
