import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chown, link, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { copyToOutput, pullToFile } from "../../src/pull/index.ts";
import { pull } from "../../src/index.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

const image = makeImage({
  layers: [tar([{ path: "f", data: "content" }])],
  config: { Env: ["A=1"], Labels: {} },
});

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("pull(location, ref)", () => {
  test("leaves <location>/<sha256> and nothing else", async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", image, "1");
    const { directory } = await setUpPull(t);
    const location = join(directory, "not/yet/there");
    const info = await pull(location, `docker://${registry.host}/app:1`);
    assert.deepEqual(await readdir(location), [info.id]);
    const bytes = await readFile(info.path);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), info.id);
    assert.equal(info.size, bytes.length);
    assert.equal(info.path, join(location, info.id));
    assert.deepEqual(info.ociConfig, { Env: ["A=1"] });
    assert.deepEqual(info.ref.tags(), [`${registry.host}/app:1`]);
    assert.equal(info.ref.digests().length, 1);
  });

  test("makes the image that the settings ask for", async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", image, "1");
    const { directory, context, options } = await setUpPull(t);
    const reference = `${registry.host}/app:1`;
    const wish = { compression: "zstd", owners: "root", layout: "plain" } as const;
    const info = await pull(join(directory, "location"), reference, wish);
    const pulled = await pullToFile(
      directory,
      () => join(directory, "app.sif"),
      reference,
      context,
      { ...options(wish), force: false },
      never,
    );
    assert.deepEqual(await readFile(info.path), await readFile(pulled.path));
    assert.deepEqual(pulled.profile, { ...wish, codec: "zstd/1", layout: "plain/1" });
    assert.notEqual((await pull(directory, reference)).id, info.id);
  });

  test("by two at once gives both the one file", async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", image, "1");
    const { directory } = await setUpPull(t);
    const infos = await Promise.all(
      [1, 2].map(async () => await pull(directory, `${registry.host}/app:1`)),
    );
    assert.equal(infos[0]?.id, infos[1]?.id);
    assert.deepEqual(await readdir(directory), [infos[0]?.id]);
  });

  test("stops at the signal and leaves nothing", async (t) => {
    const stop = new AbortController();
    await using registry = await startRegistry({
      beforeBlob: async () => {
        stop.abort();
        await Promise.resolve();
      },
    });
    registry.putImage("app", image, "1");
    const { directory } = await setUpPull(t);
    const pulling = pull(directory, `${registry.host}/app:1`, { signal: stop.signal });
    await assert.rejects(pulling, { name: "AbortError" });
    assert.deepEqual(await readdir(directory), []);
  });

  test("removes what a killed pull left, and not what a living one or a stranger has", async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", image, "1");
    const { directory } = await setUpPull(t);
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).slice(0, 8);
    const namespace = (await stat("/proc/self/ns/pid")).ino;
    const own = `.siflet-${boot}-${namespace}`;
    const start = (await readFile("/proc/self/stat", "utf8")).split(") ")[1]?.split(" ")[19] ?? "";
    const names = {
      killed: `${own}-4194304-77-000000000000`,
      reused: `${own}-${process.pid}-1-000000000000`,
      unseen: `${own}-4194304-0-000000000000`,
      another: `${own}-4194304-78-000000000000`,
      living: `${own}-${process.pid}-${start}-000000000000`,
      elsewhere: `.siflet-ffffffff-1-1-1-000000000000`,
      elsewhereOld: `.siflet-ffffffff-1-2-2-000000000000`,
      stranger: ".siflet-notes",
    };
    for (const name of Object.values(names)) await mkdir(join(directory, name));
    const longAgo = new Date(Date.now() - 25 * 3600 * 1000);
    await utimes(join(directory, names.elsewhereOld), longAgo, longAgo);
    // Of another user, whose processes may be hidden from us; only root can make one.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) await chown(join(directory, names.another), 65_534, 65_534);
    const { id } = await pull(directory, `${registry.host}/app:1`);
    assert.deepEqual(
      (await readdir(directory)).sort(),
      [
        ...[id, names.unseen, names.living, names.elsewhere, names.stranger],
        ...(isRoot ? [names.another] : []),
      ].sort(),
    );
  });

  test("refuses what cannot be pulled, with a code", async (t) => {
    const { directory } = await setUpPull(t);
    await assert.rejects(pull(directory, "docker-daemon:a"), { code: "REFERENCE_TRANSPORT" });
    await assert.rejects(pull(directory, "Not/Valid"), { code: "REFERENCE_INVALID" });
  });
});

