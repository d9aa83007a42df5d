import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pushImage, startDockerRegistry } from "../test/real/index.ts";
import {
  coldPull,
  floorChain,
  presentPull,
  referenceChain,
  startUp,
  warmPull,
} from "./contenders.ts";
import { startCountingProxy } from "./counting-proxy.ts";
import { measureDaemon } from "./daemon-answers.ts";
import { budgetImage, grownImage, layerBlobs, mergedTar, updatedImage } from "./images.ts";
import { measureInProcess } from "./in-process.ts";
import { measureIndex } from "./ten-thousand-images.ts";
import { writeReport, type Section } from "./report.ts";
import { alternate } from "./rounds.ts";

/** `npm run bench -- 3` runs fewer rounds than the usual 5; `-- 3 short` leaves growth out. */
const rounds = Number(process.argv[2] ?? 5);
const isShort = process.argv[3] === "short";
const root = resolve(import.meta.dirname, "..");
const GROWTH = [1, 4, 16] as const;

await using registry = await startDockerRegistry();
await using proxy = await startCountingProxy(registry.host);
const push = async (
  image: Awaited<ReturnType<typeof budgetImage>>,
  name: string,
): Promise<string> => {
  await pushImage(image, `${registry.host}/${name}`);
  return `docker://${proxy.host}/${name}`;
};
console.error("images");
const image = await budgetImage();
const big = await push(image, "bench/big:1");
const update = await push(await updatedImage(), "bench/big:2");

const sections: Section[] = [];
const compare = async (
  title: string,
  text: string,
  contenders: Parameters<typeof alternate>[0],
  peer?: string,
  times = rounds,
): Promise<void> => {
  console.error(title);
  const results = await alternate(contenders, times, proxy);
  sections.push({ title, text, results, ...(peer === undefined ? {} : { peer }) });
};

await compare(
  "Cold pull",
  "Debian, Python and 20,000 small files in three layers, from a registry on loopback, against what Singularity does by default.",
  [coldPull(big, "gzip"), coldPull(big, "zstd"), referenceChain(big)],
  "skopeo + umoci + mksquashfs",
);
await compare(
  "The zstd profile against a floor of C programs",
  "The floor decompresses and hashes each blob, packs a merged tar that was made beforehand, and hashes the result: no merge, no registry, no durable store.",
  [coldPull(big, "zstd"), floorChain(await layerBlobs(image), await mergedTar(image))],
  "pigz + openssl + tar2sqfs",
);
for (const compression of ["gzip", "zstd"] as const) {
  await compare(
    `The next version of an image, ${compression}`,
    "All layers but one small one are the same. Bytes fetched are those of both pulls.",
    [
      coldPull(update, compression),
      warmPull("update", big, update, compression),
      warmPull("present already", big, big, compression),
    ],
    `siflet, ${compression}`,
  );
}
await using scratch = await mkdtempDisposable(join(tmpdir(), "siflet-bench-"));
const node = join(root, "node_modules/.bin/node");
await compare(
  "Start-up",
  "`siflet --version` of the built package, and a pull of an image that is there, against a Node that does nothing.",
  [
    await presentPull(big, join(scratch.path, "present")),
    startUp("siflet --version", node, [join(root, "dist/main.js"), "--version"]),
    startUp("siflet images", node, [
      join(root, "dist/main.js"),
      "images",
      "--store",
      join(scratch.path, "none"),
    ]),
    startUp("node -e 0", node, ["-e", "0"]),
  ],
  "node -e 0",
  Math.max(rounds, 5),
);
for (const compression of isShort ? [] : (["gzip", "zstd"] as const)) {
  const contenders = [];
  for (const times of GROWTH) {
    const reference = await push(await grownImage(times), `bench/grown:${times}`);
    contenders.push({ ...coldPull(reference, compression), name: `${times} × 250 MB` });
  }
  await compare(
    `Growth, ${compression}`,
    "One layer of 5,000 files and 250 MB, and 4 and 16 times that: 4 GB.",
    contenders,
    "1 × 250 MB",
    Math.min(rounds, 3),
  );
}
console.error("inside a process");
const facts = await measureInProcess(big, rounds);
console.error("ten thousand images");
const indexFacts = await measureIndex(rounds);
console.error("daemon");
const daemon = await measureDaemon(registry.host, rounds);
console.log(await writeReport(sections, [...facts, ...indexFacts], daemon, rounds));
