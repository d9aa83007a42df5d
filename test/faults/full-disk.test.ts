import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { CodedError } from "../../src/base/index.ts";
import { pullToStore } from "../../src/pull/index.ts";
import { openStore } from "../../src/store/index.ts";
import { checkStore } from "../../src/upkeep/index.ts";
import { leftovers, never, setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { publish } from "./scenario.ts";
import { mayMount, noiseBytes, run } from "../real/index.ts";

/** KiB of the disk: from one that the first image hardly fits on to one that holds all. */
const SIZES = [700, 1000, 1300, 1600, 2000, 2500, 3000, 4000, 5000, 8000];

test("on disks of every size a pull ends with the image or with NO_SPACE, and nothing is lost", async (t) => {
  if (!(await mayMount(t))) return;
  await using registry = await startRegistry();
  const small = makeImage({ layers: [tar([{ path: "f", data: "small" }])] });
  registry.putImage("small", small, "1");
  // Not compressed, so that nothing is refused beforehand.
  const layers = [1, 2].map((n) => tar([{ path: `f${n}`, data: noiseBytes(`${n}`, 700_000) }]));
  registry.putImage("large", makeImage({ layers, compression: "none" }), "1");
  const setup = await setUpPull(t);
  const outcomes: string[] = [];
  for (const size of SIZES) {
    const path = await diskOf(t, size);
    const store = await openStore({ directory: path, host: "t", bootId: "b", now: Date.now });
    const cache = { directory: join(path, "packs"), maxBytes: 10_000_000 };
    const pull = async (name: string) =>
      await pullToStore(
        store,
        `${registry.host}/${name}:1`,
        setup.context,
        setup.options({ cache }),
        never,
      );
    const first = await pull("small");
    try {
      await pull("large");
      outcomes.push(`${size} KiB: pulled`);
    } catch (error) {
      assert.ok(error instanceof CodedError && error.code === "NO_SPACE", String(error));
      outcomes.push(`${size} KiB: ${String(error.code)}`);
      const left = await leftovers(store);
      assert.deepEqual(left, [`record ${first.id}`, `images/${first.id}.sif`]);
    }
    const options = { deep: true, repair: false, now: 1 };
    assert.deepEqual((await checkStore(store, options, never)).faults, []);
    await store.remove(first.id, never);
    await pull("small");
    await store.close();
  }
  assert.ok(outcomes.some((text) => text.endsWith("pulled")));
  assert.ok(outcomes.some((text) => text.endsWith("NO_SPACE")));
  t.diagnostic(outcomes.join(", "));
});

test("an image can be removed from a store on a disk without a free byte", async (t) => {
  if (!(await mayMount(t))) return;
  const path = await diskOf(t, 3000);
  const place = { directory: path, host: "t", bootId: "b", now: Date.now };
  const opened = await openStore(place);
  const id = await publish(opened, "victim", ["victim:1"]);
  await opened.close();
  await assert.rejects(writeFile(join(path, "filler"), Buffer.alloc(4_000_000)), {
    code: "ENOSPC",
  });
  const store = await openStore(place);
  await store.remove(id, never);
  assert.deepEqual(await store.list(), []);
  await store.close();
  await rm(join(path, "filler"));
  await using again = await openStore(place);
  await publish(again, "another", ["another:1"]);
});

/** A disk of so many KiB. */
async function diskOf(t: TestContext, size: number): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "siflet-disk-"));
  await run("mount", ["-t", "tmpfs", "-o", `size=${size}k`, "tmpfs", path]);
  t.after(async () => {
    await run("umount", [path]);
    await rm(path, { recursive: true });
  });
  return path;
}