describe("output files", () => {
  test("are never overwritten without force", async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", image, "1");
    const { directory, context, options } = await setUpPull(t);
    const out = join(directory, "out.sif");
    await writeFile(out, "mine");
    const run = async (force: boolean): Promise<unknown> =>
      await pullToFile(
        directory,
        () => out,
        `${registry.host}/app:1`,
        context,
        { ...options(), force },
        never,
      );
    await assert.rejects(run(false), { code: "OUTPUT_EXISTS" });
    assert.equal(await readFile(out, "utf8"), "mine");
    await run(true);
    assert.notEqual((await stat(out)).size, 4);
    assert.deepEqual(await readdir(directory), ["out.sif"]);
  });

  test("are programs, less what the umask takes, and share no inode with the store", async (t) => {
    const { directory } = await setUpPull(t);
    const from = join(directory, "from");
    await writeFile(from, "bytes", { mode: 0o600 });
    const to = join(directory, "to");
    const before = process.umask(0o027);
    t.after(() => process.umask(before));
    const id = sha256("bytes");
    const options = { force: false, now: Date.now() };
    await copyToOutput(from, to, id, options, never);
    const { mode, nlink, ino } = await stat(to);
    assert.equal(mode & 0o777, 0o750);
    assert.equal(nlink, 1);
    assert.notEqual(ino, (await stat(from)).ino);
    await assert.rejects(copyToOutput(from, to, id, options, never), {
      code: "OUTPUT_EXISTS",
    });
    const missing = join(directory, "no/such/folder/to");
    await assert.rejects(copyToOutput(from, missing, id, options, never), {
      code: "OUTPUT_FAILED",
    });
    assert.deepEqual((await readdir(directory)).sort(), ["from", "to"]);
  });

  test("are what they shall be, or not there at all", async (t) => {
    const { directory } = await setUpPull(t);
    const from = join(directory, "from");
    const to = join(directory, "to");
    await writeFile(from, "changed");
    const options = { force: false, now: 0 };
    await assert.rejects(copyToOutput(from, to, sha256("bytes"), options, never), {
      code: "CONTENT_DIGEST_MISMATCH",
    });
    assert.deepEqual(await readdir(directory), ["from"]);
  });

  test("leave no traces of a copy that was killed", async (t) => {
    const { directory } = await setUpPull(t);
    const left = join(directory, ".siflet-00000000-1-1-1-0123456789ab");
    await mkdir(left);
    await utimes(left, 1, 1);
    await writeFile(join(directory, "from"), "bytes");
    const options = { force: false, now: Date.now() };
    await copyToOutput(
      join(directory, "from"),
      join(directory, "to"),
      sha256("bytes"),
      options,
      never,
    );
    assert.deepEqual((await readdir(directory)).sort(), ["from", "to"]);
  });

  test("replace a name that is linked elsewhere without touching the other name", async (t) => {
    const { directory } = await setUpPull(t);
    const from = join(directory, "from");
    const to = join(directory, "to");
    await writeFile(from, "new");
    await writeFile(to, "old");
    await link(to, join(directory, "other"));
    await copyToOutput(from, to, sha256("new"), { force: true, now: 0 }, never);
    assert.equal(await readFile(to, "utf8"), "new");
    assert.equal(await readFile(join(directory, "other"), "utf8"), "old");
  });
});
