import assert from "node:assert/strict";
import {
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test, type TestContext } from "node:test";
import { convertLayers, type Converted } from "../../test/fixtures/convert-layers.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { DEFAULT_LIMITS } from "../base/index.ts";
import type { OciConfig } from "../image/index.ts";
import { deleteBundle } from "./delete-bundle.ts";
import { dismantle } from "./dismantle.ts";
import { DONE, fakeMachine, ROOT_FILES, type FakeMachine } from "./machine-fixture.ts";
import type { ProgramEnd } from "./machine.ts";
import { makeBundle, type Lender } from "./make-bundle.ts";
import type { BundleWish } from "./plan-bundle.ts";
import { rightsOf } from "./rights.ts";

// What is mounted is a table in memory here; test/bundle.test.ts and its like mount and run containers.

const UID = process.geteuid?.() ?? 0;
const never = new AbortController().signal;
const ID = "ab".repeat(32);
const WISH: BundleWish = {
  isWritable: false,
  network: "none",
  binds: [],
  env: [],
  tty: false,
  architecture: "amd64",
};
const CONFIG: OciConfig = { Cmd: ["/bin/true"], User: "app", WorkingDir: "/srv" };

let runtime: Converted;
let plain: Converted;
const release: (() => Promise<void>)[] = [];

before(async () => {
  const layer = tar([
    { path: "srv/" },
    { path: "etc/passwd", data: "app:x:1000:1000::/srv:/bin/sh\n" },
    { path: "etc/group", data: "app:x:1000:\nmore:x:2000:app\n" },
  ]);
  const cleanup = { after: (each: () => Promise<void>) => release.push(each) };
  runtime = await convertLayers(cleanup, [{ tar: layer }]);
  plain = await convertLayers(cleanup, [{ tar: layer }], { layout: "plain" });
});

after(async () => {
  for (const each of release) await each();
});

const ALL_PROGRAMS = ["mount", "umount", "squashfuse", "fusermount3", "fuse-overlayfs"];

/** A lender that keeps count. */
function fakeLender(): Lender & { readonly log: string[] } {
  const log: string[] = [];
  const note = (what: string) => (image: string, who: string) => {
    log.push(`${what} ${image.slice(0, 4)} ${who.replace(/^bundle .*:\//, "bundle HOST:/")}`);
    return Promise.resolve();
  };
  return { store: "/store", log, borrow: note("borrow"), giveBack: note("return") };
}

type Programs = (name: string, args: readonly string[]) => ProgramEnd | undefined;

interface FakeMounts {
  readonly machine: ReturnType<typeof fakeMachine>;
  /** Paths of what is mounted now. */
  mounted: readonly string[];
}

/** A machine whose programs mount and unmount in its own table, unless `instead` answers for them. */
function mountingMachine(fake: FakeMachine = {}, instead?: Programs): FakeMounts {
  const files: Record<string, string> = { ...ROOT_FILES, ...fake.files };
  const state: FakeMounts = {
    mounted: [],
    machine: fakeMachine({
      userId: UID,
      programs: ["mount", "umount", "squashfuse", "fusermount3"],
      ...fake,
      files,
      run: (program, args, directory) => {
        const name = program.slice("/bin/".length);
        const last = args.at(-1) ?? "";
        const answer = instead?.(name, args);
        if (answer !== undefined) return answer;
        const isUnmount = name === "umount" || name === "fusermount3";
        state.mounted = isUnmount
          ? state.mounted.filter((path) => path !== last)
          : [...state.mounted, join(directory, last)];
        const lines = state.mounted.map((path, at) => `${at} 1 0:${at} / ${path} ro - x x ro`);
        files["/proc/self/mountinfo"] = lines.join("\n");
        return DONE;
      },
    }),
  };
  return state;
}

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-bundle-"));
  t.after(() => directory.remove());
  return directory.path;
}

interface Making {
  readonly image?: Converted;
  readonly config?: OciConfig;
  readonly wish?: Partial<BundleWish>;
  readonly architecture?: string;
  readonly signal?: AbortSignal;
}

async function make(
  directory: string,
  mounts: FakeMounts,
  lender: Lender,
  { image = runtime, config = CONFIG, wish, architecture = "amd64", signal = never }: Making = {},
): ReturnType<typeof makeBundle> {
  const platform = { os: "linux", architecture };
  return await makeBundle(
    {
      image: { id: ID, path: image.path, platform, config },
      directory,
      wish: { ...WISH, ...wish },
      limits: DEFAULT_LIMITS,
    },
    lender,
    mounts.machine,
    signal,
  );
}

/** Who runs the test owns what it makes, and so is whose rights are told by the machine. */
const isRoot = UID === 0;

