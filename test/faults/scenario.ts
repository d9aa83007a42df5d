import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addFile } from "../../src/pull/index.ts";
import type { Store } from "../../src/store/index.ts";
import { planPrune, prune } from "../../src/upkeep/index.ts";
import { ImageMaker } from "../fixtures/store/index.ts";

/** What is done to a store while things go wrong. */
export type Scenario = "publish" | "move a tag" | "remove" | "prune" | "add a file";

export const SCENARIOS: readonly Scenario[] = [
  "publish",
  "move a tag",
  "remove",
  "prune",
  "add a file",
];

const never = new AbortController().signal;

/** Names of images that are there before, and are not touched. */
export const KEPT = ["kept:1", "kept:2"] as const;
/** The name of the image that is removed, or whose tag moves. */
export const VICTIM = "victim:1";

export async function publish(
  store: Store,
  text: string,
  tags: readonly string[],
): Promise<string> {
  await using staging = await store.stage();
  const names = { tags, digests: [] };
  const { publication } = await new ImageMaker(staging).make(text, { names });
  return (await store.publish(publication, never)).id;
}

/** The store as every scenario finds it. */
export async function prepare(store: Store): Promise<void> {
  for (const name of KEPT) {
    const id = await publish(store, `content of ${name}`, [name]);
    await store.borrow(id, [], "somebody");
  }
  await publish(store, "content of the victim", [VICTIM]);
}

/**
 * @param sif - a SIF file to be added
 */
export async function play(store: Store, scenario: Scenario, sif: string): Promise<void> {
  switch (scenario) {
    case "publish":
      await publish(store, "something new", ["new:1"]);
      break;
    case "move a tag":
      await publish(store, "the victim's heir", [VICTIM]);
      break;
    case "remove": {
      const { id } = await store.find(VICTIM, [VICTIM]);
      await store.remove(id, never);
      break;
    }
    case "prune": {
      const options = { keepBytes: 0, pins: [] };
      await prune(store, planPrune(await store.list(), options), never);
      break;
    }
    case "add a file": {
      const names = { tags: ["added:1"], digests: [] };
      const how = { names, reference: sif, origin: "sif", sideLoaded: true, now: 1 } as const;
      await addFile(store, sif, how, never);
      break;
    }
  }
}

/** One of many steps, for a process that is ended in the middle of any of them. */
export async function step(store: Store, number: number, scratch: string): Promise<void> {
  const text = `step ${number % 7}`;
  const tag = `step:${number % 3}`;
  switch (number % 5) {
    case 0:
    case 1:
      await publish(store, text, [tag]);
      break;
    case 2: {
      const [image] = (await store.list()).filter(({ borrowers }) => borrowers.length === 0);
      if (image !== undefined) await store.remove(image.id, never);
      break;
    }
    case 3:
      await prune(store, planPrune(await store.list(), { keepBytes: 60, pins: [] }), never);
      break;
    default:
      await writeFile(join(scratch, "step"), String(number));
      await store.untag(tag).catch(() => undefined);
  }
}
