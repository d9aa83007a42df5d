import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtempDisposable,
  realpath,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { newDirectory, runHere } from "../src/cli/cli-fixture.ts";
import { PROGRAM } from "./fixtures/program.ts";
import { makeImage, startRegistry, type FakeRegistry } from "./fixtures/registry/index.ts";
import { tar } from "./fixtures/tar/index.ts";
import { mayMount, run } from "./real/index.ts";

const NOBODY = 65_534;
const root = resolve(import.meta.dirname, "..");

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** All that siflet loads of node_modules. */
const RUNTIME_PACKAGES = [
  "commander",
  "eslint-visitor-keys",
  "libdeflate",
  "log-update",
  "tldts",
  "tldts-core",
  "toml-eslint-parser",
  "yaml",
];

/** A user without rights, with a copy of siflet that it may read. */
interface OtherUser {
  readonly home: string;
  readonly siflet: (...args: readonly string[]) => Promise<Outcome>;
}

async function otherUser(t: TestContext, gid = NOBODY): Promise<OtherUser> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-other-"));
  t.after(() => directory.remove());
  const { path } = directory;
  await chmod(path, 0o755);
  await cp(dirname(PROGRAM), join(path, "code"), { recursive: true });
  await copyFile(join(root, "package.json"), join(path, "package.json"));
  for (const name of RUNTIME_PACKAGES) {
    await cp(join(root, "node_modules", name), join(path, "node_modules", name), {
      recursive: true,
      dereference: true,
    });
  }
  await copyFile(process.execPath, join(path, "node"));
  await run("chmod", ["-R", "go+rX", path]);
  const home = join(path, "home");
  await mkdir(home);
  await run("chown", [`${NOBODY}:${gid}`, home]);
  return {
    home,
    siflet: (...args) =>
      new Promise((done) => {
        const options = { cwd: "/", uid: NOBODY, gid, env: { HOME: home, PATH: "/usr/bin:/bin" } };
        const command = [join(path, "code", basename(PROGRAM)), ...args];
        execFile(join(path, "node"), command, options, (error, stdout, stderr) => {
          const exitCode = error === null ? 0 : Number(error.code);
          done({ exitCode, stdout, stderr });
        });
      }),
  };
}

/** A registry with one image. */
async function registryWithApp(t: TestContext): Promise<FakeRegistry> {
  const registry = await startRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  const layers = [tar([{ path: "etc/" }, { path: "etc/motd", data: "hello\n" }])];
  registry.putImage("app", makeImage({ layers, config: { Cmd: ["x"] } }), "1");
  return registry;
}

/** A store that root made, with one image, in a directory that everybody may enter. */
async function siteStore(t: TestContext, host: string, ...how: readonly string[]): Promise<string> {
  const directory = await newDirectory(t);
  await chmod(directory, 0o755);
  const store = join(directory, "site");
  const made = await runHere(["--store", store, "store", "init", ...how], { directory });
  assert.equal(made.exitCode, 0, made.stderr.join("\n"));
  const pulled = await runHere(["--store", store, "pull", `${host}/app:1`], { directory });
  assert.equal(pulled.exitCode, 0, pulled.stderr.join("\n"));
  return store;
}

/** Asserts that every command that only reads works for `user` on `store`. */
async function assertReadable(user: OtherUser, store: string, name: string): Promise<void> {
  const out = join(user.home, "out.sif");
  const commands: readonly (readonly [RegExp, ...string[]])[] = [
    [/app:1/, "images"],
    [/"id"/, "images", "--json"],
    [/content key/, "inspect", name],
    [/images\/[0-9a-f]{64}\.sif/, "path", name],
    [/^etc$/m, "ls", name],
    [/^hello$/m, "cat", name, "/etc/motd"],
    [/out\.sif/, "export", "--force", name, out],
    [/journal: rollback/, "df"],
    [/0 faults left/, "fsck", "--deep"],
  ];
  for (const [expected, ...args] of commands) {
    const { exitCode, stdout, stderr } = await user.siflet("--store", store, ...args);
    assert.equal(exitCode, 0, `${args.join(" ")}: ${stderr}`);
    assert.match(stdout, expected);
  }
  assert.ok((await stat(out)).size > 0);
  for (const args of [
    ["rm", name],
    ["untag", name],
    ["borrow", name, "--by", "me"],
    ["pin", name],
  ]) {
    const { exitCode, stderr } = await user.siflet("--store", store, ...args);
    assert.equal(exitCode, 10, args.join(" "));
    assert.match(stderr, /^siflet: store .*: expected /);
  }
}

