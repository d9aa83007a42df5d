import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import {
  canMount,
  hasMountRight,
  mayOpenFuse,
  ownHost,
  runcCommand,
  type Ended,
  type ProgramHost,
} from "./real/index.ts";
import {
  assertDone,
  assertNothingLeft,
  assertRefused,
  bundle,
  BundleStores,
  mountsOf,
  runExample,
} from "./real/bundle-stores.ts";

// Bundles of a small image, mounted and run by what Debian has. Where this machine forbids something,
// that alone is what is found out, and siflet has to say so by its code.

let stores: BundleStores;

before(async () => {
  stores = await BundleStores.make();
});

after(async () => {
  await stores[Symbol.asyncDispose]();
});

const isRoot = process.geteuid?.() === 0;
const why = "mounting by the kernel needs root";
if (!isRoot && process.env["CI"] === "true") throw new Error(why);

/** Whether a process has let go of all that it had open. */
async function hasEnded(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // Behind the name, which may hold anything, stands the state.
  return stat === "" || stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}

describe("a bundle of root", { skip: isRoot ? false : why }, () => {
  /** @returns undefined where the machine mounts nothing: that siflet says so was asserted then */
  async function made(host: ProgramHost, ...args: readonly string[]): Promise<Ended | undefined> {
    const result = await bundle(host, ...args);
    const mayFuse = (await hasMountRight()) && (await mayOpenFuse(host));
    const mayKernel = await canMount();
    const isForced = args.includes("--mount");
    const may = args.includes("squashfuse") ? mayFuse : mayKernel || (mayFuse && !isForced);
    if (may) {
      assertDone(result);
      return result;
    }
    assertRefused(result, 14, /cannot be mounted/);
    await assertNothingLeft(host);
    return undefined;
  }

  for (const mount of ["kernel", "squashfuse"]) {
    test(`starts as the image says, mounted by ${mount}`, async (t) => {
      const { host, run } = await stores.setUp(t, await ownHost());
      if (!(await made(host, "--mount", mount, "app:1", "box"))) return;
      assert.deepEqual(await mountsOf(host), [join(host.directory, "box/rootfs")]);
      const ended = await run();
      if (ended === undefined) return;
      assert.equal(
        assertDone(ended),
        "uid=1000(app) gid=1001(app) groups=2000(more)\n/srv\ngood day\n",
      );
    });

    test(`is read only but for its volumes, and keeps to modes, mounted by ${mount}`, async (t) => {
      const { host, run } = await stores.setUp(t, await ownHost());
      const script =
        "cat /etc/secret; touch /srv/x; cat /data/seed; echo new > /data/x; cat /data/x";
      if (!(await made(host, "--mount", mount, "app:1", "box", "--", script))) return;
      const ended = await run();
      if (ended === undefined) return;
      assert.match(ended.stderr, /secret'?: Permission denied/);
      assert.match(ended.stderr, /\/srv\/x'?: Read-only file system/);
      assert.equal(ended.stdout, "of the image\nnew\n");
    });
  }

  test("keeps its image, and gives it back when it is deleted", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    if (!(await made(host, "app:1", "box"))) return;
    assertRefused(await host.run("siflet", "rm", "app:1"), 11, /used by bundle .*\/box/);
    assert.equal(
      assertDone(await bundle(host, "--delete", "box")),
      `deleted ${host.directory}/box\n`,
    );
    await assertNothingLeft(host);
    const loops = assertDone(await host.run("losetup", "--list", "--output", "BACK-FILE"));
    assert.ok(!loops.includes(host.directory), loops);
    const again = await bundle(host, "--delete", "box");
    assert.equal(assertDone(again), "");
    assert.match(again.stderr, /there is no bundle/);
    assertDone(await host.run("siflet", "rm", "app:1"));
  });

  test("takes the caller's words before the image's", async (t) => {
    const { host, run } = await stores.setUp(t, await ownHost());
    await mkdir(join(host.directory, "shared"));
    await writeFile(join(host.directory, "shared/file"), "of the host\n");
    const script = "id -u; id -G; pwd; echo $GREETING $HOME; hostname; cat file; touch new";
    const options = ["--user", "root:2000", "--hostname", "some.name", "--entrypoint", "sh"];
    options.push("--env", "GREETING=hello", "--env", "HOME", "--bind", "shared:/work:ro");
    const words = [...options, "--workdir", "/work", "app:1", "box", "--", "-c", script];
    if (!(await made(host, ...words))) return;
    const ended = await run();
    if (ended === undefined) return;
    const home = host.directory;
    assert.equal(
      ended.stdout,
      `0\n2000\n/work\nhello ${home}\nsome.name\nof the host\n`,
      ended.stderr,
    );
    assert.match(ended.stderr, /new: Read-only file system/);
  });

  test("can be written where that is asked for, and the image stays as it is", async (t) => {
    const { host, run } = await stores.setUp(t, await ownHost());
    const script = "cat /data/seed; echo new > /srv/x; cat /srv/x; touch /bin/x";
    if (!(await made(host, "--writable", "app:1", "box", "--", script))) return;
    const ended = await run();
    if (ended !== undefined) {
      assert.equal(ended.stdout, "of the image\nnew\n");
      // The image's own root is root's, and the layer over it is, too.
      assert.match(ended.stderr, /\/bin\/x: Permission denied/);
      assert.equal(
        await readFile(join(host.directory, "box/overlay/upper/srv/x"), "utf8"),
        "new\n",
      );
    }
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
    assertDone(await host.run("siflet", "fsck", "--deep"));
  });

  test("has places for mounts that its image lacks, and still is read only", async (t) => {
    const { host, run } = await stores.setUp(t, await ownHost(), "plain");
    const script = "ls /proc/self/status; touch /srv/x";
    if (!(await made(host, "app:1", "box", "--", script))) return;
    const ended = await run();
    if (ended === undefined) return;
    assert.equal(ended.stdout, "/proc/self/status\n");
    assert.match(ended.stderr, /Read-only file system/);
  });

  for (const [network, isAlone] of [
    ["none", true],
    ["host", false],
  ] as const) {
    test(`has the network that is asked for: ${network}`, async (t) => {
      const { host, run } = await stores.setUp(t, await ownHost());
      const script = "ls /sys/class/net; cat /etc/resolv.conf";
      if (!(await made(host, "--network", network, "app:1", "box", "--", script))) return;
      const ended = await run();
      if (ended === undefined) return;
      const names = await readdir("/sys/class/net");
      const resolver = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
      const expected = isAlone ? "lo\n" : `${names.sort().join("\n")}\n${resolver}`;
      assert.equal(assertDone(ended), expected);
    });
  }

  test("is not deleted under a container that runs", async (t) => {
    const { host, mayRun } = await stores.setUp(t, await ownHost());
    const words = ["--user", "root", "app:1", "box", "--", "echo up; sleep 600"];
    if (!(await made(host, ...words)) || !mayRun) return;
    const container = host.start(...runcCommand(host), "run", "--bundle", "box", "running");
    assert.ok(container.stdout !== null);
    await once(container.stdout, "data");
    assertRefused(await bundle(host, "--delete", "box"), 11, /process [0-9]+ runs in it/);
    assert.deepEqual(await mountsOf(host), [join(host.directory, "box/rootfs")]);
    const ended = once(container, "exit");
    assertDone(await host.run(...runcCommand(host), "kill", "running", "KILL"));
    await ended;
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
  });

  test("is deleted after the machine was started anew", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    if (!(await made(host, "--writable", "app:1", "box"))) return;
    for (const place of ["rootfs", "image"]) assertDone(await host.run("umount", `box/${place}`));
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
  });

  test("is deleted after its squashfuse has died", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    if (!(await made(host, "--mount", "squashfuse", "app:1", "box"))) return;
    const command = `${host.directory}/store/images/`;
    for (const pid of (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name))) {
      const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (!words.includes("squashfuse") || !words.includes(command)) continue;
      process.kill(Number(pid), "SIGKILL");
      while (!(await hasEnded(pid))) await setTimeout(5);
    }
    assertRefused(await host.run("ls", "box/rootfs"), 2, /not connected/);
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
  });

  test("gives its image back to the store that it is of", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    await host.take(join(stores.path, "runtime"), "other");
    const other = ["--store", join(host.directory, "other")];
    if (!(await made(host, ...other, "app:1", "box"))) return;
    assertDone(await bundle(host, "--delete", "box"));
    assert.doesNotMatch(assertDone(await host.run("siflet", ...other, "images")), /bundle/);
  });

  test("is given back also where somebody else has removed its directory", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    if (!(await made(host, "app:1", "box"))) return;
    assertDone(await host.run("umount", "box/rootfs"));
    assertDone(await host.run("rm", "-r", "box"));
    assertRefused(await host.run("siflet", "rm", "app:1"), 11, /used by bundle/);
    assert.match((await bundle(host, "--delete", "box")).stderr, /there is no bundle/);
    await assertNothingLeft(host);
  });

  test("is not deleted by a link, nor with what is mounted in it", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    if (!(await made(host, "--writable", "app:1", "box"))) return;
    await symlink("box", join(host.directory, "link"));
    assertRefused(await bundle(host, "--delete", "link"), 12, /is no directory/);
    const victim = join(host.directory, "victim");
    await mkdir(join(victim, "kept"), { recursive: true });
    await mkdir(join(host.directory, "box/rootfs/srv/point"));
    assertDone(await host.run("mount", "--bind", victim, "box/rootfs/srv/point"));
    assertRefused(await bundle(host, "--delete", "box"), 11, /srv\/point/);
    assert.deepEqual(await readdir(victim), ["kept"]);
    assertDone(await host.run("umount", "box/rootfs/srv/point"));
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
  });

  test("leaves nothing where it is interrupted while it mounts", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    const programs = join(host.directory, "programs");
    await mkdir(programs);
    const script = '#!/bin/sh\nkill -TERM "$PPID"\nexec /bin/mount "$@"\n';
    await writeFile(join(programs, "mount"), script, { mode: 0o755 });
    const path = `${programs}:/usr/bin:/bin:/usr/sbin:/sbin`;
    const siflet = join(import.meta.dirname, "../siflet");
    const words = ["bundle", "--mount", "kernel", "app:1", "box"];
    const ended = await host.run("env", `PATH=${path}`, siflet, ...words);
    assert.equal(ended.status, (await canMount()) ? 143 : 14, ended.stderr);
    await assertNothingLeft(host);
  });

  test("runs as docs/bundle.md says", async (t) => {
    const { host, mayRun } = await stores.setUp(t, await ownHost());
    const ended = await runExample(host, "id -u; echo $GREETING");
    if (!mayRun || !(await hasMountRight())) assert.notEqual(ended.status, 0);
    else assert.equal(assertDone(ended), "1000\ngood day\n");
    await assertNothingLeft(host);
  });

  test("is told in JSON, and what it left out of the image is said", async (t) => {
    const { host } = await stores.setUp(t, await ownHost());
    const ended = await made(host, "--json", "--tty", "app:1", "box", "--", "a b");
    if (ended === undefined) return;
    const facts: unknown = JSON.parse(assertDone(ended));
    assert.ok(
      typeof facts === "object" && facts !== null && "process" in facts && "overlay" in facts,
    );
    assert.equal(facts.overlay, null);
    assert.match(
      JSON.stringify(facts.process),
      /"terminal":true.*"args":\["\/bin\/sh","-c","a b"\]/,
    );
    assert.match(ended.stderr, /label "run\.oci\.hooks\.stdout" is left out/);
    const config = await readFile(join(host.directory, "box/config.json"), "utf8");
    assert.match(config, /"team": "a"/);
    assert.doesNotMatch(config, /run\.oci/);
  });
});
