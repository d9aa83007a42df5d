import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openStore, type Store } from "../store/index.ts";
import { CapturedText, newDirectory, runHere, TEST_NOW, type CliResult } from "./cli-fixture.ts";
import type { Environment } from "./environment.ts";

/** A daemon in this process, which is told to reload as a process is. */
interface Served {
  /** As the process has it: a signal that nobody listens for ends it. */
  readonly hangUp: () => void;
  readonly isListening: () => boolean;
  /** Waits until the log has it so many times; throws where the daemon ends before. */
  readonly said: (text: string, times?: number) => Promise<string>;
  readonly stop: () => Promise<CliResult>;
}

function serve(
  directory: string,
  openOne: Environment["openStore"],
  words: readonly string[] = [],
): Served {
  const stderr = new CapturedText();
  const stop = new AbortController();
  const listening = new Set<() => void>();
  const serving = runHere([...words, "serve", "--socket", join(directory, "run/siflet.sock")], {
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
      openStore: openOne,
    },
  });
  let isOver = false;
  const over = serving.finally(() => {
    isOver = true;
  });
  return {
    hangUp: () => {
      assert.ok(listening.size > 0, "the process is gone");
      for (const reload of listening) reload();
    },
    isListening: () => listening.size > 0,
    said: async (text, times = 1) => {
      while (stderr.text.split(text).length <= times) {
        if (isOver) throw new Error(stderr.text);
        await delay(20);
      }
      return stderr.text;
    },
    stop: async () => {
      stop.abort();
      return await over;
    },
  };
}

async function openTestStore(
  directory: string,
  access: Parameters<Environment["openStore"]>[1],
): Promise<Store> {
  return await openStore({ ...access, directory, host: "test", bootId: "1", now: () => TEST_NOW });
}

const READ = "the configuration was read again";

test("a reload that is asked for while the daemon starts ends nothing, and is done when it serves", async (t) => {
  const directory = await newDirectory(t);
  let opened = 0;
  const daemon = serve(directory, async (path, access) => {
    opened += 1;
    if (opened === 1) daemon.hangUp();
    return await openTestStore(path, access);
  });
  assert.match(await daemon.said(READ), /serving .*\n.*was read again/);
  assert.equal((await daemon.stop()).exitCode, 0);
  assert.equal(daemon.isListening(), false);
});

/** A configuration with a store that images may be copied from. */
async function withOtherStore(t: TestContext): Promise<{
  readonly directory: string;
  readonly other: string;
  readonly words: readonly string[];
}> {
  const directory = await newDirectory(t);
  const other = join(directory, "other");
  await (await openTestStore(other, { readOnly: false })).close();
  const file = join(directory, "config.yaml");
  await writeFile(file, `store: ${join(directory, "store")}\nstores: [${other}]\n`);
  return { directory, other, words: ["--config", file] };
}

test("what cannot be closed after a reload is told, and the daemon goes on", async (t) => {
  const { directory, other, words } = await withOtherStore(t);
  let opened = 0;
  const open: Environment["openStore"] = async (path, access) => {
    const store = await openTestStore(path, access);
    if (path !== other) return store;
    opened += 1;
    if (opened > 1) return store;
    return Object.assign(store, {
      [Symbol.asyncDispose]: async () => {
        await store.close();
        throw new Error("its disk is gone");
      },
    });
  };
  const daemon = serve(directory, open, words);
  await daemon.said("serving ");
  daemon.hangUp();
  await daemon.said("WARN  what was in force before could not be closed: its disk is gone");
  daemon.hangUp();
  await daemon.said(READ, 2);
  assert.equal((await daemon.stop()).exitCode, 0);
  assert.equal(opened, 3);
});
