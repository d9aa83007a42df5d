import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../store/index.ts";
import { CapturedText, newDirectory, runHere, TEST_NOW } from "./cli-fixture.ts";

test("a reload that is asked for while the daemon starts ends nothing, and is done when it serves", async (t) => {
  const directory = await newDirectory(t);
  const stderr = new CapturedText();
  const stop = new AbortController();
  // As the process has it: a signal that nobody listens for ends it.
  const listening = new Set<() => void>();
  const signal = (): void => {
    assert.ok(listening.size > 0, "the process is gone");
    for (const reload of listening) reload();
  };
  let opened = 0;
  const serving = runHere(["serve", "--socket", join(directory, "run/siflet.sock")], {
    directory,
    signal: stop.signal,
    environment: {
      stderr,
      service: {
        processId: 1,
        onReload: (reload) => {
          listening.add(reload);
          return { [Symbol.dispose]: () => listening.delete(reload) };
        },
        notify: () => Promise.resolve(),
        runBeside: () => Promise.resolve({ exitCode: 0, stdout: "" }),
      },
      openStore: async (store, access) => {
        opened += 1;
        if (opened === 1) signal();
        const place = { ...access, directory: store, host: "test", bootId: "1" };
        return await openStore({ ...place, now: () => TEST_NOW });
      },
    },
  });
  const ended = serving.then(() => {
    throw new Error(stderr.text);
  });
  const told = async (): Promise<void> => {
    while (!stderr.text.includes("the configuration was read again")) await delay(20);
  };
  await Promise.race([told(), ended]);
  ended.catch(() => undefined);
  assert.equal(stderr.text.match(/was read again/g)?.length, 1);
  assert.match(stderr.text, /serving .*\n.*was read again/);
  stop.abort();
  assert.equal((await serving).exitCode, 0);
  assert.equal(listening.size, 0);
});
