import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test, type TestContext } from "node:test";
import { hostPlatform, type Layout } from "../src/image/index.ts";
import { layoutFiles, writeFiles } from "./fixtures/archive/index.ts";
import { makeImage } from "./fixtures/registry/index.ts";
import { tar, type TarItem } from "./fixtures/tar/index.ts";
import {
  canMount,
  hasMountRight,
  mayOpenFuse,
  mayRunContainers,
  ownHost,
  runBundle,
  runcCommand,
  userHost,
  type Ended,
  type ProgramHost,
  type UserSettings,
} from "./real/index.ts";

// Bundles of a small image, mounted and run by what Debian has. Where this machine forbids something,
// that alone is what is found out, and siflet has to say so by its code.

const APPLETS = [
  "sh",
  "cat",
  "chmod",
  "hostname",
  "id",
  "ls",
  "mkdir",
  "rm",
  "sleep",
  "stat",
  "touch",
];

const files: readonly TarItem[] = [
  { path: "bin/" },
  ...APPLETS.map((name) => ({ path: `bin/${name}`, linkname: "busybox" })),
  { path: "etc/" },
  { path: "etc/passwd", data: "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/srv:/bin/sh\n" },
  { path: "etc/group", data: "root:x:0:\napp:x:1001:\nmore:x:2000:app\n" },
  { path: "etc/secret", data: "of root alone\n", mode: 0o600 },
  { path: "srv/", uid: 1000, gid: 1001 },
  { path: "data/", uid: 1000, gid: 1001 },
  { path: "data/seed", data: "of the image\n", uid: 1000, gid: 1001 },
];

const CONFIG = {
  Entrypoint: ["/bin/sh", "-c"],
  Cmd: ["id; pwd; echo $GREETING"],
  Env: ["PATH=/bin", "GREETING=good day"],
  WorkingDir: "/srv",
  User: "app",
  Volumes: { "/data": {} },
  Labels: { "run.oci.hooks.stdout": "/tmp/x", team: "a" },
};

const LAYOUTS = ["runtime", "plain"] as const;

/** A store of each layout, to be copied: pulled once. */
let stores: { readonly path: string; remove(): Promise<void> };

before(async () => {
  stores = await mkdtempDisposable(join(tmpdir(), "siflet-stores-"));
  const busybox = await readFile("/bin/busybox");
  const layer = tar([...files, { path: "bin/busybox", data: busybox, mode: 0o755 }]);
  const image = makeImage({
    layers: [layer],
    config: CONFIG,
    platform: hostPlatform(process.arch),
  });
  await writeFiles(join(stores.path, "app"), layoutFiles([{ image, refName: "1" }]));
  await using host = await ownHost();
  for (const layout of LAYOUTS) {
    const store = ["--store", join(stores.path, layout)];
    const from = `oci:${join(stores.path, "app")}`;
    const words = [...store, "pull", "--layout", layout, "--name", "app:1", from];
    assertDone(await host.run("siflet", ...words));
  }
});

after(async () => {
  await stores.remove();
});

function assertDone({ status, stdout, stderr }: Ended): string {
  assert.equal(status, 0, stderr);
  return stdout;
}

function assertRefused({ status, stderr }: Ended, exitCode: number, message: RegExp): void {
  assert.match(stderr, message);
  assert.equal(status, exitCode);
}

async function bundle(host: ProgramHost, ...args: readonly string[]): Promise<Ended> {
  return await host.run("siflet", "bundle", ...args);
}

/** What is mounted below the host's directory, as his processes see it. */
async function mountsOf(host: ProgramHost): Promise<string[]> {
  const table = assertDone(await host.run("cat", "/proc/self/mountinfo"));
  const points = table.split("\n").map((line) => line.split(" ")[4] ?? "");
  const own = [`${host.directory}/clone`, `${host.directory}/fuse`];
  return points.filter((path) => path.startsWith(`${host.directory}/`) && !own.includes(path));
}

/** Asserts that a bundle that was deleted, or never came to be, has left nothing. */
async function assertNothingLeft(host: ProgramHost): Promise<void> {
  assert.deepEqual(await mountsOf(host), []);
  const names = await readdir(host.directory);
  assert.ok(!names.includes("box"), names.join(" "));
  const images = assertDone(await host.run("siflet", "images", "--json"));
  assert.doesNotMatch(images, /bundle/);
}

