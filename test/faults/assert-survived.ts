import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { checkStore, type FaultKind } from "../../src/upkeep/index.ts";
import type { Store } from "../../src/store/index.ts";
import type { Place } from "./place.ts";
import {
  assertBetween,
  assertNoLie,
  assertSwept,
  stateOf,
  type StoreState,
} from "./store-state.ts";

const never = new AbortController().signal;

/** What must be true of a store whatever happened to the command. */
export interface Expected {
  readonly before: StoreState;
  /** After the command came to its end undisturbed. */
  readonly after: StoreState;
  /** Images whose files were no good before the command began. */
  readonly damaged: ReadonlySet<string>;
  /** What a check may find, besides a complete file without a record. */
  readonly faults: readonly FaultKind[];
  /** Exit codes of the same command once more, besides 0. */
  readonly again: readonly number[];
}

/**
 * Asserts that a store is whole after a command was killed or failed: no image is shown that is not
 * what its id says, everything is as before or as after, a check finds nothing that it cannot put
 * right, and the same command once more brings about what it would have brought about at first.
 */
export async function assertSurvived(
  place: Place,
  args: readonly string[],
  { before, after, damaged, faults, again }: Expected,
  { wasKilled }: { readonly wasKilled: boolean },
): Promise<void> {
  await assertNoLie(place, damaged);
  {
    await using store = await place.open();
    assertBetween(await stateOf(store), before, after);
    for (const { kind } of await check(store, place, true)) {
      assert.ok(["unowned-file", ...faults].includes(kind), `a check finds: ${kind}`);
    }
    assert.deepEqual(await check(store, place, false), []);
  }
  const { exitCode, stderr } = await place.run(...args);
  assert.ok([0, ...again].includes(exitCode), `once more: ${exitCode}: ${stderr.join("\n")}`);
  {
    await using store = await place.open();
    assert.deepEqual(await stateOf(store), after);
    assert.deepEqual(await check(store, place, false), []);
    // The next command that changes something sweeps what the backup of the last one left.
    const [id = ""] = after.images.keys();
    await store.setPinned(id, true);
  }
  await assertSwept(place, wasKilled);
  if (!faults.includes("database")) {
    const names = await readdir(place.store);
    assert.ok(!names.some((name) => name.includes("damaged")), names.join());
  }
}

/** What a deep check finds; where it may repair, it leaves nothing that is wrong. */
async function check(
  store: Store,
  { partials, now }: Place,
  repair: boolean,
): Promise<readonly { readonly kind: FaultKind }[]> {
  const { faults } = await checkStore(store, { deep: true, repair, now, partials }, never);
  if (repair)
    assert.deepEqual(
      faults.filter(({ repaired }) => repaired === undefined),
      [],
    );
  return faults;
}
