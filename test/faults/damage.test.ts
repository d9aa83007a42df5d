import assert from "node:assert/strict";
import { cp, readdir, readFile, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { newDirectory, pullHere, runHere } from "../../src/cli/cli-fixture.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

/** Files of a store, and what is done to each of them while nobody looks. */
const VICTIMS = ["image", "database", "backup", "pack", "lock"] as const;
const DAMAGES: readonly {
  readonly name: string;
  readonly inflict: (path: string) => Promise<void>;
}[] = [
  {
    name: "deleted",
    inflict: async (path) => {
      await unlink(path);
    },
  },
  {
    name: "emptied",
    inflict: async (path) => {
      await writeFile(path, "");
    },
  },
  {
    name: "cut in half",
    inflict: async (path) => {
      await truncate(path, Math.floor((await readFile(path)).length / 2));
    },
  },
  {
    name: "flipped at its begin",
    inflict: async (path) => {
      await flip(path, 0);
    },
  },
  {
    name: "flipped in its middle",
    inflict: async (path) => {
      await flip(path, 0.5);
    },
  },
  {
    name: "flipped at its end",
    inflict: async (path) => {
      await flip(path, 1);
    },
  },
];

async function flip(path: string, share: number): Promise<void> {
  const bytes = await readFile(path);
  // A lock file has no bytes.
  if (bytes.length === 0) return;
  const at = Math.min(bytes.length - 1, Math.floor(bytes.length * share));
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
  await writeFile(path, bytes);
}

async function fileOf(
  store: string,
  victim: (typeof VICTIMS)[number],
): Promise<string | undefined> {
  const inside = async (folder: string): Promise<string | undefined> => {
    const [name] = await readdir(join(store, folder)).catch(() => []);
    return name === undefined ? undefined : join(store, folder, name);
  };
  switch (victim) {
    case "image":
      return await inside("images");
    case "database":
      return join(store, "siflet.db");
    case "backup":
      return join(store, "siflet.db.backup");
    case "pack":
      return await inside("packs/gzip-1");
    case "lock":
      return await inside("locks");
  }
}

async function siteOf(t: TestContext, registry: FakeRegistry): Promise<string> {
  const directory = await newDirectory(t);
  for (const tag of ["1", "2"]) await pullHere(directory, `${registry.host}/app:${tag}`);
  return directory;
}

test("whatever happens to one file of a store, a check and a pull make it whole again", async (t) => {
  await using registry = await startRegistry();
  for (const tag of ["1", "2"]) {
    const layers = [tar([{ path: "f", data: `content of ${tag}` }])];
    registry.putImage("app", makeImage({ layers }), tag);
  }
  const site = await siteOf(t, registry);
  let tried = 0;
  for (const victim of VICTIMS) {
    for (const { name, inflict } of DAMAGES) {
      const directory = await newDirectory(t);
      await cp(join(site, "store"), join(directory, "store"), { recursive: true });
      const path = await fileOf(join(directory, "store"), victim);
      if (path === undefined) continue;
      await inflict(path);
      const what = `${victim} ${name}`;
      const repaired = await runHere(["fsck", "--deep", "--repair"], { directory });
      assert.equal(
        repaired.exitCode,
        0,
        `${what}: ${repaired.stdout}${repaired.stderr.join("\n")}`,
      );
      for (const tag of ["1", "2"]) await pullHere(directory, `${registry.host}/app:${tag}`);
      const again = await runHere(["fsck", "--deep"], { directory });
      assert.equal(again.exitCode, 0, `${what}: ${again.stdout}`);
      assert.match(again.stdout, /^2 images, /, what);
      tried += 1;
    }
  }
  t.diagnostic(`${tried} damages tried, 0 losses`);
});