test("everybody reads a shared store with every command that reads, and changes nothing", async (t) => {
  if (!(await mayMount(t))) return;
  const registry = await registryWithApp(t);
  const store = await siteStore(t, registry.host, "--shared");
  const name = `${registry.host}/app:1`;
  const user = await otherUser(t);
  await assertReadable(user, store, name);

  await t.test("also where it is mounted read-only", async (inner) => {
    await run("mount", ["--bind", store, store]);
    inner.after(async () => {
      await run("umount", [store]);
    });
    await run("mount", ["-o", "remount,bind,ro", store]);
    await assertReadable(user, store, name);
  });

  await t.test("and a pull takes from it what it would fetch", async () => {
    const config = join(user.home, "config.yaml");
    await writeFile(config, `stores: [${store}, /nowhere/at/all]\n`);
    const before = registry.paths("GET").length;
    const result = await user.siflet("--config", config, "pull", "--json", name);
    assert.equal(result.exitCode, 0, result.stderr);
    assert.deepEqual(registry.paths("GET").slice(before), []);
    const own = await user.siflet("--config", config, "path", name);
    assert.match(own.stdout, /home\/\.local\/share\/siflet\/images\//);
    assert.equal((await user.siflet("--config", config, "fsck", "--deep")).exitCode, 0);
  });
});

test("a store for a group is read by the group and by nobody else", async (t) => {
  if (!(await mayMount(t))) return;
  const registry = await registryWithApp(t);
  const store = await siteStore(t, registry.host, "--shared", "--group", "12345");
  const name = `${registry.host}/app:1`;
  await assertReadable(await otherUser(t, 12_345), store, name);
  const { exitCode, stdout } = await (await otherUser(t)).siflet("--store", store, "images");
  assert.equal(exitCode, 10);
  assert.equal(stdout, "");
});

test("a store as the first pull makes it is nobody else's", async (t) => {
  if (!(await mayMount(t))) return;
  const registry = await registryWithApp(t);
  const store = await siteStore(t, registry.host);
  const { exitCode } = await (await otherUser(t)).siflet("--store", store, "images");
  assert.equal(exitCode, 10);
});

test("store init makes no store twice, and knows its groups", async (t) => {
  const directory = await newDirectory(t);
  const init = async (...how: readonly string[]) =>
    await runHere(["store", "init", ...how], { directory });
  assert.equal((await init("--group", "root")).exitCode, 2);
  assert.equal((await init("--shared", "--group", "no such group")).exitCode, 2);
  assert.equal((await init()).exitCode, 0);
  assert.match((await init()).stderr.join(), /there is one already/);
});

test("directories made above a shared store can be passed whatever the umask", async (t) => {
  const directory = await newDirectory(t);
  await chmod(directory, 0o755);
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const init = async (top: string, ...how: readonly string[]): Promise<readonly string[]> => {
    const store = join(directory, top, "b/site");
    const made = await runHere(["--store", store, "store", "init", ...how], { directory });
    assert.equal(made.exitCode, 0, made.stderr.join("\n"));
    assert.deepEqual(made.stderr, []);
    const modes = [];
    for (const path of [top, join(top, "b"), join(top, "b/site")]) {
      const { mode, gid } = await stat(join(directory, path));
      modes.push(`${(mode & 0o777).toString(8)} ${gid === process.getgid?.() ? "own" : gid}`);
    }
    return modes;
  };
  assert.deepEqual(await init("all", "--shared"), ["711 own", "711 own", "755 own"]);
  assert.deepEqual(await init("own"), ["700 own", "700 own", "700 own"]);
  const gid = process.getgid?.() === 0 ? NOBODY : (process.getgid?.() ?? 0);
  const shown = gid === NOBODY ? gid : "own";
  assert.deepEqual(
    await init("group", "--shared", "--group", String(gid)),
    ["710", "710", "750"].map((mode) => `${mode} ${shown}`),
  );
  process.umask(0o022);
  assert.deepEqual(await init("usual", "--shared"), ["755 own", "755 own", "755 own"]);
});

test("a directory above a shared store that others cannot pass is told by its path", async (t) => {
  const directory = await newDirectory(t);
  await chmod(directory, 0o755);
  const closed = join(directory, "closed");
  await mkdir(closed, { mode: 0o700 });
  await symlink(closed, join(directory, "link"));
  const init = async (...args: readonly string[]): Promise<readonly string[]> => {
    const made = await runHere(args, { directory });
    assert.equal(made.exitCode, 0, made.stderr.join("\n"));
    return made.stderr;
  };
  const [warning, ...others] = await init(
    "--store",
    join(directory, "link/site"),
    "store",
    "init",
    "--shared",
  );
  assert.match(warning ?? "", /has mode 0700: not all who are to read the store can pass it$/);
  assert.ok(warning?.includes(`${await realpath(closed)} `));
  assert.deepEqual(others, []);
  assert.deepEqual(await init("--store", join(closed, "private"), "store", "init"), []);
});
