/** The program that a test ends in the middle: it plays on a store, and tells when it is at it. */
import { mkdir } from "node:fs/promises";
import process from "node:process";
import { openTestStore } from "../fixtures/store/index.ts";
import { faultyFiles, type FileFault } from "./fault-files.ts";
import { play, step, type Scenario } from "./scenario.ts";

/** What the program is to do. */
export type VictimTask = {
  readonly directory: string;
  readonly scratch: string;
} & (
  | {
      readonly kind: "die at a call";
      readonly scenario: Scenario;
      readonly sif: string;
      readonly index: number;
      readonly when: "before" | "after";
    }
  | { readonly kind: "go on" }
  | { readonly kind: "open" }
  /** Pulls these, in turn, and removes one in between. */
  | { readonly kind: "pull on and on"; readonly references: readonly string[] }
);

async function run(task: VictimTask): Promise<void> {
  await mkdir(task.scratch, { recursive: true });
  if (task.kind === "die at a call") {
    const die: FileFault = {
      [task.when]: ({ index }: { readonly index: number }) => {
        if (index === task.index) process.kill(process.pid, "SIGKILL");
      },
    };
    await using store = await openTestStore(task.directory, { files: faultyFiles(die) });
    await play(store, task.scenario, task.sif);
    return;
  }
  process.send?.("at it");
  if (task.kind === "open") {
    await using _store = await openTestStore(task.directory);
    return;
  }
  if (task.kind === "pull on and on") {
    await pullOnAndOn(task.directory, task.references);
    return;
  }
  for (let number = 0; ;) {
    // Opened anew from time to time, for that writes too.
    await using store = await openTestStore(task.directory);
    for (const end = number + 10; number < end; number += 1) {
      await step(store, number, task.scratch);
    }
  }
}

async function pullOnAndOn(directory: string, references: readonly string[]): Promise<void> {
  // Half of the start of all the others, which are hundreds, would be this.
  const { openStore } = await import("../../src/index.ts");
  for (let number = 0; ; number += 1) {
    await using store = await openStore(directory);
    for (const reference of references) {
      const { id } = await store.pull(reference);
      if (number % 2 === 1) await store.remove(id);
    }
  }
}

process.on("message", (task: VictimTask) => {
  run(task).then(
    () => {
      process.send?.("done", () => process.exit(0));
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit());
