import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { newDirectory } from "../fixtures/store/index.ts";
import { assertSurvived, type Expected } from "./assert-survived.ts";
import { INSTANTS, type Instant } from "./mark.ts";
import { passedMarks, runToMark, type Ending } from "./marked-siflet.ts";
import type { Operation } from "./operations.ts";
import { Place } from "./place.ts";
import { sample } from "./random.ts";
import { damagedImages, stateOf, type StoreState } from "./store-state.ts";
import { passedCalls, runToCall } from "./system-calls.ts";

/** The same points in every run. */
const SEED = 5;
/** Exit codes of a command that a failing disk stopped: no space, the store, the output. */
const CODED = [9, 10, 12];
/** Calls that may find no room; any may find a broken disk. */
const TAKES_ROOM =
  /^(open|write|pwrite|mkdir|link|rename|copy|truncate|ftruncate|falloc|sync|datasync)/;

/** One run of the command with one fault. */
interface Try {
  readonly text: string;
  readonly instant: Instant;
  readonly run: (place: Place) => Promise<Ending>;
}

/** What is in the hands of all tries of an operation. */
interface Setup {
  readonly places: readonly Place[];
  readonly args: readonly string[];
  readonly expected: Expected;
}

/** How many faults of an operation to try, evenly chosen, and at how many places at once. */
export interface Extent {
  /** At calls of siflet's own, of all its threads. */
  readonly own: number;
  /** At calls that SQLite makes for it. */
  readonly ofSqlite: number;
  readonly atOnce: number;
  /** What is to become of the calls; all that can where absent. */
  readonly instants?: readonly Instant[];
}

/**
 * Runs a command again and again in a process of its own, each time killed or failed at another call
 * that changes files, and asserts after each that nothing is lost.
 */
export async function tryPoints(
  t: TestContext,
  operation: Operation,
  { own, ofSqlite, atOnce, instants = INSTANTS }: Extent,
): Promise<void> {
  await using registry = await startRegistry({ ranges: true });
  const setup = await setUp(t, operation, registry, atOnce);
  const isAsked = ({ instant }: Try): boolean => instants.includes(instant);
  const losses = [
    ...(await tryAll(t, "of siflet", setup, (await ownTries(setup)).filter(isAsked), own)),
    ...(await tryAll(t, "of SQLite", setup, (await sqliteTries(setup)).filter(isAsked), ofSqlite)),
  ];
  assert.deepEqual(losses, []);
}

/** @returns what was lost, and where */
async function tryAll(
  t: TestContext,
  whose: string,
  { places, args, expected }: Setup,
  all: readonly Try[],
  most: number,
): Promise<readonly string[]> {
  const tries = sample(all, most, SEED);
  const endings = { killed: 0, failed: 0, unharmed: 0, missed: 0 };
  const losses: string[] = [];
  const queue = tries.values();
  const work = async (place: Place): Promise<void> => {
    for (const each of queue) {
      try {
        await place.bringBack();
        const kind = kindOf(each, await each.run(place));
        endings[kind] += 1;
        await assertSurvived(place, args, expected, { wasKilled: kind === "killed" });
      } catch (error) {
        losses.push(`${each.text}: ${String(error)}`);
      }
    }
  };
  await Promise.all(places.map(work));
  t.diagnostic(
    `calls ${whose}: ${tries.length} of ${all.length} points tried: ${endings.killed} killed, ` +
      `${endings.failed} failed, ${endings.unharmed} did without the call, ` +
      `${endings.missed} not met again, ${losses.length} losses`,
  );
  assert.ok(endings.missed <= Math.max(1, tries.length / 10), "what was counted is not met again");
  return losses;
}

async function setUp(
  t: TestContext,
  operation: Operation,
  registry: FakeRegistry,
  atOnce: number,
): Promise<Setup> {
  const root = await newDirectory(t);
  const args = operation.args(registry.host);
  const places: Place[] = [];
  for (let index = 0; index < atOnce; index += 1) {
    const directory = join(root, String(index));
    await mkdir(directory);
    const place = await Place.in(directory, join(root, "code"));
    places.push(place);
    await operation.prepare(place, registry);
    await operation.spoil?.(place, registry.host);
    await place.keep();
  }
  const [place] = places;
  assert.ok(place !== undefined);
  const before = await stateIn(place);
  await place.bringBack();
  const damaged = await damagedImages(place, before.images.keys());
  await place.must(...args);
  const after = await stateIn(place);
  const { faults = [], again = [] } = operation;
  return { places, args, expected: { before, after, damaged, faults, again } };
}

async function stateIn(place: Place): Promise<StoreState> {
  await using store = await place.open();
  return await stateOf(store);
}

async function ownTries({ places, args }: Setup): Promise<readonly Try[]> {
  const [place] = places;
  assert.ok(place !== undefined);
  await place.bringBack();
  const { marks, ending } = await passedMarks(place, args);
  assert.equal(ending.exitCode, 0, ending.stderr);
  return marks.flatMap((mark) =>
    instantsOf(mark.name).map((instant) => ({
      text: `${instant} ${mark.name} ${mark.count}`,
      instant,
      run: async (where) => await runToMark(where, args, { ...mark, instant }),
    })),
  );
}

async function sqliteTries({ places, args }: Setup): Promise<readonly Try[]> {
  const [place] = places;
  assert.ok(place !== undefined);
  await place.bringBack();
  const points = await passedCalls(place, args);
  return points.flatMap((point) =>
    (["before", "EIO", "ENOSPC"] as const)
      .filter((instant) => instant !== "ENOSPC" || TAKES_ROOM.test(point.call))
      .map((instant) => ({
        text: `${instant} ${point.call} ${point.count} ${point.path}`,
        instant,
        run: async (where) => await runToCall(where, args, point, instant),
      })),
  );
}

/** What is after one call is before the next: only in the middle of a write there is more to see. */
function instantsOf(name: string): readonly Instant[] {
  return [
    "before",
    ...(/^write(Sync)? /.test(name) ? (["middle"] as const) : []),
    "EIO",
    ...(TAKES_ROOM.test(name) ? (["ENOSPC"] as const) : []),
  ];
}

/** `missed`: the process went another way than when its calls were counted, as threads do. */
type Kind = "killed" | "failed" | "unharmed" | "missed";

/** How the process ended, which must be one of the ways in which it may. */
function kindOf({ instant }: Try, ending: Ending): Kind {
  const { isKilled, exitCode, stderr } = ending;
  const isError = instant === "EIO" || instant === "ENOSPC";
  if (isKilled) return "killed";
  if (exitCode === 0) return isError ? "unharmed" : "missed";
  assert.ok(isError && CODED.includes(exitCode), `exit code ${exitCode}: ${stderr}`);
  return "failed";
}
