import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import process from "node:process";
import { describe, test } from "node:test";
import { nicenessOf } from "../fixtures/niceness.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { hasMountRight } from "../real/index.ts";
import { OwnSystemd } from "./own-systemd.ts";

// The units under a systemd of their own, in the sandbox that they ask for.

/** The daemon tells each half of it that it is alive. */
const DROP_IN = `[Service]
WatchdogSec=5
StandardError=append:/run/siflet.log
`;

/** As every Debian has it. */
const DAEMON_GROUP = 1;
const CONFIG = "/run/config.yaml";

async function startWithImage(): Promise<{
  readonly systemd: OwnSystemd;
  readonly registry: FakeRegistry;
  readonly name: string;
  readonly parts: AsyncDisposable;
}> {
  await using starting = new AsyncDisposableStack();
  const registry = starting.use(await startRegistry());
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "x" }])] }), "1");
  const systemd = starting.use(await OwnSystemd.start(DROP_IN));
  return { systemd, registry, name: `${registry.host}/app:1`, parts: starting.move() };
}

/** Systemd needs the rights of root; in CI it has to run. */
const skip =
  process.env["CI"] === "true" || (await hasMountRight())
    ? false
    : "a systemd of one's own needs root who may mount";

describe("the service", { skip }, () => {
  test("starts in its sandbox, pulls, reads its configuration again and stops", async () => {
    const { systemd, name, parts } = await startWithImage();
    await using _parts = parts;
    await systemd.systemctl("start", "siflet.service");
    assert.equal(await systemd.show("siflet.service", "StatusText"), "serving images");
    const main = await systemd.show("siflet.service", "MainPID");
    assert.equal(await nicenessOf(systemd.path(`/proc/${main}`)), -5);
    const id = await pull(systemd, name);
    const { mode } = await stat(systemd.path("/run/siflet/siflet.sock"));
    assert.equal(mode & 0o777, 0o660);
    assert.equal((await stat(systemd.path("/var/lib/siflet"))).mode & 0o777, 0o700);

    await systemd.systemctl("reload", "siflet.service");
    while (!(await log(systemd)).includes("was read again")) await pull(systemd, name);
    const before = await systemd.show("siflet.service", "MainPID");
    await systemd.systemctl("restart", "siflet.service");
    assert.notEqual(await systemd.show("siflet.service", "MainPID"), before);
    using client = systemd.client();
    assert.deepEqual(
      (await client.list()).map((image) => image.id),
      [id],
    );
    await systemd.systemctl("stop", "siflet.service");
    assert.equal(await systemd.show("siflet.service", "Result"), "success");
    assert.match(await log(systemd), / INFO {2}stopped\n$/);
  });

  test("is started again when it no longer says that it is alive", async () => {
    const { systemd, name, parts } = await startWithImage();
    await using _parts = parts;
    await systemd.systemctl("start", "siflet.service");
    const id = await pull(systemd, name);
    await systemd.signal("SIGSTOP");
    while ((await systemd.show("siflet.service", "NRestarts")) === "0");
    while ((await systemd.show("siflet.service", "ActiveState")) !== "active");
    assert.equal(await pull(systemd, name), id);
  });

  test("has the group that its unit names, and so have the socket and its directory", async () => {
    await using systemd = await OwnSystemd.start(`${DROP_IN}Group=daemon\n`);
    await systemd.systemctl("start", "siflet.service");
    for (const [path, mode] of [
      ["/run/siflet", 0o750],
      ["/run/siflet/siflet.sock", 0o660],
    ] as const) {
      const found = await stat(systemd.path(path));
      assert.deepEqual([found.gid, found.mode & 0o777], [DAEMON_GROUP, mode]);
    }
  });

  test("ends with a reason where it may not give its socket the group of the configuration", async () => {
    const settings = `Restart=no\nEnvironment=SIFLET_CONFIG=${CONFIG}\n`;
    await using systemd = await OwnSystemd.start(`${DROP_IN}${settings}`);
    await systemd.write(CONFIG, "daemon:\n  group: daemon\n");
    await assert.rejects(systemd.systemctl("start", "siflet.service"));
    assert.match(await log(systemd), /siflet\.sock: cannot listen: .*chown/);
    await assert.rejects(stat(systemd.path("/run/siflet/siflet.sock")), { code: "ENOENT" });
  });

  test("is started by whoever speaks to its socket, which outlives it", async () => {
    const { systemd, name, parts } = await startWithImage();
    await using _parts = parts;
    await systemd.systemctl("start", "siflet.socket");
    assert.equal(await systemd.show("siflet.service", "ActiveState"), "inactive");
    const id = await pull(systemd, name);
    assert.equal(await systemd.show("siflet.service", "ActiveState"), "active");
    assert.match(await log(systemd), /serving \/var\/lib\/siflet at the socket of systemd\n/);
    await systemd.systemctl("stop", "siflet.service");
    assert.equal(await pull(systemd, name), id);
    await systemd.systemctl("stop", "siflet.socket", "siflet.service");
    await assert.rejects(stat(systemd.path("/run/siflet/siflet.sock")), { code: "ENOENT" });
  });
});

async function pull(systemd: OwnSystemd, name: string): Promise<string> {
  using client = systemd.client();
  // Where the service cannot start, its socket would take the call all the same.
  return await client.pull(name, {}, { deadlineMs: 60_000 });
}

async function log(systemd: OwnSystemd): Promise<string> {
  return await readFile(systemd.path("/run/siflet.log"), "utf8");
}
