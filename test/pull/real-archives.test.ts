import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { before, describe, test, type TestContext } from "node:test";
import { createGzip, createZstdCompress } from "node:zlib";
import { pullToStore } from "../../src/pull/index.ts";
import { archivesAt, never, setUpPull } from "../fixtures/pull-setup.ts";
import {
  copyImage,
  pushImage,
  run,
  smallImage,
  startDockerRegistry,
  type LayoutImage,
} from "../real/index.ts";

// What a registry gives, and what skopeo makes of it in every other form, are one image.

const SIFLET = join(import.meta.dirname, "../../siflet");

interface Form {
  readonly name: string;
  /** Makes it in `directory` of the image that skopeo calls `from`; answers what to pull. */
  readonly make: (directory: string, from: string) => Promise<string>;
  /** The names that the archive gives it, as a store records them. */
  readonly tags?: readonly string[];
}

async function copied(to: string, from: string, ...options: readonly string[]): Promise<string> {
  await copyImage(["--src-tls-verify=false", "--src-no-creds", ...options], from, to);
  return to;
}

async function compressed(path: string, how: "gzip" | "zstd"): Promise<string> {
  const to = `${path}.${how}`;
  const compressor = how === "gzip" ? createGzip() : createZstdCompress();
  await pipeline(createReadStream(path), compressor, createWriteStream(to));
  return to;
}

const NAME = "registry.example/team/small:1";

const FORMS: readonly Form[] = [
  { name: "oci:", make: (work, from) => copied(`oci:${work}/layout`, from) },
  {
    name: "oci: by its tag",
    make: (work, from) => copied(`oci:${work}/tagged:some`, from),
  },
  {
    name: "oci: by its digest",
    async make(work, from) {
      const options = ["--src-tls-verify=false", "--src-no-creds"];
      const digest = await copyImage(options, from, `oci:${work}/digest`);
      return `oci:${work}/digest@${digest}`;
    },
  },
  {
    name: "oci: with zstd layers",
    make: (work, from) => copied(`oci:${work}/zstd`, from, "--dest-compress-format", "zstd"),
  },
  {
    name: "oci-archive:",
    make: (work, from) => copied(`oci-archive:${work}/a.tar`, from),
  },
  {
    name: "oci-archive: by a whole name",
    make: (work, from) => copied(`oci-archive:${work}/named.tar:${NAME}`, from),
    tags: [NAME],
  },
  {
    name: "oci-archive: in gzip",
    async make(work, from) {
      await copied(`oci-archive:${work}/z.tar`, from);
      return `oci-archive:${await compressed(`${work}/z.tar`, "gzip")}`;
    },
  },
  {
    name: "docker-archive: without a name",
    make: (work, from) => copied(`docker-archive:${work}/d.tar`, from),
  },
  {
    name: "docker-archive: by its name",
    make: (work, from) => copied(`docker-archive:${work}/n.tar:${NAME}`, from),
    tags: [NAME],
  },
  {
    name: "docker-archive: by its place, of another name",
    async make(work, from) {
      await copied(`docker-archive:${work}/p.tar:small:2`, from);
      return `docker-archive:${work}/p.tar:@0`;
    },
    tags: ["docker.io/library/small:2"],
  },
  {
    name: "docker-archive: in gzip",
    async make(work, from) {
      await copied(`docker-archive:${work}/g.tar:${NAME}`, from);
      return `docker-archive:${await compressed(`${work}/g.tar`, "gzip")}:${NAME}`;
    },
    tags: [NAME],
  },
  {
    name: "docker-archive: in zstd",
    async make(work, from) {
      await copied(`docker-archive:${work}/s.tar:${NAME}`, from);
      return `docker-archive:${await compressed(`${work}/s.tar`, "zstd")}`;
    },
    tags: [NAME],
  },
];

async function workDirectory(t: TestContext): Promise<string> {
  const work = await mkdtempDisposable(join(tmpdir(), "siflet-archives-"));
  t.after(() => work.remove());
  return work.path;
}

