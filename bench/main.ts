import { readdir, rm, stat } from "node:fs/promises";
import { mkdtempDisposable } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bigImage, pushImage, startDockerRegistry } from "../test/real/index.ts";
import { measure, median, type Cost } from "./measure.ts";

/** Alternating rounds; `npm run bench -- 3` runs fewer. */
const rounds = Number(process.argv[2] ?? 5);
const root = resolve(import.meta.dirname, "..");

interface Contender {
  readonly name: string;
  /** Does the whole job in the empty folder `work` and answers the file it made. */
  run(work: string): Promise<{ readonly cost: Cost; readonly file: string }>;
}

function siflet(reference: string, compression: string): Contender {
  return {
    name: `siflet ${compression}`,
    async run(work) {
      const store = join(work, "store");
      const args = ["pull", "--quiet", "--store", store, "--compression", compression, reference];
      const cost = await measure(join(root, "siflet"), args);
      const [file = ""] = await readdir(join(store, "images"));
      return { cost, file: join(store, "images", file) };
    },
  };
}

/** What Singularity does by default: copy, unpack to a folder, pack the folder. */
function chain(reference: string): Contender {
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

interface Result {
  readonly name: string;
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
  readonly size: number;
}

async function compare(contenders: readonly Contender[]): Promise<Result[]> {
  const costs = contenders.map((): Cost[] => []);
  const sizes = contenders.map(() => 0);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      await using work = await mkdtempDisposable(join(root, ".cache", "bench-"));
      const { cost, file } = await contender.run(work.path);
      costs[index]?.push(cost);
      sizes[index] = (await stat(file)).size;
      await rm(work.path, { recursive: true, force: true });
    }
    console.error(`round ${round + 1} of ${rounds}`);
  }
  return contenders.map(({ name }, index) => {
    const own = costs[index] ?? [];
    return {
      name,
      wall: median(own.map(({ wallSeconds }) => wallSeconds)),
      cpu: median(own.map(({ cpuSeconds }) => cpuSeconds)),
      peak: Math.max(...own.map(({ peakBytes }) => peakBytes)),
      size: sizes[index] ?? 0,
    };
  });
}

function print(results: readonly Result[]): void {
  const peer = results.at(-1);
  if (peer === undefined) return;
  const ratio = (own: number, other: number): string => `${(own / other).toFixed(3)}x`;
  console.table(
    results.map(({ name, wall, cpu, peak, size }) => ({
      name,
      "wall s": wall.toFixed(2),
      "of chain": ratio(wall, peer.wall),
      "cpu s": cpu.toFixed(2),
      "cpu of chain": ratio(cpu, peer.cpu),
      "peak MB": (peak / 1e6).toFixed(0),
      "size MB": (size / 1e6).toFixed(1),
      "size of chain": ratio(size, peer.size),
    })),
  );
}

await using registry = await startDockerRegistry();
const reference = `docker://${registry.host}/bench/big:1`;
await pushImage(await bigImage(), reference.slice("docker://".length));
console.error(`medians of ${rounds} alternating rounds; the chain is what Singularity does`);
print(await compare([siflet(reference, "gzip"), siflet(reference, "zstd"), chain(reference)]));
