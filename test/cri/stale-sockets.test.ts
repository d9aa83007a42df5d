import assert from "node:assert/strict";
import { once } from "node:events";
import { link, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { DaemonPlace } from "../fixtures/daemon/index.ts";

test("the sockets of daemons that were killed are replaced, and nothing else is", async () => {
  await using place = await DaemonPlace.make();
  await place.configure();
  const directory = dirname(place.socket);
  await mkdir(directory);
  // One that nobody listens at, as a daemon leaves it that is killed before and after it has its name.
  const dead = join(place.directory, "dead.sock");
  const server = createServer().listen(dead);
  await once(server, "listening");
  for (const name of ["siflet.sock", ".siflet.sock.0123abcd", ".siflet.sock.mine"]) {
    await link(dead, join(directory, name));
  }
  server.close();
  const others = [".other.sock.0123abcd", ".siflet.sock.89abcdef", ".siflet.sock.mine"];
  for (const name of others.slice(0, 2)) await writeFile(join(directory, name), "mine");
  const before = await stat(place.socket);

  const daemon = await place.start();
  using client = daemon.client();
  assert.equal((await client.fsInfo()).imageFilesystems.length, 1);
  assert.notEqual((await stat(place.socket)).ino, before.ino);
  assert.deepEqual((await readdir(directory)).sort(), [...others, "siflet.sock"]);
  assert.equal(await daemon.stop(), 0);
  assert.deepEqual((await readdir(directory)).sort(), others);
});
