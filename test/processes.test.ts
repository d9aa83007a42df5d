import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { openStore } from "../src/index.ts";
import { makeImage, startRegistry, type FakeRegistry } from "./fixtures/registry/index.ts";
import { newDirectory } from "./fixtures/store/index.ts";
import { tar } from "./fixtures/tar/index.ts";
import { PROGRAM } from "./fixtures/program.ts";

const image = makeImage({
  layers: [tar([{ path: "f", data: "shared by all" }])],
  platform: { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" },
});
const [layer] = image.layers;
assert.ok(layer !== undefined);

interface Setup {
  readonly store: string;
  readonly registry: FakeRegistry;
  /** Starts a process that pulls the image. */
  readonly pull: () => ChildProcess;
  /** How often the layer was asked for. */
  readonly fetches: () => number;
  /** Resolves when the layer has been asked for so often. */
  readonly fetched: (times: number) => Promise<void>;
  /** Resolves when so many processes have asked what the name means. */
  readonly resolved: (times: number) => Promise<void>;
  /** Lets blobs go out, which wait until then. */
  readonly release: () => void;
}

async function setUp(t: TestContext): Promise<Setup> {
  const gate = Promise.withResolvers<undefined>();
  const registry = await startRegistry({
    beforeBlob: async (digest) => {
      if (digest === layer?.digest) await gate.promise;
    },
  });
  t.after(() => registry[Symbol.asyncDispose]());
  registry.putImage("app", image, "1");
  const store = join(await newDirectory(t), "store");
  const count = (method: string, part: string): number =>
    registry.paths(method).filter((path) => path.includes(part)).length;
  const reached = async (method: string, part: string, times: number): Promise<void> => {
    while (count(method, part) < times) await new Promise((next) => setImmediate(next));
  };
  const fetchedPath = `/blobs/${layer?.digest ?? ""}`;
  return {
    store,
    registry,
    pull: () => {
      const args = [PROGRAM, "--store", store, "pull", "--json", `${registry.host}/app:1`];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
      t.after(() => child.kill("SIGKILL"));
      return child;
    },
    fetches: () => count("GET", fetchedPath),
    fetched: async (times) => {
      await reached("GET", fetchedPath, times);
    },
    resolved: async (times) => {
      await reached("HEAD", "/manifests/1", times);
    },
    release: () => {
      gate.resolve(undefined);
    },
  };
}

async function idOf(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  const [out, error] = await Promise.all([text(stdout), text(stderr), once(child, "close")]);
  assert.equal(child.exitCode, 0, error);
  const info: unknown = JSON.parse(out);
  assert.ok(typeof info === "object" && info !== null && "id" in info);
  return String(info.id);
}

test("four processes that want one image at once fetch and convert it once", async (t) => {
  const { pull, fetches, fetched, resolved, release, store } = await setUp(t);
  const children = [pull(), pull(), pull(), pull()];
  const ids = children.map(idOf);
  await fetched(1);
  await resolved(4);
  release();
  assert.equal(new Set(await Promise.all(ids)).size, 1);
  assert.equal(fetches(), 1);
  assert.equal((await readdir(join(store, "images"))).length, 1);
});

test("when the one that converts is killed, another takes over at once", async (t) => {
  const { pull, fetches, fetched, resolved, release, store } = await setUp(t);
  const first = pull();
  await fetched(1);
  const waiting = [pull(), pull()];
  const ids = waiting.map(idOf);
  await resolved(3);
  first.kill("SIGKILL");
  // Nothing was released yet: it is the death that lets the next one ask.
  await fetched(2);
  release();
  assert.equal(new Set(await Promise.all(ids)).size, 1);
  assert.equal(fetches(), 2);
  assert.equal((await readdir(join(store, "images"))).length, 1);
  // What the dead one was writing goes with the next start.
  await (await openStore(store)).close();
  assert.deepEqual(await readdir(join(store, "tmp")), []);
});
