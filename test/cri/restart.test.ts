import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { random } from "../faults/random.ts";
import { holdSpecs } from "./hold-specs.ts";
import { KilledNode, type Instant } from "./killed-node.ts";

// One node, whose daemon is killed over and over: the store goes from one death to the next.

/** Kills at instants that nothing marks; the same ones in every run, as far as a machine is the same. */
const RANDOM_KILLS = 8;
const LONGEST_MS = 1000;

/** When a pull is seen to be at a stage; at the latest, when all of them have ended. */
function atStage(stage: string): Instant {
  return async ({ client, pulls }) => {
    const seen = async (): Promise<void> => {
      for await (const message of client.watch("AdminService", "watchPulls")) {
        const now = (message as { pulls: readonly { readonly stage: string }[] }).pulls;
        if (now.some((pull) => pull.stage === stage)) return;
      }
    };
    await Promise.race([seen(), Promise.allSettled(pulls)]);
  };
}

/** When the daemon tells of something that happened to an image. */
function atEvent(kind: string): Instant {
  return async ({ client }) => {
    for await (const event of client.watch("AdminService", "watchEvents")) {
      if ((event as { readonly kind: string }).kind === kind) return;
    }
  };
}

const instants: Readonly<Record<string, Instant>> = {
  "when everything was just asked for": async ({ client }) => {
    await client.fsInfo();
  },
  "when a removal was answered": async ({ removals }) => {
    await Promise.race(removals);
  },
  "when all removals were answered": async ({ removals }) => {
    await Promise.all(removals);
  },
  "when a removal is told": atEvent("removed"),
  "while layers are fetched": atStage("fetching"),
  "while an image is written": atStage("writing"),
  "while an image is published": atStage("publishing"),
  "when a pulled image is told": atEvent("pulled"),
  "when a pull was answered": async ({ pulls }) => {
    await Promise.race(pulls);
  },
};

test("a daemon that is killed is right about its images when it is back", async (t) => {
  await using node = await KilledNode.make();
  for (const [name, instant] of Object.entries(instants)) {
    await t.test(name, async () => {
      await node.round(instant);
    });
  }

  await t.test("when some of each layer has come", async () => {
    const { pulls } = await node.round(async ({ client, registry, blobs }) => {
      while (!blobs.every((path) => registry.paths("GET").includes(path))) await client.fsInfo();
    }, 100_000);
    assert.deepEqual(pulls.slice(0, 2), [false, false]);
  });

  await t.test(`at ${RANDOM_KILLS} random instants`, async (each) => {
    const next = random(8);
    const answers: boolean[] = [];
    for (let count = 0; count < RANDOM_KILLS; count += 1) {
      const ms = Math.floor(next() * LONGEST_MS);
      const { pulls, removals } = await node.round(async () => {
        await delay(ms);
      });
      answers.push(...pulls, ...removals);
    }
    const cut = answers.filter((isAnswered) => !isAnswered).length;
    each.diagnostic(`${RANDOM_KILLS} instants tried, ${cut} calls cut off, 0 losses`);
  });

  await t.test("and holds all specs after that", async (each) => {
    await node.empty();
    await holdSpecs(each, { client: () => node.client(), registry: node.specRegistry });
  });
});
