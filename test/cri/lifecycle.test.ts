import assert from "node:assert/strict";
import { chmod, readdir, readFile, rename, stat, writeFile, mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { status as codes } from "@grpc/grpc-js";
import { DaemonPlace } from "../fixtures/daemon/index.ts";
import { allowedNiceness, nicenessOf } from "../fixtures/niceness.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

// How a daemon comes, goes and is told of changes. Each test has a daemon of its own.

async function newPlace(t: TestContext, config = ""): Promise<DaemonPlace> {
  const place = await DaemonPlace.make();
  t.after(() => place[Symbol.asyncDispose]());
  await place.configure(config);
  return place;
}

async function newRegistry(t: TestContext): Promise<FakeRegistry> {
  const registry = await startRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  return registry;
}

function imageOf(content: string): FixtureImage {
  return makeImage({ layers: [tar([{ path: "content", data: content }])] });
}

/** A registry with an image whose blob it does not give out before it is told to. */
async function holdingRegistry(t: TestContext): Promise<{
  readonly registry: FakeRegistry;
  readonly name: string;
  readonly release: () => void;
  /** Resolves when the blob was asked for. */
  readonly asked: Promise<unknown>;
}> {
  const image = imageOf("held");
  const held = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<undefined>();
  const registry = await startRegistry({
    beforeBlob: async (digest) => {
      if (digest !== image.layers[0]?.digest) return;
      asked.resolve(undefined);
      await held.promise;
    },
  });
  t.after(() => registry[Symbol.asyncDispose]());
  registry.putImage("held", image, "1");
  const release = (): void => {
    held.resolve(undefined);
  };
  return { registry, name: `${registry.host}/held:1`, release, asked: asked.promise };
}

test("the socket is there for owner and group alone, and gone with the daemon", async (t) => {
  const gid = process.getgid?.() ?? 0;
  const place = await newPlace(t, `daemon:\n  group: ${gid}`);
  const daemon = await place.start();
  const { mode, gid: group } = await stat(place.socket);
  assert.equal(mode & 0o777, 0o660);
  assert.equal(group, gid);
  const directory = join(place.directory, "run");
  assert.equal((await stat(directory)).mode & 0o777, 0o750);
  assert.deepEqual(await readdir(directory), ["siflet.sock"]);
  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(await readdir(directory), []);
});

test("a second daemon does not start where one answers, and takes nothing from it", async (t) => {
  const place = await newPlace(t);
  const daemon = await place.start();
  await assert.rejects(place.start(), /somebody listens there already/);
  using client = daemon.client();
  assert.equal((await client.fsInfo()).imageFilesystems.length, 1);
});

test("what is no socket stays as it is", async (t) => {
  const place = await newPlace(t);
  await mkdir(join(place.directory, "run"));
  await writeFile(place.socket, "mine");
  await assert.rejects(place.start(), /expected a socket or nothing, got a file/);
  assert.equal(await readFile(place.socket, "utf8"), "mine");
});

test("a path that the kernel does not take is refused with the longest that it does", async (t) => {
  const place = await newPlace(t);
  const long = join(place.directory, "n".repeat(120));
  await assert.rejects(
    place.start({ words: ["--socket", long] }),
    /expected a path of at most \d+ bytes/,
  );
});

test("a daemon that was killed in a pull leaves a store that the next one serves", async (t) => {
  const { registry, name, release, asked } = await holdingRegistry(t);
  const place = await newPlace(t);
  registry.putImage("kept", imageOf("kept"), "1");
  const first = await place.start();
  using client = first.client();
  const kept = await client.pull(`${registry.host}/kept:1`);
  const image = await client.status(kept);
  const lost = assert.rejects(client.pull(name), { code: codes.UNAVAILABLE });
  await asked;
  await first.kill();
  await lost;
  release();

  const second = await place.start();
  using again = second.client();
  assert.deepEqual(await again.status(kept), image);
  assert.deepEqual(await again.list(), [image]);
  assert.equal(await again.status(name), null);
  assert.deepEqual(await readdir(join(place.store, "tmp")), []);
  const id = await again.pull(name);
  assert.equal((await again.status(name))?.id, id);
  await again.remove(kept);
  assert.equal(await again.pull(`${registry.host}/kept:1`), kept);
});

test("calls that are under way end before the daemon does", async (t) => {
  const { name, release, asked } = await holdingRegistry(t);
  const place = await newPlace(t);
  const daemon = await place.start();
  using client = daemon.client();
  const pulling = client.pull(name);
  const watching = Array.fromAsync(client.watch("AdminService", "watchPulls"));
  await asked;
  const stopped = daemon.stop();
  // Who watches is told no more: that does not hold it up.
  await watching;
  release();
  const id = await pulling;
  assert.equal(await stopped, 0);
  assert.match(await place.siflet("images"), new RegExp(id.slice(0, 12)));
});

test("calls that do not end are ended, by the daemon's doing and not the client's", async (t) => {
  const { name, asked } = await holdingRegistry(t);
  const place = await newPlace(t, "daemon:\n  drainSeconds: 0");
  const daemon = await place.start();
  using client = daemon.client();
  const ended = assert.rejects(client.pull(name), {
    code: codes.UNAVAILABLE,
    details: "siflet is stopping; try again when it has started again",
  });
  await asked;
  assert.equal(await daemon.stop(), 0);
  await ended;
  assert.deepEqual(await readdir(join(place.store, "tmp")), []);
  assert.doesNotMatch(await place.siflet("images"), /held/);
});

test("a configuration is read again when that is asked for", async (t) => {
  const registry = await newRegistry(t);
  const place = await newPlace(t);
  registry.putImage("app", imageOf("app"), "1");
  registry.putImage("other", imageOf("other"), "1");
  const name = `${registry.host}/app:1`;
  const daemon = await place.start();
  using client = daemon.client();
  await client.pull(name);
  assert.equal((await client.status(name))?.pinned, false);

  const digest = async (): Promise<string> => {
    const { info } = (await client.call("RuntimeService", "status", { verbose: true })) as {
      readonly info: Readonly<Record<string, string>>;
    };
    return (JSON.parse(info["siflet"] ?? "") as { configDigest: string }).configDigest;
  };
  const first = await digest();
  assert.match(first, /^sha256:[0-9a-f]{64}$/);

  const reload = async (text: string, told: RegExp): Promise<void> => {
    await place.configure(text);
    const since = daemon.log.length;
    daemon.signal("SIGHUP");
    await daemon.said(told, since);
  };
  await reload('pins: ["*/app:1"]', /the configuration was read again/);
  assert.equal((await client.status(name))?.pinned, true);
  assert.deepEqual(
    (await client.list()).map(({ pinned }) => pinned),
    [true],
  );
  assert.notEqual(await digest(), first);

  await reload('trust:\n  names:\n    "*/other:1":\n      mode: required', /was read again/);
  assert.equal((await client.status(name))?.pinned, false);
  await assert.rejects(client.pull(`${registry.host}/other:1`), (error) => {
    assert.ok(error instanceof Error && "code" in error && "details" in error);
    assert.equal(error.code, codes.UNKNOWN);
    assert.match(String(error.details), /^SignatureValidationFailed: /);
    return true;
  });
  // What is there already is judged as well.
  await client.pull(name);

  await reload("stores: nowhere", /the configuration stays as it was: .*stores/);
  await assert.rejects(client.pull(`${registry.host}/other:1`), { code: codes.UNKNOWN });

  await reload("daemon:\n  drainSeconds: 7", /daemon\.drainSeconds has changed .*needs a restart/);
  await daemon.said(/was read again/, daemon.log.length - 1);
  await client.pull(`${registry.host}/other:1`);

  await reload("", /was read again/);
  assert.equal(await digest(), first);
});

test("Singularity-CRI's names of store and socket are taken, with a note", async (t) => {
  const place = await newPlace(t);
  const text = `storageDir: ${place.store}\nlistenSocket: ${place.socket}\n`;
  await writeFile(place.configFile, text);
  const daemon = await place.start();
  await daemon.said(/listenSocket is Singularity-CRI's name of daemon\.socket/);
  using client = daemon.client();
  assert.equal((await client.fsInfo()).imageFilesystems[0]?.fsId?.mountpoint, place.store);
});

/** A `systemd-notify` that writes down what it is told. */
async function fakeNotify(
  place: DaemonPlace,
): Promise<{ path: string; told: () => Promise<string> }> {
  const directory = join(place.directory, "bin");
  const log = join(place.directory, "told");
  await mkdir(directory);
  const script = join(directory, "systemd-notify");
  await writeFile(script, `#!/bin/sh\necho "$@" >> ${log}\n`);
  await chmod(script, 0o755);
  await writeFile(log, "");
  return { path: directory, told: async () => await readFile(log, "utf8") };
}

test("answers to calls come first where they may, and all else is done at a lower priority", async (t) => {
  const place = await newPlace(t);
  const daemon = await place.start();
  const tasks = `/proc/${daemon.processId}/task`;
  const priorities = new Map<string, Set<number>>();
  for (const id of await readdir(tasks)) {
    const name = (await readFile(`${tasks}/${id}/comm`, "utf8")).trim();
    const niceness = await nicenessOf(`${tasks}/${id}`);
    priorities.set(name, (priorities.get(name) ?? new Set()).add(niceness));
  }
  const answering = await allowedNiceness(-5);
  assert.deepEqual([...(priorities.get("libuv-worker") ?? [])], [10]);
  assert.deepEqual(priorities.get("siflet-store"), new Set([0, answering]));
  assert.equal(await nicenessOf(`${tasks}/${daemon.processId}`), answering);
});

test("systemd is told when the daemon is ready, alive and about to stop", async (t) => {
  const place = await newPlace(t);
  const { path, told } = await fakeNotify(place);
  const daemon = await place.start({
    environment: {
      PATH: `${path}:${process.env["PATH"] ?? ""}`,
      NOTIFY_SOCKET: join(place.directory, "notify"),
      WATCHDOG_USEC: "40000",
    },
  });
  using client = daemon.client();
  while (!(await told()).includes("WATCHDOG=1")) await client.fsInfo();
  assert.equal(await daemon.stop(), 0);
  const lines = (await told()).trim().split("\n");
  const pid = `--pid=${daemon.processId}`;
  assert.equal(lines[0], `${pid} READY=1 STATUS=serving images`);
  assert.ok(lines.includes(`${pid} WATCHDOG=1`));
  assert.equal(lines.at(-1), `${pid} STOPPING=1 STATUS=waiting for calls to end`);
});

test("a socket that systemd opened is served, and stays when the daemon goes", async (t) => {
  const place = await newPlace(t);
  const { server, path } = await listeningAt(place);
  t.after(() => server.close());
  const daemon = await place.start({ inherits: descriptorOf(server) });
  assert.ok(daemon.log.some((line) => line.includes("the socket of systemd")));
  await closed(server);
  using client = daemon.clientAt(path);
  assert.equal((await client.fsInfo()).imageFilesystems.length, 1);
  assert.equal(await daemon.stop(), 0);
  assert.ok((await stat(path)).isSocket());
});

/** A listening socket whose name its server does not take along when it is closed. */
async function listeningAt(place: DaemonPlace): Promise<{ server: Server; path: string }> {
  const server = createServer();
  const first = join(place.directory, "first.sock");
  const path = join(place.directory, "given.sock");
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(first, () => {
    resolve(undefined);
  });
  await promise;
  await rename(first, path);
  return { server, path };
}

function descriptorOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

async function closed(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => {
    resolve(undefined);
  });
  await promise;
}
