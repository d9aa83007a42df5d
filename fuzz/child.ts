import process from "node:process";
import { isFuzzTarget, loadFuzzTarget } from "../test/fuzz/index.ts";
import type { FuzzMessage } from "./watch.ts";

/**
 * `node fuzz/child.ts TARGET SEED SECONDS [RUNS]`, by `fuzz/main.ts` and the tests: tries batches of
 * RUNS inputs from SEED on for that long, at least one, and tells its parent of each before it
 * begins, so that a batch without an end, or one that ends the process, is known all the same.
 */
const [name = "", firstSeed = "", seconds = "", runs] = process.argv.slice(2);
if (!isFuzzTarget(name)) throw new Error(`no target ${name}`);
/** The seed makes the rest of a long input again. */
const MOST_SHOWN = 1000;

const target = await loadFuzzTarget(name);
const end = performance.now() + Number(seconds) * 1000;
const answers = new Map<string, number>();
let seed = Number(firstSeed);

do {
  tell({ seed });
  const batch = await target.run(seed, runs === undefined ? target.batch : Number(runs));
  for (const [answer, count] of batch.answers) {
    answers.set(answer, (answers.get(answer) ?? 0) + count);
  }
  if (batch.failure !== undefined) {
    const { input, error } = batch.failure;
    console.error(error, `\ninput: ${input.slice(0, MOST_SHOWN)}`);
    process.exit(1);
  }
  const peakMiB = Math.ceil(process.resourceUsage().maxRSS / 1024);
  if (peakMiB > target.memoryMiB) {
    console.error(`expected at most ${target.memoryMiB} MiB of memory, got ${peakMiB}`);
    process.exit(1);
  }
  seed += 1;
} while (performance.now() < end);
tell({ answers: [...answers].sort(([, a], [, b]) => b - a) });
if (process.connected) process.disconnect();

function tell(message: FuzzMessage): void {
  process.send?.(message);
}
