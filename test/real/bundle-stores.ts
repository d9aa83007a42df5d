import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { TestContext } from "node:test";
import { hostPlatform, type Layout } from "../../src/image/index.ts";
import { layoutFiles, writeFiles } from "../fixtures/archive/index.ts";
import { makeImage } from "../fixtures/registry/index.ts";
import { tar, type TarItem } from "../fixtures/tar/index.ts";
import { mayRunContainers, ownHost, runBundle, type Ended, type ProgramHost } from "./index.ts";

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

export const LAYOUTS: readonly Layout[] = ["runtime", "plain"];

export interface BundleSetup {
  readonly host: ProgramHost;
  /** Whether this machine runs containers at all, whoever makes their bundles. */
  readonly mayRun: boolean;
  /** Runs the container of `box`; undefined where this machine runs none. */
  readonly run: () => Promise<Ended | undefined>;
}

/** A store of each layout with the image, to be copied: pulled once. */
export class BundleStores implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<BundleStores> {
    const path = await mkdtemp(join(tmpdir(), "siflet-stores-"));
    const busybox = await readFile("/bin/busybox");
    const layer = tar([...files, { path: "bin/busybox", data: busybox, mode: 0o755 }]);
    const image = makeImage({
      layers: [layer],
      config: CONFIG,
      platform: hostPlatform(process.arch),
    });
    await writeFiles(join(path, "app"), layoutFiles([{ image, refName: "1" }]));
    await using host = await ownHost();
    for (const layout of LAYOUTS) {
      const store = ["--store", join(path, layout)];
      const from = `oci:${join(path, "app")}`;
      const words = [...store, "pull", "--layout", layout, "--name", "app:1", from];
      assertDone(await host.run("siflet", ...words));
    }
    return new BundleStores(path);
  }

  /** Gives the host a store, and ends it with the test. */
  async setUp(t: TestContext, host: ProgramHost, layout: Layout = "runtime"): Promise<BundleSetup> {
    t.after(() => host[Symbol.asyncDispose]());
    await host.take(join(this.path, layout), "store");
    const mayRun = await mayRunContainers(host);
    return { host, mayRun, run: async () => (mayRun ? await runBundle(host, "box") : undefined) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

export function assertDone({ status, stdout, stderr }: Ended): string {
  assert.equal(status, 0, stderr);
  return stdout;
}

export function assertRefused({ status, stderr }: Ended, exitCode: number, message: RegExp): void {
  assert.match(stderr, message);
  assert.equal(status, exitCode);
}

export async function bundle(host: ProgramHost, ...args: readonly string[]): Promise<Ended> {
  return await host.run("siflet", "bundle", ...args);
}

/** What is mounted below the host's directory, as his processes see it. */
export async function mountsOf(host: ProgramHost): Promise<string[]> {
  const table = assertDone(await host.run("cat", "/proc/self/mountinfo"));
  const points = table.split("\n").map((line) => line.split(" ")[4] ?? "");
  const own = [`${host.directory}/clone`, `${host.directory}/fuse`];
  return points.filter((path) => path.startsWith(`${host.directory}/`) && !own.includes(path));
}

/** Asserts that a bundle that was deleted, or never came to be, has left nothing. */
export async function assertNothingLeft(host: ProgramHost): Promise<void> {
  assert.deepEqual(await mountsOf(host), []);
  const names = await readdir(host.directory);
  assert.ok(!names.includes("box"), names.join(" "));
  const images = assertDone(await host.run("siflet", "images", "--json"));
  assert.doesNotMatch(images, /bundle/);
}

/** Runs the example of docs/bundle.md. */
export async function runExample(host: ProgramHost, script: string): Promise<Ended> {
  const example = join(host.clone, "docs/bundle-example.sh");
  const siflet = `SIFLET=${join(host.clone, "siflet")}`;
  return await host.run("env", siflet, "sh", example, "app:1", script);
}
