import assert from "node:assert/strict";
import {
  chmod,
  copyFile,
  link,
  mkdir,
  readdir,
  rename,
  rm,
  symlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { hashFile } from "../../src/base/index.ts";
import { storeNamesOf } from "../../src/image/index.ts";
import { copyLocalName, freshImage, pullToStore, type LocalFiles } from "../../src/pull/index.ts";
import { infoOf, type Store, type StoredImage } from "../../src/store/index.ts";
import { convertLayers } from "../fixtures/convert-layers.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import { tar } from "../fixtures/tar/index.ts";

const ANY: LocalFiles = { aliases: {} };

interface Setup {
  readonly directory: string;
  readonly store: Store;
  /** Ids of the two SIF files `one.sif` and `two.sif` in `directory`. */
  readonly one: string;
  readonly two: string;
  readonly pull: (path: string, files?: LocalFiles) => Promise<StoredImage>;
  readonly fresh: (text: string, files?: LocalFiles) => Promise<StoredImage>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const { directory, context, options, store: open } = await setUpPull(t);
  const make = async (name: string): Promise<string> => {
    const config = { User: "1000", Cmd: [name] };
    const layers = [{ tar: tar([{ path: "f", data: name }]) }];
    const { path, id } = await convertLayers(t, layers, { config });
    await copyFile(path, join(directory, `${name}.sif`));
    return id;
  };
  const store = await open();
  return {
    directory,
    store,
    one: await make("one"),
    two: await make("two"),
    pull: async (path, localFiles = ANY) =>
      await pullToStore(store, `local.file${path}`, { ...context, localFiles }, options(), never),
    fresh: async (text, files = ANY) => {
      const image = await store.find(text, storeNamesOf(text));
      return await freshImage(store, text, image, { localFiles: files, now: () => 0 }, never);
    },
  };
}

test("what is copied out of a file that changes all the time is what it is said to be", async (t) => {
  const { directory, one, two } = await setUp(t);
  const path = join(directory, "moving.sif");
  let stops = false;
  const move = async (): Promise<void> => {
    for (let count = 0; !stops; count += 1) {
      await copyFile(join(directory, count % 2 === 0 ? "one.sif" : "two.sif"), `${path}.new`);
      await rename(`${path}.new`, path);
    }
  };
  await copyFile(join(directory, "one.sif"), path);
  const moving = move();
  const to = join(directory, "out.sif");
  const output = { force: true, now: 0 };
  for (let count = 0; count < 50; count += 1) {
    const copy = await copyLocalName(
      `local.file${path}`,
      { localFiles: ANY, now: () => 0 },
      to,
      output,
      never,
    );
    assert.equal(copy.id, await hashFile(to, never));
    assert.match(copy.ociConfigJson ?? "", copy.id === one ? /"one"/ : /"two"/);
    assert.ok(copy.id === one || copy.id === two);
  }
  stops = true;
  await moving;
});

test("a local file is described where it lies, with its configuration, and never copied", async (t) => {
  const { directory, store, one, pull } = await setUp(t);
  const path = join(directory, "one.sif");
  const image = await pull(`${path}:latest`);
  assert.deepEqual(await readdir(join(store.directory, "images")), []);
  const info = infoOf(image);
  assert.equal(info.id, one);
  assert.equal(info.path, path);
  assert.equal(info.origin, "local");
  assert.equal(info.ref.toString(), `local.file${path}`);
  assert.deepEqual(info.ociConfig, { User: "1000", Cmd: ["one"] });
  assert.deepEqual(image.platform, { os: "linux", architecture: "amd64" });
});

test("removing it forgets it, and its file stays", async (t) => {
  const { directory, store, pull } = await setUp(t);
  const { id } = await pull(join(directory, "one.sif"));
  await store.remove(id, never);
  assert.deepEqual(await store.list(), []);
  assert.ok((await readdir(directory)).includes("one.sif"));
});

test("a file that changed is hashed again when it is used by its name, and gone by its old id", async (t) => {
  const { directory, store, one, two, pull, fresh } = await setUp(t);
  const path = join(directory, "one.sif");
  await pull(path);
  await rename(join(directory, "two.sif"), path);
  await assert.rejects(fresh(one), { code: "NOT_FOUND" });
  const image = await fresh(`local.file${path}`);
  assert.equal(image.id, two);
  assert.deepEqual(image.names.tags, [`local.file${path}`]);
  // What nothing is any more is forgotten.
  assert.deepEqual(
    (await store.list()).map(({ id }) => id),
    [two],
  );
});

test("a touched file of the same bytes keeps its id", async (t) => {
  const { directory, one, pull, fresh } = await setUp(t);
  const path = join(directory, "one.sif");
  await pull(path);
  await utimes(path, 1, 1);
  assert.equal((await fresh(`local.file${path}`)).id, one);
  assert.equal((await fresh(one)).path, path);
});

test("a borrowed one whose file changed stays known to its borrower", async (t) => {
  const { directory, store, one, two, pull, fresh } = await setUp(t);
  const path = join(directory, "one.sif");
  await pull(path);
  await store.borrow(one, [], "job");
  await rename(join(directory, "two.sif"), path);
  assert.equal((await fresh(`local.file${path}`)).id, two);
  assert.deepEqual(await store.usedBy(one), ["job"]);
});

test("two files of the same bytes are one image, which lives as long as one of them", async (t) => {
  const { directory, one, pull, fresh } = await setUp(t);
  const [first, second] = [join(directory, "one.sif"), join(directory, "same.sif")];
  await link(first, second);
  await pull(first);
  const image = await pull(second);
  assert.equal(image.id, one);
  assert.deepEqual(image.names.tags, [`local.file${first}`, `local.file${second}`]);
  await rm(first);
  assert.equal((await fresh(one)).path, second);
  await assert.rejects(fresh(`local.file${first}`), { code: "NOT_FOUND" });
});

test("of two files of the same bytes each name means its own, also when the other one changes", async (t) => {
  const { directory, one, pull, fresh } = await setUp(t);
  const [first, second] = [join(directory, "a.sif"), join(directory, "b.sif")];
  for (const path of [first, second]) await copyFile(join(directory, "one.sif"), path);
  assert.equal((await pull(first)).path, first);
  assert.equal((await pull(second)).path, second);
  await copyFile(join(directory, "two.sif"), first);
  const image = await fresh(`local.file${second}`);
  assert.equal(image.id, one);
  assert.equal(image.path, second);
});

test("the root of the file system is a directory like any other", async (t) => {
  const { directory, one, pull } = await setUp(t);
  await chmod(join(directory, "one.sif"), 0o644);
  await chmod(directory, 0o755);
  const files = { directories: ["/"], aliases: {} };
  assert.equal((await pull(join(directory, "one.sif"), files)).id, one);
});

test("a file recorded before it was forbidden is not given out any more", async (t) => {
  const { directory, one, pull, fresh } = await setUp(t);
  const path = join(directory, "one.sif");
  await pull(path);
  const files = { directories: ["/nowhere"], aliases: {} };
  await assert.rejects(fresh(`local.file${path}`, files), { code: "LOCAL_FILE_REFUSED" });
  await assert.rejects(fresh(one, files), { code: "LOCAL_FILE_REFUSED" });
});

test("an alias names a path that a reference cannot spell", async (t) => {
  const { directory, one, pull, fresh } = await setUp(t);
  const path = join(directory, "One image: 2.sif");
  await rename(join(directory, "one.sif"), path);
  const files = { aliases: { "site/tools": path } };
  const image = await pull("/site/tools:latest", files);
  assert.equal(image.id, one);
  assert.equal(image.path, path);
  assert.deepEqual(image.names.tags, ["local.file/site/tools"]);
  assert.equal((await fresh("local.file/site/tools", files)).id, one);
  await assert.rejects(pull("/site/tools"), { code: "NOT_FOUND" });
});

test("what an alias names may lie outside the allowed directories, and nothing beside it", async (t) => {
  const { directory, one, pull } = await setUp(t);
  await chmod(directory, 0o755);
  await chmod(join(directory, "one.sif"), 0o644);
  const aliases = { tools: join(directory, "one.sif"), absent: join(directory, "absent.sif") };
  const refused = { code: "LOCAL_FILE_REFUSED" };
  for (const directories of [[], ["/nowhere"]]) {
    const files = { directories, aliases };
    assert.equal((await pull("/tools", files)).id, one);
    await assert.rejects(pull("/absent", files), { code: "NOT_FOUND" });
    await assert.rejects(pull(join(directory, "two.sif"), files), refused);
  }
  await chmod(join(directory, "one.sif"), 0o666);
  await assert.rejects(pull("/tools", { directories: [], aliases }), refused);
});

test("files outside the allowed directories are refused, whatever links lead there", async (t) => {
  const { directory, pull } = await setUp(t);
  const allowed = join(directory, "allowed");
  await mkdir(allowed, { mode: 0o755 });
  await copyFile(join(directory, "two.sif"), join(allowed, "two.sif"));
  await chmod(join(allowed, "two.sif"), 0o644);
  await symlink(join(directory, "one.sif"), join(allowed, "out.sif"));
  await symlink(allowed, join(directory, "way-in"));
  const files = { directories: [allowed, "/nowhere"], aliases: {} };
  const refused = { code: "LOCAL_FILE_REFUSED" };
  await assert.rejects(pull(join(directory, "one.sif"), files), refused);
  await assert.rejects(pull(join(allowed, "out.sif"), files), refused);
  // Whether there is one elsewhere is nobody's business.
  await assert.rejects(pull(`${allowed}-not/two.sif`, files), refused);
  await assert.rejects(pull(join(allowed, "absent.sif"), files), { code: "NOT_FOUND" });
  await pull(join(allowed, "two.sif"), files);
  await pull(join(directory, "way-in/two.sif"), files);
});

test("in allowed directories nothing that others may write is believed", async (t) => {
  const { directory, pull } = await setUp(t);
  const allowed = join(directory, "allowed");
  const inner = join(allowed, "inner");
  await mkdir(inner, { recursive: true, mode: 0o755 });
  const path = join(inner, "two.sif");
  await copyFile(join(directory, "two.sif"), path);
  const files = { directories: [allowed], aliases: {} };
  const refused = { code: "LOCAL_FILE_REFUSED" };
  await chmod(path, 0o664);
  await assert.rejects(pull(path, files), refused);
  await chmod(path, 0o644);
  await chmod(inner, 0o777);
  await assert.rejects(pull(path, files), refused);
  await chmod(inner, 0o755);
  await pull(path, files);
});

test("what is no SIF, no file or not there is refused with a code", async (t) => {
  const { directory, store, pull } = await setUp(t);
  await assert.rejects(pull(join(directory, "none.sif")), { code: "NOT_FOUND" });
  await assert.rejects(pull(join(directory, "one.sif/below")), { code: "NOT_FOUND" });
  await assert.rejects(pull(directory), { code: "LOCAL_FILE_REFUSED" });
  await assert.rejects(pull(import.meta.filename), { code: "SIF_MAGIC" });
  assert.deepEqual(await store.list(), []);
});

test("an image of the store that is a local file too is kept when the file changes", async (t) => {
  const { directory, store, one, pull, fresh } = await setUp(t);
  const path = join(directory, "one.sif");
  const { addFile } = await import("../../src/pull/index.ts");
  const names = { tags: ["docker.io/library/one:1"], digests: [] };
  const how = { names, reference: path, origin: "sif", sideLoaded: true, now: 0 } as const;
  await addFile(store, path, how, never);
  const both = await pull(path);
  assert.equal(both.path, join(store.directory, "images", `${one}.sif`));
  await rename(join(directory, "two.sif"), path);
  assert.notEqual((await fresh(`local.file${path}`)).id, one);
  assert.equal((await fresh("one:1")).id, one);
});