test("a bundle holds its configuration, its marker and its root, and borrows its image", async (t) => {
  const directory = join(await newDirectory(t), "b");
  const mounts = mountingMachine();
  const lender = fakeLender();
  const user = isRoot ? {} : { user: "0:0" };
  const made = await make(directory, mounts, lender, { wish: user });
  assert.deepEqual(mounts.mounted, [join(directory, "rootfs")]);
  assert.deepEqual(lender.log, [`borrow abab bundle HOST:${directory}`]);
  const names = await readdir(directory);
  assert.deepEqual(names.sort(), ["config.json", "rootfs", "siflet-bundle.json"]);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  const written: unknown = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
  assert.deepEqual(written, JSON.parse(JSON.stringify(made.config)));
  assert.deepEqual(made.config.root, { path: "rootfs", readonly: true });
  assert.equal(made.config.hostname, "abababababab");
  assert.equal(made.config.process.cwd, "/srv");
  if (isRoot) {
    assert.deepEqual(made.config.process.user, { uid: 1000, gid: 1000, additionalGids: [2000] });
  }
});

test("an image without places for the system's mounts gets a layer over it", async (t) => {
  const directory = join(await newDirectory(t), "b");
  const mounts = mountingMachine({ programs: ALL_PROGRAMS });
  const making = { image: plain, wish: { user: "0:0" } };
  const made = await make(directory, mounts, fakeLender(), making);
  assert.deepEqual(mounts.mounted, [join(directory, "image"), join(directory, "rootfs")]);
  assert.equal(made.overlay, isRoot ? "kernel" : "fuse-overlayfs");
  assert.equal(made.config.root.readonly, true);
  assert.equal((await stat(join(directory, "overlay/upper"))).mode & 0o777, 0o755);
});

test("a bundle is deleted with its layer, whether it is still mounted or not, and twice", async (t) => {
  const parent = await newDirectory(t);
  const directory = join(parent, "b");
  const lender = fakeLender();
  for (const isRebooted of [false, true]) {
    const mounts = mountingMachine({ programs: ALL_PROGRAMS });
    const wish = { isWritable: true, user: "0:0" };
    await make(directory, mounts, lender, { wish });
    await writeFile(join(directory, "overlay/upper/new"), "x");
    const machine = isRebooted ? mountingMachine().machine : mounts.machine;
    const returned: string[] = [];
    const giveBack = ({ image, store }: { image: string; store: string }): Promise<void> => {
      returned.push(`${image.slice(0, 4)} ${store}`);
      return Promise.resolve();
    };
    const first = await deleteBundle(directory, giveBack, machine, never);
    assert.deepEqual(first, { kind: "deleted", directory, image: ID });
    assert.deepEqual(await readdir(parent), []);
    assert.equal((await deleteBundle(directory, giveBack, machine, never)).kind, "absent");
    assert.deepEqual(returned, ["abab /store"]);
    if (!isRebooted) assert.deepEqual(mounts.mounted, []);
  }
});

test("a deletion that failed is taken up again", async (t) => {
  const directory = join(await newDirectory(t), "b");
  const mounts = mountingMachine();
  await make(directory, mounts, fakeLender(), { wish: { user: "0:0" } });
  const failing = deleteBundle(
    directory,
    () => Promise.reject(new Error("no store")),
    mounts.machine,
    never,
  );
  await assert.rejects(failing, /no store/);
  assert.deepEqual(await readdir(directory), ["siflet-bundle.json"]);
  const done = await deleteBundle(directory, () => Promise.resolve(), mounts.machine, never);
  assert.equal(done.kind, "deleted");
});

test("another directory that takes the place of a bundle is not taken apart", async (t) => {
  const parent = await newDirectory(t);
  const directory = join(parent, "b");
  await mkdir(join(directory, "overlay/kept"), { recursive: true });
  const { machine } = mountingMachine();
  const known = { directory, inode: "1" };
  const taken = dismantle(known, machine, await rightsOf(machine), () => Promise.resolve());
  await assert.rejects(taken, { code: "BUNDLE_NOT_OURS" });
  await symlink("b", join(parent, "link"));
  const { ino } = await stat(directory, { bigint: true });
  const linked = { directory: join(parent, "link"), inode: ino.toString() };
  const rights = await rightsOf(machine);
  await assert.rejects(
    dismantle(linked, machine, rights, () => Promise.resolve()),
    /ENOTDIR|ELOOP/,
  );
  assert.deepEqual(await readdir(join(directory, "overlay")), ["kept"]);
});

