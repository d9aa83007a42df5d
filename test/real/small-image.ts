import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import { tar } from "../fixtures/tar/index.ts";
import type { CompareOptions } from "./compare-trees.ts";
import { cachedFolder } from "./image-cache.ts";
import { smallLayers } from "./small-layers.ts";
import { buildImage, type BuildConfig, type LayoutImage } from "./umoci.ts";

const CONFIG: BuildConfig = {
  cmd: ["/bin/tool", "--serve"],
  entrypoint: ["/bin/sh", "-c"],
  env: ["PATH=/usr/bin:/bin", "GREETING=two words; $HOME 'and' \"quotes\""],
  exposedPorts: ["8080/tcp"],
  labels: { "org.opencontainers.image.title": "small", empty: "" },
  stopSignal: "SIGUSR1",
  user: "1000:1000",
  volumes: ["/var/data"],
  workingDir: "/home/user",
};

/**
 * The image of every submission's tests: three layers, some hundred files, every kind of entry that
 * a layer can hold. The same bytes on every machine, whoever builds: its archives are written here,
 * so that it needs no root. Built by umoci, once.
 */
export async function smallImage(): Promise<LayoutImage> {
  const recipe = ["small-image.ts", "small-layers.ts", "generated-bytes.ts", "umoci.ts"];
  recipe.push("../fixtures/tar/tar-writer.ts");
  const folder = await cachedFolder(
    "small",
    recipe.map((file) => join(import.meta.dirname, file)),
    async (work) => {
      await using scrap = await mkdtempDisposable(join(work, "archives-"));
      const archives: string[] = [];
      for (const [index, entries] of smallLayers().entries()) {
        const archive = join(scrap.path, `layer-${index}.tar`);
        await writeFile(archive, tar(entries));
        archives.push(archive);
      }
      await buildImage({ layout: join(work, "layout"), tag: "small" }, archives, CONFIG);
    },
  );
  return { layout: join(folder, "layout"), tag: "small" };
}

/** What this user can compare of two unpacked copies of the small image: root, everything. */
export function comparableHere(): CompareOptions {
  if (process.getuid?.() === 0) return {};
  return {
    ignoredFacts: ["mode", "uid", "gid", "xattrs"],
    ignoredPaths: ["srv/specials/null", "srv/specials/disk"],
  };
}
