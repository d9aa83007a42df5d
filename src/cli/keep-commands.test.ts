import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { makeImage, startRegistry, type FakeRegistry } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import {
  assertFailure,
  newDirectory,
  pullHere,
  runHere,
  TEST_NOW,
  type CliResult,
} from "./cli-fixture.ts";

const HOUR = 3_600_000;

let registry: FakeRegistry;

before(async () => {
  registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "1" }])] }), "1");
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

interface Setup {
  readonly name: string;
  readonly id: string;
  /** Runs a command line, so many hours after the pull. */
  readonly run: (args: readonly string[], hours?: number) => Promise<CliResult>;
  readonly directory: string;
}

async function setUp(t: TestContext): Promise<Setup> {
  const directory = await newDirectory(t);
  const name = `${registry.host}/app:1`;
  const { id } = await pullHere(directory, name);
  return {
    name,
    id,
    directory,
    run: async (args, hours = 0) => {
      // The store's clock stands still; what has expired is told by the borrow's own time.
      const environment = { now: () => TEST_NOW + hours * HOUR };
      return await runHere(args, { directory, environment });
    },
  };
}

async function borrowersOf(setup: Setup): Promise<unknown> {
  const { stdout } = await setup.run(["inspect", "--json", setup.name]);
  const image: unknown = JSON.parse(stdout);
  assert.ok(typeof image === "object" && image !== null && "borrowers" in image);
  return image.borrowers;
}

test("a borrowed image is shown with its borrowers and is not removed until it is returned", async (t) => {
  const setup = await setUp(t);
  const { name, id, run } = setup;
  const borrowed = await run(["borrow", name, "--by", "job-17", "--for", "2h", "--note", "run 3"]);
  assert.equal(borrowed.exitCode, 0, borrowed.stderr.join("\n"));
  assert.equal((await stat(borrowed.stdout.trimEnd())).isFile(), true);
  assert.deepEqual(await borrowersOf(setup), [
    {
      who: "job-17",
      reference: name,
      takenAt: "2026-01-02T03:04:05.000Z",
      expiresAt: "2026-01-02T05:04:05.000Z",
      note: "run 3",
    },
  ]);
  assert.match((await run(["images"])).stdout, /used by job-17$/m);
  assert.match(
    (await run(["inspect", name])).stdout,
    /borrowed by +job-17 until 2026-01-02T05:04:05\.000Z \(run 3\)/,
  );
  assertFailure(await run(["rm", name]), 11, /used by job-17/);
  const returned = await run(["return", id.slice(0, 12), "--by", "job-17"]);
  assert.equal(returned.stdout, `image ${id.slice(0, 12)} is used by nobody\n`);
  assert.equal((await run(["return", name, "--by", "job-17"])).exitCode, 0);
  assert.equal((await run(["rm", name])).exitCode, 0);
});

test("a second borrow by the same name replaces the first; another name borrows too", async (t) => {
  const setup = await setUp(t);
  const { name, run } = setup;
  await run(["borrow", name, "--by", "a", "--for", "1h"]);
  await run(["borrow", name, "--by", "a"]);
  await run(["borrow", name, "--by", "b"]);
  const takenAt = "2026-01-02T03:04:05.000Z";
  assert.deepEqual(await borrowersOf(setup), [
    { who: "a", reference: name, takenAt },
    { who: "b", reference: name, takenAt },
  ]);
});

test("a return by the name ends the borrow of the image that had it, after the name has moved", async (t) => {
  const { id, run, directory } = await setUp(t);
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "old" }])] }), "moving");
  const name = `${registry.host}/app:moving`;
  const old = await pullHere(directory, name);
  await run(["borrow", name, "--by", "job-17"]);
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "new" }])] }), "moving");
  const fresh = await pullHere(directory, name);
  assert.notEqual(fresh.id, old.id);
  const returned = await run(["return", name, "--by", "job-17"]);
  assert.deepEqual(returned.stderr, []);
  assert.equal(returned.stdout, `image ${old.id.slice(0, 12)} is used by nobody\n`);
  assert.equal((await run(["rm", old.id])).exitCode, 0);
  const again = await run(["return", id, "--by", "job-17"]);
  assert.equal(again.exitCode, 0);
  assert.match(again.stderr.join("\n"), /was not borrowed by job-17/);
});

const REFUSED: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ["nobody", ["borrow", "app"], 2, /--by/],
  ["an empty name", ["borrow", "app", "--by", ""], 2, /--by: expected a name/],
  [
    "no time",
    ["borrow", "app", "--by", "me", "--for", "soon"],
    2,
    /--for: expected a whole number/,
  ],
  ["no time at all", ["borrow", "app", "--by", "me", "--for", "0s"], 2, /--for/],
  ["an image that is not there", ["borrow", "app", "--by", "me"], 3, /no such image/],
  ["an image that is not there, returned", ["return", "app", "--by", "me"], 3, /no such image/],
  ["an image that is not there, pinned", ["pin", "app"], 3, /no such image/],
];

for (const [what, args, exitCode, message] of REFUSED) {
  test(`${args[0] ?? ""} refuses ${what}`, async (t) => {
    assertFailure(await (await setUp(t)).run(args), exitCode, message);
  });
}

test("pin and unpin, and patterns of the configuration, are shown; a pinned image can be removed", async (t) => {
  const { name, id, run, directory } = await setUp(t);
  const pinned = async (...more: readonly string[]): Promise<boolean> => {
    const { stdout } = await run([...more, "images", "--json"]);
    return stdout.includes('"pinned":true');
  };
  assert.equal(await pinned(), false);
  assert.match((await run(["pin", name])).stdout, new RegExp(`^pinned ${id.slice(0, 12)} `));
  assert.equal(await pinned(), true);
  assert.match((await run(["images"])).stdout, /pinned$/m);
  assert.match((await run(["unpin", id])).stdout, /^unpinned /);
  assert.equal(await pinned(), false);
  const config = join(directory, "config.yaml");
  await writeFile(config, 'pins: ["*/app:*"]\n');
  assert.equal(await pinned("--config", config), true);
  await run(["pin", name]);
  assert.equal((await run(["rm", name])).exitCode, 0);
});
