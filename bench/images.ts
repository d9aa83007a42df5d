import { createWriteStream } from "node:fs";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { tar, tarEntry, tarEnd } from "../test/fixtures/tar/index.ts";
import {
  bigImage,
  blobPath,
  buildImage,
  layersOf,
  noiseBytes,
  run,
  textBytes,
  type LayoutImage,
} from "../test/real/index.ts";

const cache = resolve(import.meta.dirname, "../.cache/bench-images");

/** The image that the budgets speak of: Debian, Python, 20,000 small files. */
export async function budgetImage(): Promise<LayoutImage> {
  return await bigImage();
}

/** Its next version: all layers but one small one are the same. */
export async function updatedImage(): Promise<LayoutImage> {
  const base = await bigImage();
  const layout = join(cache, `update-of-${base.layout.split("/").at(-2) ?? ""}`);
  return await made(layout, async () => {
    await cp(base.layout, layout, { recursive: true });
    const archive = `${layout}.tar`;
    await writeFile(
      archive,
      tar([
        { path: "opt/app/version", data: "2\n" },
        { path: "opt/app/module.py", data: textBytes("module", 40_000) },
      ]),
    );
    await run("umoci", ["raw", "add-layer", "--image", `${layout}:${base.tag}`, archive]);
    await rm(archive);
    return base.tag;
  });
}

/** `times` × 250 MB of files of 50 kB on average, half of them compressible, in one layer. */
export async function grownImage(times: number): Promise<LayoutImage> {
  const layout = join(cache, `grown-${times}-of-250`);
  return await made(layout, async () => {
    const archive = `${layout}.tar`;
    await pipeline(async function* () {
      for (let part = 0; part < times; part += 1) {
        for (let file = 0; file < 5000; file += 1) {
          const size = 1000 + ((file * 7919) % 98_000);
          const seed = `${part}-${file}`;
          const half = Math.floor(size / 2);
          const data = Buffer.concat([noiseBytes(seed, half), textBytes(seed, size - half)]);
          yield tarEntry({ path: `data/${part}/${file % 40}/${file}`, data });
          await Promise.resolve();
        }
      }
      yield tarEnd();
    }, createWriteStream(archive));
    await buildImage({ layout, tag: "grown" }, [archive], { cmd: ["true"] });
    await rm(archive);
    return "grown";
  });
}

/** One tar of the whole merged tree: what the floor chain packs. */
export async function mergedTar(image: LayoutImage): Promise<string> {
  const path = join(cache, `merged-${image.layout.split("/").at(-2) ?? ""}.tar`);
  if (await exists(path)) return path;
  await mkdir(cache, { recursive: true });
  const bundle = `${path}.bundle`;
  await run("umoci", ["unpack", "--image", `${image.layout}:${image.tag}`, bundle]);
  await run("tar", [
    "--xattrs",
    "--sort=name",
    "-C",
    join(bundle, "rootfs"),
    "-cf",
    `${path}.new`,
    ".",
  ]);
  await rm(bundle, { recursive: true });
  await run("mv", [`${path}.new`, path]);
  return path;
}

/** The blobs of the image's layers as files. */
export async function layerBlobs(image: LayoutImage): Promise<string[]> {
  return (await layersOf(image)).map(({ digest }) => blobPath(image, digest));
}

async function made(layout: string, make: () => Promise<string>): Promise<LayoutImage> {
  const done = `${layout}.done`;
  if (await exists(done)) return { layout, tag: await readFile(done, "utf8") };
  await mkdir(cache, { recursive: true });
  await rm(layout, { recursive: true, force: true });
  const tag = await make();
  await writeFile(done, tag);
  return { layout, tag };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
