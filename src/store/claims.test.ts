import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { newDirectory, openTestStore, startChild } from "../../test/fixtures/store/index.ts";
import { DatabaseClient } from "./database-client.ts";
import type { StoreTraits } from "./index.ts";
import { SocketClaims } from "./socket-claims.ts";

const never = new AbortController().signal;
const kinds: readonly StoreTraits["claims"][] = ["socket", "lock-file"];

function newClient(t: TestContext): DatabaseClient {
  const client = new DatabaseClient();
  t.after(async () => {
    await client.close();
  });
  return client;
}

for (const claims of kinds) {
  const traits = { claims };

  test(`${claims}: callers of one store hold a key one after the other, in order`, async (t) => {
    await using store = await openTestStore(await newDirectory(t), { traits });
    const seen: string[] = [];
    const enter = async (name: string): Promise<void> => {
      const claim = await store.claim("key", never);
      seen.push(`${name} in`);
      await store.list();
      seen.push(`${name} out`);
      await claim[Symbol.asyncDispose]();
    };
    await Promise.all(["a", "b", "c"].map(enter));
    assert.deepEqual(seen, ["a in", "a out", "b in", "b out", "c in", "c out"]);
  });

  test(`${claims}: two stores of one process exclude each other`, async (t) => {
    const directory = await newDirectory(t);
    await using first = await openTestStore(directory, { traits });
    await using second = await openTestStore(directory);
    assert.equal(second.traits.claims, claims);
    const held = await first.claim("key", never);
    const abort = new AbortController();
    const waiting = second.claim("key", abort.signal);
    const other = await second.claim("another key", never);
    abort.abort(new Error("gave up"));
    await assert.rejects(waiting, { message: "gave up" });
    await held[Symbol.asyncDispose]();
    const next = await second.claim("key", never);
    await next[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  test(`${claims}: who waits in memory can leave, and the next one follows`, async (t) => {
    await using store = await openTestStore(await newDirectory(t), { traits });
    const held = await store.claim("key", never);
    const abort = new AbortController();
    const leaving = store.claim("key", abort.signal);
    const staying = store.claim("key", never);
    abort.abort();
    await assert.rejects(leaving, { name: "AbortError" });
    await held[Symbol.asyncDispose]();
    await held[Symbol.asyncDispose]();
    const next = await staying;
    await next[Symbol.asyncDispose]();
  });

  test(`${claims}: the claim of a killed process passes to who waits for it`, async (t) => {
    const directory = await newDirectory(t);
    await using store = await openTestStore(directory, { traits });
    await using child = startChild({ kind: "claim", directory, key: "key" });
    assert.deepEqual(await child.report(), ["held"]);
    const waiting = store.claim("key", never);
    await child.kill();
    const claim = await waiting;
    await claim[Symbol.asyncDispose]();
  });

  test(`${claims}: processes that race for a dead one's claim never hold it together`, async (t) => {
    const directory = await newDirectory(t);
    await (await openTestStore(directory, { traits })).close();
    for (let round = 0; round < 3; round++) {
      await using holder = startChild({ kind: "claim", directory, key: "key" });
      await holder.report();
      const racers = [1, 2, 3].map(() =>
        startChild({ kind: "enter alone", directory, key: "key", times: 5 }),
      );
      await holder.kill();
      for (const racer of racers) {
        await using running = racer;
        assert.deepEqual(await running.report(), ["alone"]);
      }
    }
  });
}

test("a socket that a dead process left is taken over and leaves nothing behind", async (t) => {
  const directory = await newDirectory(t);
  await using child = startChild({ kind: "claim", directory, key: "key" });
  await child.report();
  await child.kill();
  const locks = join(directory, "locks");
  const sockets = async (): Promise<string[]> =>
    (await readdir(locks)).filter((name) => !name.endsWith(".lock"));
  assert.equal((await sockets()).length, 1);
  const client = newClient(t);
  const claims = await SocketClaims.open(locks, client);
  const [name = ""] = await sockets();
  const held = await claims.tryHold(name.slice(0, -".sock".length));
  assert.ok(held);
  await claims.sweep();
  assert.deepEqual(await sockets(), [name]);
  await held.release();
  assert.deepEqual(await sockets(), []);
});

test("opening a store sweeps dead sockets and lets live ones be", async (t) => {
  const directory = await newDirectory(t);
  await using dying = startChild({ kind: "claim", directory, key: "dead" });
  await using living = startChild({ kind: "claim", directory, key: "live" });
  await Promise.all([dying.report(), living.report()]);
  await dying.kill();
  await using store = await openTestStore(directory);
  const sockets = (await readdir(join(directory, "locks"))).filter((name) => /sock|new/.test(name));
  assert.equal(sockets.length, 1);
  await assert.rejects(store.claim("live", AbortSignal.timeout(1)), { name: "TimeoutError" });
});

test("a store whose path is too long for a socket has claims all the same", async (t) => {
  const directory = join(await newDirectory(t), "d".repeat(100), "e".repeat(100));
  await using store = await openTestStore(directory, { traits: { claims: "socket" } });
  await using child = startChild({ kind: "claim", directory, key: "key" });
  await child.report();
  const waiting = store.claim("key", never);
  await child.kill();
  const claim = await waiting;
  await claim[Symbol.asyncDispose]();
});

test("a store is made with lock files where its directory carries no sockets", async (t) => {
  const client = newClient(t);
  assert.equal(await SocketClaims.worksIn("/proc", client), false);
  assert.equal(await SocketClaims.worksIn(await newDirectory(t), client), true);
});
