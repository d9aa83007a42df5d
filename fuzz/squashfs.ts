import process from "node:process";
import fc from "fast-check";
import { mutatedImage, readOrRefuse } from "../test/squashfs/mutated-image.ts";

/**
 * `node fuzz/squashfs.ts SECONDS [SEED]`: reads damaged squashfs images, for that long or until one
 * is neither read nor refused. Prints the seed that it begins with, and the bytes of that image.
 */
const [seconds = "60", seed = `${Date.now() % 2 ** 31}`] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;
const counts = { read: 0, refused: 0 };

for (let next = Number(seed); performance.now() < end; next += 1) {
  const property = fc.asyncProperty(mutatedImage, async (bytes) => {
    counts[await readOrRefuse(bytes)] += 1;
  });
  const details = await fc.check(property, { seed: next, numRuns: 1000 });
  if (details.counterexample === null) continue;
  const [bytes] = details.counterexample;
  console.error(`seed ${next}:`, details.errorInstance, `\n${Buffer.from(bytes).toString("hex")}`);
  process.exit(1);
}
console.log(`images from seed ${seed} on: ${counts.read} read, ${counts.refused} refused`);