describe("an image in every form that skopeo copies it to", () => {
  let image: LayoutImage;

  before(async () => {
    image = await smallImage();
  });

  test("has the id that the registry's has, and the names of the archive", async (t) => {
    const work = await workDirectory(t);
    await using registry = await startDockerRegistry();
    await pushImage(image, `${registry.host}/small:1`);
    const setup = await setUpPull(t);
    const context = { ...setup.context, archives: archivesAt(work) };
    const first = await setup.store("registry");
    const reference = `${registry.host}/small:1`;
    const { id } = await pullToStore(first, reference, context, setup.options(), never);
    for (const [index, { name, make, tags = [] }] of FORMS.entries()) {
      const source = await make(work, `docker://${reference}`);
      // Each converts for itself: nothing is there that it could take.
      const store = await setup.store(`store-${index}`);
      const pulled = await pullToStore(store, source, context, setup.options(), never);
      assert.equal(pulled.id, id, name);
      assert.deepEqual(pulled.names, { tags, digests: [] }, name);
      assert.equal(pulled.sideLoaded, true, name);
    }
  });

  test("comes through a pipe to the command, plain and compressed", async (t) => {
    const work = await workDirectory(t);
    const from = `oci:${image.layout}:${image.tag}`;
    await copied(`docker-archive:${work}/d.tar:${NAME}`, from);
    await copied(`oci-archive:${work}/o.tar:${NAME}`, from);
    const sent = [
      { file: `${work}/d.tar`, ref: "-" },
      { file: `${work}/o.tar`, ref: "-" },
      { file: await compressed(`${work}/d.tar`, "gzip"), ref: `docker-archive:-:${NAME}` },
      { file: await compressed(`${work}/o.tar`, "zstd"), ref: `oci-archive:-:${NAME}` },
    ];
    const ids = new Set<string>();
    for (const [index, { file, ref }] of sent.entries()) {
      const spool = join(work, `spool-${index}`);
      await run("mkdir", [spool]);
      const store = join(work, `store-${index}`);
      const args = ["pull", ref, "--store", store, "--json", "--quiet", "--tmpdir", spool];
      const line = await sendTo([...args, "--arch", "amd64"], file);
      ids.add(line.slice(7, 71));
      assert.match(line, /"tags":\["registry\.example\/team\/small:1"\]/);
      assert.equal(await run("ls", ["-A", spool]), "", "nothing is left");
    }
    assert.equal(ids.size, 1);
  });

  test("is one of several in an archive, and is chosen by any of its names", async (t) => {
    const work = await workDirectory(t);
    const from = `oci:${image.layout}:${image.tag}`;
    const extra = ["--additional-tag", "other/app:9", "--additional-tag", "app:1"];
    await copied(`docker-archive:${work}/many.tar:${NAME}`, from, ...extra);
    const setup = await setUpPull(t);
    const context = { ...setup.context, archives: archivesAt(work) };
    const store = await setup.store();
    const tags = ["docker.io/library/app:1", "docker.io/other/app:9", NAME];
    for (const choice of ["", ":app:1", ":docker.io/other/app:9", `:${NAME}`, ":@0"]) {
      const source = `docker-archive:many.tar${choice}`;
      const pulled = await pullToStore(store, source, context, setup.options(), never);
      assert.deepEqual(pulled.names.tags.toSorted(), tags, source);
    }
  });

  test("is one of several in a layout, which an error lists", async (t) => {
    const work = await workDirectory(t);
    const from = `oci:${image.layout}:${image.tag}`;
    await copied(`oci:${work}/layout:one`, from);
    await run("umoci", [
      "config",
      "--config.user",
      "7",
      "--image",
      `${work}/layout:one`,
      "--tag",
      "two",
    ]);
    const setup = await setUpPull(t);
    const context = { ...setup.context, archives: archivesAt(work) };
    const store = await setup.store();
    const pull = async (source: string): Promise<string> =>
      (await pullToStore(store, source, context, setup.options(), never)).id;
    await assert.rejects(pull("oci:layout"), {
      code: "ARCHIVE_AMBIGUOUS",
      message: new RegExp(`it holds oci:${work}/layout:one, oci:${work}/layout:two$`),
    });
    await assert.rejects(pull("oci:layout:three"), { code: "NOT_FOUND", message: /layout:one, / });
    assert.notEqual(await pull("oci:layout:one"), await pull("oci:layout:two"));
  });
});

/** Runs the command with the file piped into it; answers its standard output. */
async function sendTo(args: readonly string[], file: string): Promise<string> {
  const child = spawn(SIFLET, args, { stdio: ["pipe", "pipe", "inherit"], env: process.env });
  const [line] = await Promise.all([
    text(child.stdout),
    pipeline(createReadStream(file), child.stdin),
  ]);
  return line;
}
