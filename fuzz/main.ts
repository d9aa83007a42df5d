import process from "node:process";
import { parseArgs } from "node:util";
import { FUZZ_TARGET_NAMES, isFuzzTarget } from "../test/fuzz/index.ts";
import { watch } from "./watch.ts";

/**
 * `npm run fuzz -- [--seconds N] [TARGET [SEED]]`: tries generated inputs on every target, or on
 * one, for N seconds each (60), until one is answered wrongly. With a SEED, only that one's inputs:
 * what failed fails again.
 */
const USAGE = `usage: npm run fuzz -- [--seconds N] [TARGET [SEED]]
targets: ${FUZZ_TARGET_NAMES.join(", ")}`;

const { values, positionals } = parseArgs({
  options: { seconds: { type: "string", default: "60" } },
  allowPositionals: true,
});
const [wanted, seed] = positionals;
const isSound =
  (wanted === undefined || isFuzzTarget(wanted)) &&
  positionals.length <= 2 &&
  [values.seconds, seed ?? "0"].every((number) => /^\d{1,9}$/.test(number));
if (!isSound) {
  console.error(USAGE);
  process.exit(2);
}
for (const target of FUZZ_TARGET_NAMES) {
  if (wanted !== undefined && wanted !== target) continue;
  const firstSeed = seed === undefined ? Date.now() % 2 ** 29 : Number(seed);
  const seconds = seed === undefined ? values.seconds : "0";
  console.error(`fuzz: ${target}, ${seconds} s from seed ${firstSeed} on`);
  const end = await watch([target, String(firstSeed), seconds]);
  if (end.failure !== undefined) {
    const again = `npm run fuzz -- ${target} ${end.seed ?? firstSeed}`;
    console.error(`fuzz: ${target}: ${end.failure}; again: ${again}`);
    process.exit(1);
  }
  const total = [...end.answers.values()].reduce((sum, count) => sum + count, 0);
  const rows = [...end.answers].map(([answer, count]) => `${answer} ${count}`);
  console.log(`${target}: ${total} inputs to seed ${end.seed ?? ""}: ${rows.join(", ")}`);
}