/** Runs the example of docs/bundle.md. */
async function runExample(host: ProgramHost, script: string): Promise<Ended> {
  const example = join(host.clone, "docs/bundle-example.sh");
  const siflet = `SIFLET=${join(host.clone, "siflet")}`;
  return await host.run("env", siflet, "sh", example, "app:1", script);
}

const isRoot = process.geteuid?.() === 0;
const why = "mounting by the kernel needs root";
if (!isRoot && process.env["CI"] === "true") throw new Error(why);
const mayHaveMounts = await hasMountRight();

interface Setup {
  readonly host: ProgramHost;
  /** Whether this machine runs containers at all, whoever makes their bundles. */
  readonly mayRun: boolean;
  /** Runs the container of `box`; undefined where this machine runs none. */
  readonly run: () => Promise<Ended | undefined>;
}

async function setUp(
  t: TestContext,
  host: ProgramHost,
  layout: Layout = "runtime",
): Promise<Setup> {
  t.after(() => host[Symbol.asyncDispose]());
  await host.take(join(stores.path, layout), "store");
  const mayRun = await mayRunContainers(host);
  return { host, mayRun, run: async () => (mayRun ? await runBundle(host, "box") : undefined) };
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
      const { host, run } = await setUp(t, await ownHost());
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
      const { host, run } = await setUp(t, await ownHost());
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
    const { host } = await setUp(t, await ownHost());
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
    const { host, run } = await setUp(t, await ownHost());
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
    const { host, run } = await setUp(t, await ownHost());
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
    const { host, run } = await setUp(t, await ownHost(), "plain");
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
      const { host, run } = await setUp(t, await ownHost());
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
    const { host, mayRun } = await setUp(t, await ownHost());
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
    const { host } = await setUp(t, await ownHost());
    if (!(await made(host, "--writable", "app:1", "box"))) return;
    for (const place of ["rootfs", "image"]) assertDone(await host.run("umount", `box/${place}`));
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
  });

  test("is deleted after its squashfuse has died", async (t) => {
    const { host } = await setUp(t, await ownHost());
    if (!(await made(host, "--mount", "squashfuse", "app:1", "box"))) return;
    const command = `${host.directory}/store/images/`;
    for (const pid of (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name))) {
      const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (words.includes("squashfuse") && words.includes(command))
        process.kill(Number(pid), "SIGKILL");
    }
    assertRefused(await host.run("ls", "box/rootfs"), 2, /not connected/);
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
  });

  test("gives its image back to the store that it is of", async (t) => {
    const { host } = await setUp(t, await ownHost());
    await host.take(join(stores.path, "runtime"), "other");
    const other = ["--store", join(host.directory, "other")];
    if (!(await made(host, ...other, "app:1", "box"))) return;
    assertDone(await bundle(host, "--delete", "box"));
    assert.doesNotMatch(assertDone(await host.run("siflet", ...other, "images")), /bundle/);
  });

  test("is given back also where somebody else has removed its directory", async (t) => {
    const { host } = await setUp(t, await ownHost());
    if (!(await made(host, "app:1", "box"))) return;
    assertDone(await host.run("umount", "box/rootfs"));
    assertDone(await host.run("rm", "-r", "box"));
    assertRefused(await host.run("siflet", "rm", "app:1"), 11, /used by bundle/);
    assert.match((await bundle(host, "--delete", "box")).stderr, /there is no bundle/);
    await assertNothingLeft(host);
  });

  test("is not deleted by a link, nor with what is mounted in it", async (t) => {
    const { host } = await setUp(t, await ownHost());
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
    const { host } = await setUp(t, await ownHost());
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
    const { host, mayRun } = await setUp(t, await ownHost());
    const ended = await runExample(host, "id -u; echo $GREETING");
    if (!mayRun || !(await hasMountRight())) assert.notEqual(ended.status, 0);
    else assert.equal(assertDone(ended), "1000\ngood day\n");
    await assertNothingLeft(host);
  });

  test("is told in JSON, and what it left out of the image is said", async (t) => {
    const { host } = await setUp(t, await ownHost());
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

describe("a bundle without root", () => {
  async function made(host: ProgramHost, ...args: readonly string[]): Promise<boolean> {
    const result = await bundle(host, ...args);
    const hasNamespaces = (await host.run("unshare", "--user", "true")).status === 0;
    if (!hasNamespaces) assertRefused(result, 2, /no bundle without root/);
    else if (!(await mayOpenFuse(host))) assertRefused(result, 14, /cannot be mounted/);
    else {
      assertDone(result);
      return true;
    }
    await assertNothingLeft(host);
    return false;
  }

  test("has its caller as its root, and is read only", async (t) => {
    const { host, run } = await setUp(t, await userHost());
    const script =
      "id -u; id -g; cat /proc/self/uid_map; cat /etc/secret; touch /srv/x; echo 1 > /data/x";
    if (!(await made(host, "--user", "0:0", "app:1", "box", "--", script))) return;
    assert.deepEqual(await mountsOf(host), [join(host.directory, "box/rootfs")]);
    const ended = await run();
    if (ended !== undefined) {
      const map = new RegExp(`^0\\n0\\n +0 +${host.uid} +1\\nof root alone\\n$`);
      assert.match(ended.stdout, map, ended.stderr);
      assert.match(ended.stderr, /^touch: \/srv\/x: Read-only file system$/m);
      assert.equal(ended.status, 0);
    }
    assertDone(await bundle(host, "--delete", "box"));
    await assertNothingLeft(host);
  });

  test("is refused for a user that cannot be had, with what would help", async (t) => {
    const { host } = await setUp(t, await userHost());
    const ended = await bundle(host, "app:1", "box");
    const hasNamespaces = (await host.run("unshare", "--user", "true")).status === 0;
    if (!hasNamespaces) assertRefused(ended, 2, /no bundle without root/);
    else if (!(await mayOpenFuse(host))) assertRefused(ended, 14, /cannot be mounted/);
    else assertRefused(ended, 2, /\(1000:1001\).*--user 0:0.*\/etc\/subuid.*user_allow_other/);
    await assertNothingLeft(host);
  });

  test("is never mounted by the kernel", async (t) => {
    const { host } = await setUp(t, await userHost());
    const ended = await bundle(host, "--user", "0:0", "--mount", "kernel", "app:1", "box");
    const hasNamespaces = (await host.run("unshare", "--user", "true")).status === 0;
    if (hasNamespaces) assertRefused(ended, 14, /kernel: only root/);
    else assertRefused(ended, 2, /no bundle without root/);
    await assertNothingLeft(host);
  });

  for (const layout of LAYOUTS) {
    test(`can be written by fuse-overlayfs, of a ${layout} image`, async (t) => {
      const { host, run } = await setUp(t, await userHost(), layout);
      const script =
        "echo new > /srv/x; cat /srv/x /data/seed; rm /data/seed; mkdir /d; chmod 0 /d";
      const words = ["--writable", "--user", "0:0", "app:1", "box", "--", script];
      if (!(await made(host, ...words))) return;
      const ended = await run();
      if (ended !== undefined) assert.equal(assertDone(ended), "new\nof the image\n");
      assertDone(await bundle(host, "--delete", "box"));
      await assertNothingLeft(host);
    });
  }

  test("has the host's network and names where that is asked for", async (t) => {
    const { host, run } = await setUp(t, await userHost());
    const words = ["--network", "host", "--user", "0:0", "app:1", "box", "--", "ls /sys/class/net"];
    if (!(await made(host, ...words))) return;
    const ended = await run();
    if (ended === undefined) return;
    const names = await readdir("/sys/class/net");
    assert.equal(assertDone(ended), `${names.sort().join("\n")}\n`);
  });

  test("runs as docs/bundle.md says", async (t) => {
    const { host, mayRun } = await setUp(t, await userHost());
    const ended = await runExample(host, "id -u; echo $GREETING");
    if (!mayRun || !(await mayOpenFuse(host))) assert.notEqual(ended.status, 0);
    else assert.equal(assertDone(ended), "0\ngood day\n");
    await assertNothingLeft(host);
  });

  const settings: UserSettings = {
    fuseConf: "user_allow_other\n",
    subordinateIds: "daemon:100000:65536\n",
  };

  // Files of /etc are others in mounts of one's own; what is refused without them is tested above.
  test(
    "has every user of its image where an administrator has set that up",
    { skip: mayHaveMounts ? false : "mounts of one's own need the right to mount" },
    async (t) => {
      const { host, run } = await setUp(t, await userHost(settings));
      const script = "id -u; id -g; touch /data/x; stat -c %u:%g /data/x";
      if (!(await made(host, "app:1", "box", "--", script))) return;
      const ended = await run();
      if (ended !== undefined) assert.equal(assertDone(ended), "1000\n1001\n1000:1001\n");
      assertDone(await bundle(host, "--delete", "box"));
      await assertNothingLeft(host);
    },
  );
});
