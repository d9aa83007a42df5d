import assert from "node:assert/strict";
import { copyFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { openStore } from "../../src/index.ts";
import { convertLayers } from "../fixtures/convert-layers.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { newDirectory, openTestStore } from "../fixtures/store/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { oldStore } from "../fixtures/store/old-store.ts";
import { assertWhole } from "./assert-whole.ts";
import { random } from "./random.ts";
import { prepare, SCENARIOS } from "./scenario.ts";
import { bundleVictim, runVictim } from "./start-victim.ts";

/** Kills at instants that no call marks; the same ones in every run, as far as a machine is the same. */
const RANDOM_KILLS = 200;
const AT_ONCE = 2;

const program = await bundleVictim();

interface Setup {
  readonly root: string;
  /** A new copy of a prepared store. */
  readonly copy: (name: string) => Promise<string>;
  readonly sif: string;
}

async function setUp(t: TestContext): Promise<Setup> {
  const root = await newDirectory(t);
  const original = join(root, "original");
  const store = await openTestStore(original);
  await prepare(store);
  await store.close();
  const { path } = await convertLayers(t, [{ tar: tar([{ path: "f", data: "added" }]) }]);
  const sif = join(root, "added.sif");
  await copyFile(path, sif);
  return {
    root,
    sif,
    copy: async (name) => {
      const directory = join(root, name);
      await cp(original, directory, { recursive: true });
      return directory;
    },
  };
}

for (const scenario of SCENARIOS) {
  test(`${scenario}: killed before and after every call to the file system`, async (t) => {
    const { copy, sif, root } = await setUp(t);
    let points = 0;
    let strays = 0;
    for (const when of ["before", "after"] as const) {
      for (let index = 0; ; index += 1) {
        const directory = await copy(`${when}-${index}`);
        const scratch = join(root, "scratch");
        const task = {
          kind: "die at a call",
          directory,
          scratch,
          scenario,
          sif,
          index,
          when,
        } as const;
        const ending = await runVictim(program, task);
        strays += await assertWhole(directory);
        if (ending === "done") break;
        points += 1;
      }
    }
    assert.ok(points >= 4, `${points} points`);
    t.diagnostic(
      `${points} points tried, 0 losses, ${strays} complete files left without a record`,
    );
  });
}

test(`killed at ${RANDOM_KILLS} random instants`, async (t) => {
  const { copy, root } = await setUp(t);
  let killed = 0;
  let next = 0;
  const instants = random(20_260_101);
  const work = async (worker: number): Promise<void> => {
    const directory = await copy(`worker-${worker}`);
    const scratch = join(root, `scratch-${worker}`);
    while (next < RANDOM_KILLS) {
      next += 1;
      const task = { kind: "go on", directory, scratch } as const;
      // The same store goes from one death to the next, as a store of a node does.
      if ((await runVictim(program, task, instants() * 150)) === "killed") killed += 1;
      await assertWhole(directory);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(worker)));
  assert.equal(killed, RANDOM_KILLS);
  t.diagnostic(`${killed} instants tried, 0 losses`);
});

test("pulls from a registry, killed at random instants", async (t) => {
  const { copy, root } = await setUp(t);
  await using registry = await startRegistry();
  const references = ["1", "2"].map((tag) => {
    const layers = [tag, "shared"].map((text) => tar([{ path: text, data: text.repeat(100_000) }]));
    registry.putImage("app", makeImage({ layers }), tag);
    return `${registry.host}/app:${tag}`;
  });
  const directory = await copy("pulls");
  const instants = random(99);
  const tries = 40;
  for (let index = 0; index < tries; index += 1) {
    const task = {
      ...({ kind: "pull on and on", directory, references } as const),
      scratch: join(root, "scratch"),
    };
    await runVictim(program, task, instants() * 1200);
    // By the same name of this machine: another one's files are left alone for a day.
    await (await openStore(directory)).close();
    await assertWhole(directory);
  }
  t.diagnostic(`${tries} instants tried, 0 losses`);
});

test("a store of an old version, killed while it is brought up to date", async (t) => {
  const instants = random(7);
  const tries = 12;
  for (let index = 0; index < tries; index += 1) {
    const { directory, id, name } = await oldStore(t);
    const task = { kind: "open", directory, scratch: join(directory, "tmp", "scratch") } as const;
    await runVictim(program, task, instants() * 60);
    await using store = await openTestStore(directory);
    assert.equal((await store.find(name, [name])).id, id);
    assert.deepEqual(await store.repair.integrity(), []);
  }
  t.diagnostic(`${tries} instants tried, 0 losses`);
});
