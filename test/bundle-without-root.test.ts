import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  hasMountRight,
  mayOpenFuse,
  userHost,
  type ProgramHost,
  type UserSettings,
} from "./real/index.ts";
import {
  assertDone,
  assertNothingLeft,
  assertRefused,
  bundle,
  BundleStores,
  LAYOUTS,
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

const mayHaveMounts = await hasMountRight();

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
    const { host, run } = await stores.setUp(t, await userHost());
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
    const { host } = await stores.setUp(t, await userHost());
    const ended = await bundle(host, "app:1", "box");
    const hasNamespaces = (await host.run("unshare", "--user", "true")).status === 0;
    if (!hasNamespaces) assertRefused(ended, 2, /no bundle without root/);
    else if (!(await mayOpenFuse(host))) assertRefused(ended, 14, /cannot be mounted/);
    else assertRefused(ended, 2, /\(1000:1001\).*--user 0:0.*\/etc\/subuid.*user_allow_other/);
    await assertNothingLeft(host);
  });

  test("is never mounted by the kernel", async (t) => {
    const { host } = await stores.setUp(t, await userHost());
    const ended = await bundle(host, "--user", "0:0", "--mount", "kernel", "app:1", "box");
    const hasNamespaces = (await host.run("unshare", "--user", "true")).status === 0;
    if (hasNamespaces) assertRefused(ended, 14, /kernel: only root/);
    else assertRefused(ended, 2, /no bundle without root/);
    await assertNothingLeft(host);
  });

  for (const layout of LAYOUTS) {
    test(`can be written by fuse-overlayfs, of a ${layout} image`, async (t) => {
      const { host, run } = await stores.setUp(t, await userHost(), layout);
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
    const { host, run } = await stores.setUp(t, await userHost());
    const words = ["--network", "host", "--user", "0:0", "app:1", "box", "--", "ls /sys/class/net"];
    if (!(await made(host, ...words))) return;
    const ended = await run();
    if (ended === undefined) return;
    const names = await readdir("/sys/class/net");
    assert.equal(assertDone(ended), `${names.sort().join("\n")}\n`);
  });

  test("runs as docs/bundle.md says", async (t) => {
    const { host, mayRun } = await stores.setUp(t, await userHost());
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
      const { host, run } = await stores.setUp(t, await userHost(settings));
      const script = "id -u; id -g; touch /data/x; stat -c %u:%g /data/x";
      if (!(await made(host, "app:1", "box", "--", script))) return;
      const ended = await run();
      if (ended !== undefined) assert.equal(assertDone(ended), "1000\n1001\n1000:1001\n");
      assertDone(await bundle(host, "--delete", "box"));
      await assertNothingLeft(host);
    },
  );
});
