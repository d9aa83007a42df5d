import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../store/index.ts";
import { newDirectory, runHere } from "./cli-fixture.ts";

test("whoever makes a store with lock files is told what that means, once", async (t) => {
  const directory = await newDirectory(t);
  const add = async (): Promise<readonly string[]> => {
    const place = { host: "test", bootId: "1", now: Date.now };
    const traits = { claims: "lock-file" } as const;
    const { stderr } = await runHere(["add", "none.sif"], {
      directory,
      environment: {
        openStore: (store, access) => openStore({ ...access, ...place, traits, directory: store }),
      },
    });
    return stderr.filter((line) => line.startsWith("siflet: warning:"));
  };
  assert.match((await add()).join("\n"), /^[^\n]*on a file system that other machines may use/);
  assert.deepEqual(await add(), []);
});
