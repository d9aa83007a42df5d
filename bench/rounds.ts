import { mkdir, mkdtempDisposable, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Contender } from "./contenders.ts";
import type { CountingProxy } from "./counting-proxy.ts";
import { median, type Cost } from "./measure.ts";

/** Medians of a contender's rounds; the peak is the largest of all. */
export interface Result {
  readonly name: string;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly writtenBytes: number;
  readonly fetchedBytes: number;
  /** Of the file that was made; 0 where there is none. */
  readonly size: number;
}

/** Runs the contenders in turn, `rounds` times, so that a machine that slows down slows all. */
export async function alternate(
  contenders: readonly Contender[],
  rounds: number,
  proxy: CountingProxy,
): Promise<Result[]> {
  const folder = resolve(import.meta.dirname, "../.cache");
  await mkdir(folder, { recursive: true });
  const runs = contenders.map((): { cost: Cost; fetched: number; size: number }[] => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      await using work = await mkdtempDisposable(join(folder, "bench-"));
      proxy.take();
      const { cost, file } = await contender.run(work.path);
      const size = file === undefined ? 0 : (await stat(file)).size;
      runs[index]?.push({ cost, fetched: proxy.take(), size });
    }
    console.error(`  round ${round} of ${rounds}`);
  }
  return contenders.map(({ name }, index) => {
    const own = runs[index] ?? [];
    const middle = (pick: (run: (typeof own)[number]) => number): number => median(own.map(pick));
    return {
      name,
      wallSeconds: middle(({ cost }) => cost.wallSeconds),
      cpuSeconds: middle(({ cost }) => cost.cpuSeconds),
      peakBytes: Math.max(...own.map(({ cost }) => cost.peakBytes)),
      writtenBytes: middle(({ cost }) => cost.writtenBytes),
      fetchedBytes: middle(({ fetched }) => fetched),
      size: middle(({ size }) => size),
    };
  });
}
