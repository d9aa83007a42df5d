import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { capturedTerminal, newDirectory, runHere, screenOf } from "../../src/cli/cli-fixture.ts";
import { DaemonPlace } from "../fixtures/daemon/index.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

test("siflet pulls --watch draws each state over the one before, until it is interrupted", async (t) => {
  await using registry = await startRegistry();
  const image = makeImage({ layers: [tar([{ path: "f", data: "watched" }])] });
  registry.putImage("watched", image, "1");
  const held = Promise.withResolvers<undefined>();
  registry.addFault(`/v2/watched/blobs/${image.layers[0]?.digest ?? ""}`, {
    hold: held.promise.then(() => undefined),
    method: "GET",
  });
  await using place = await DaemonPlace.make();
  await place.configure();
  using client = (await place.start()).client();

  const terminal = capturedTerminal();
  const interrupt = new AbortController();
  const watching = runHere(["pulls", "--watch", "--socket", place.socket], {
    directory: await newDirectory(t),
    signal: interrupt.signal,
    environment: { stdout: terminal },
  });
  const shows = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const screen = screenOf(terminal.text);
      if (pattern.test(screen)) return screen;
      await delay(20);
    }
  };
  assert.equal(await shows(/./), "no pulls");
  const pulling = client.pull(`${registry.host}/watched:1`);
  const screen = await shows(/fetching/);
  assert.deepEqual(screen.split("\n").length, 2, screen);
  assert.match(screen, /^STARTED +STAGE .*\n.* fetching +0\/1 .*\/watched:1$/);
  held.resolve(undefined);
  await pulling;
  assert.equal(await shows(/^no pulls$/), "no pulls");
  interrupt.abort(new Error("interrupted"));
  const { exitCode, stderr } = await watching;
  assert.notEqual(exitCode, 0);
  assert.equal(screenOf(terminal.text), "no pulls");
  assert.ok(stderr.length <= 1, stderr.join("\n"));
});