test("a copy of a bundle is deleted without giving back what the other one borrows", async (t) => {
  const parent = await newDirectory(t);
  const mounts = mountingMachine();
  await make(join(parent, "a"), mounts, fakeLender(), { wish: { user: "0:0" } });
  await mkdir(join(parent, "copy"));
  const marker = await readFile(join(parent, "a/siflet-bundle.json"));
  await writeFile(join(parent, "copy/siflet-bundle.json"), marker);
  const refuse = (): Promise<void> => Promise.reject(new Error("given back"));
  await deleteBundle(join(parent, "copy"), refuse, mounts.machine, never);
  assert.deepEqual(await readdir(parent), ["a"]);
});

const BUSY: ProgramEnd = { isDone: false, reason: "refused" };

const failures: readonly {
  readonly name: string;
  readonly instead?: Programs;
  readonly making?: Making;
  readonly code: string;
}[] = [
  { name: "nothing mounts the image", instead: () => BUSY, code: "BUNDLE_MOUNT" },
  {
    name: "nothing mounts the layer",
    instead: (name, args) =>
      args.includes("overlay") || name === "fuse-overlayfs" ? BUSY : undefined,
    making: { wish: { isWritable: true, user: "0:0" } },
    code: "BUNDLE_OVERLAY",
  },
  { name: "the image has no such user", making: { wish: { user: "nobody" } }, code: "BUNDLE_USER" },
  {
    name: "there is nothing to start",
    making: { config: {}, wish: { entrypoint: "", user: "0:0" } },
    code: "BUNDLE_COMMAND",
  },
  {
    name: "the image is for another machine",
    making: { architecture: "s390x" },
    code: "BUNDLE_ARCHITECTURE",
  },
  {
    name: "what is bound is not there",
    making: { wish: { binds: [{ source: "/absent", destination: "/x", isReadOnly: true }] } },
    code: "BUNDLE_BIND",
  },
];

for (const { name, instead, making, code } of failures) {
  test(`where ${name} there is no bundle, no mount and no borrow`, async (t) => {
    const parent = await newDirectory(t);
    const mounts = mountingMachine({ programs: ALL_PROGRAMS }, instead);
    const lender = fakeLender();
    const wish = { user: "0:0", ...making?.wish };
    await assert.rejects(make(join(parent, "b"), mounts, lender, { ...making, wish }), { code });
    assert.deepEqual(await readdir(parent), []);
    assert.deepEqual(mounts.mounted, []);
    assert.equal(
      lender.log.filter((line) => line.startsWith("borrow")).length,
      lender.log.length / 2,
    );
  });
}

test("an image that is gone by now leaves no bundle", async (t) => {
  const parent = await newDirectory(t);
  const mounts = mountingMachine();
  const lender = { ...fakeLender(), borrow: () => Promise.reject(new Error("no such image")) };
  const making = make(join(parent, "b"), mounts, lender, { wish: { user: "0:0" } });
  await assert.rejects(making, /no such image/);
  assert.deepEqual(await readdir(parent), []);
  assert.deepEqual(mounts.machine.ran, []);
});

test("an abort while the image is being mounted leaves no bundle", async (t) => {
  const parent = await newDirectory(t);
  const controller = new AbortController();
  const mounts = mountingMachine({}, (name) => {
    if (name !== "umount" && name !== "fusermount3") controller.abort(new Error("enough"));
    return undefined;
  });
  const lender = fakeLender();
  const { signal } = controller;
  const making = make(join(parent, "b"), mounts, lender, { signal, wish: { user: "0:0" } });
  await assert.rejects(making, /enough/);
  assert.deepEqual(await readdir(parent), []);
  assert.deepEqual(mounts.mounted, []);
  assert.deepEqual(
    lender.log.map((line) => line.split(" ")[0]),
    ["borrow", "return"],
  );
});

test("what cannot be unmounted again keeps its marker and its borrow, to be deleted later", async (t) => {
  const directory = join(await newDirectory(t), "b");
  const mounts = mountingMachine({ programs: ALL_PROGRAMS }, (name, args) => {
    const isUnmount = name === "umount" || name === "fusermount3";
    return isUnmount || args.includes("overlay") || name === "fuse-overlayfs" ? BUSY : undefined;
  });
  const lender = fakeLender();
  const making = make(directory, mounts, lender, { wish: { isWritable: true, user: "0:0" } });
  await assert.rejects(making, (error) => {
    assert.ok(error instanceof SuppressedError);
    assert.match(String(error.suppressed), /a layer over .* cannot be mounted/);
    return true;
  });
  assert.equal(lender.log.length, 1);
  assert.ok((await readdir(directory)).includes("siflet-bundle.json"));
});

test("a directory that is there stays as it is", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "file"), "kept");
  const mounts = mountingMachine();
  const lender = fakeLender();
  const making = make(directory, mounts, lender, { wish: { user: "0:0" } });
  await assert.rejects(making, { code: "BUNDLE_EXISTS" });
  assert.deepEqual(await readdir(directory), ["file"]);
  assert.deepEqual(lender.log, []);
});
