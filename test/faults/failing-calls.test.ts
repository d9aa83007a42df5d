import assert from "node:assert/strict";
import { copyFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CodedError } from "../../src/base/index.ts";
import { convertLayers } from "../fixtures/convert-layers.ts";
import { newDirectory, openTestStore } from "../fixtures/store/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { assertWhole } from "./assert-whole.ts";
import { faultyFiles } from "./fault-files.ts";
import { play, prepare, SCENARIOS } from "./scenario.ts";

const ERRORS = ["EIO", "ENOSPC"] as const;

for (const scenario of SCENARIOS) {
  test(`${scenario}: every call to the file system fails once`, async (t) => {
    const root = await newDirectory(t);
    const original = join(root, "original");
    const prepared = await openTestStore(original);
    await prepare(prepared);
    await prepared.close();
    const { path } = await convertLayers(t, [{ tar: tar([{ path: "f", data: "added" }]) }]);
    const sif = join(root, "added.sif");
    await copyFile(path, sif);
    let failures = 0;
    for (const code of ERRORS) {
      for (let index = 0; ; index += 1) {
        const directory = join(root, `${code}-${index}`);
        await cp(original, directory, { recursive: true });
        const failed: number[] = [];
        const files = faultyFiles({
          before: (call) => {
            if (call.index !== index) return;
            failed.push(index);
            throw Object.assign(new Error(`${code}: a failing call`), { code, syscall: call.name });
          },
        });
        const store = await openTestStore(directory, { files });
        try {
          await play(store, scenario, sif);
        } catch (error) {
          assert.ok(error instanceof CodedError, String(error));
          const expected = code === "ENOSPC" ? "NO_SPACE" : "STORE_UNAVAILABLE";
          assert.equal(error.code, expected);
        } finally {
          await store.close();
        }
        await assertWhole(directory);
        if (failed.length === 0) break;
        failures += 1;
      }
    }
    assert.ok(failures >= 4);
    t.diagnostic(`${failures} failures, 0 losses`);
  });
}
