import assert from "node:assert/strict";
import { mkdtempDisposable, readFile, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { assertFailure, runHere, type CliResult } from "../../src/cli/cli-fixture.ts";
import {
  pushImage,
  run,
  smallImage,
  startDockerRegistry,
  type DockerRegistry,
} from "../real/index.ts";

// What we push, Debian's registry takes and skopeo reads.

let registry: DockerRegistry;

before(async () => {
  registry = await startDockerRegistry();
  await pushImage(await smallImage(), `${registry.host}/team/app:1`);
});

after(async () => {
  await registry.close();
});

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-push-"));
  t.after(() => directory.remove());
  return directory.path;
}

async function siflet(directory: string, ...args: readonly string[]): Promise<CliResult> {
  return await runHere(args, { directory, environment: { variables: { SIFLET_STORE: "store" } } });
}

async function sifletJson(
  directory: string,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await siflet(directory, ...args);
  assert.equal(exitCode, 0, stderr.join("\n"));
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("what is pushed by its name in the store comes back the same, and skopeo copies it", async (t) => {
  const directory = await newDirectory(t);
  const pulled = await sifletJson(directory, "pull", "--json", `${registry.host}/team/app:1`);
  const target = `oras://${registry.host}/sif/app:1`;
  const app = `${registry.host}/team/app:1`;
  const pushed = await sifletJson(directory, "push", "--json", "--quiet", app, target);
  assert.equal(pushed["file"], `sha256:${String(pulled["id"])}`);
  assert.equal(pushed["wasThere"], false);

  const again = await sifletJson(directory, "--store", "other", "pull", "--json", target);
  assert.equal(again["id"], pulled["id"]);
  const layout = join(directory, "copy");
  const source = `docker://${String(pushed["name"])}`;
  await run("skopeo", ["copy", "--src-tls-verify=false", source, `oci:${layout}:1`]);
  const blob = join(layout, "blobs/sha256", String(pulled["id"]));
  assert.ok((await readFile(blob)).equals(await readFile(String(pulled["path"]))));
  const raw = ["inspect", "--tls-verify=false", "--raw", source];
  const manifest: unknown = JSON.parse(await run("skopeo", raw));
  assert.deepEqual(manifest, {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.sylabs.sif.config.v1+json",
      digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
      size: 2,
    },
    layers: [
      {
        mediaType: "application/vnd.sylabs.sif.layer.v1.sif",
        digest: `sha256:${String(pulled["id"])}`,
        size: pulled["size"],
        annotations: { "org.opencontainers.image.title": "app_1.sif" },
      },
    ],
  });

  const second = await siflet(directory, "push", String(pulled["path"]), target);
  assert.equal(second.exitCode, 0, second.stderr.join("\n"));
  assert.match(second.stdout, /sent +nothing, the registry had the file/);
});

test("what another tool pushed as an artifact is pulled: skopeo's copy of ours", async (t) => {
  const directory = await newDirectory(t);
  const file = join(directory, "app.sif");
  await siflet(directory, "pull", "--no-store", file, `${registry.host}/team/app:1`);
  const target = `oras://${registry.host}/sif/file:1`;
  const pushed = await sifletJson(directory, "push", "--json", file, target);
  const copy = `${registry.host}/copied/app:1`;
  const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  await run("skopeo", ["copy", ...tls, `docker://${String(pushed["name"])}`, `docker://${copy}`]);
  const pulled = await sifletJson(directory, "pull", "--json", copy);
  assert.equal(`sha256:${String(pulled["id"])}`, pushed["file"]);
});

test("a large file goes in pieces", async (t) => {
  const directory = await newDirectory(t);
  const file = join(directory, "app.sif");
  await siflet(directory, "pull", "--no-store", file, `${registry.host}/team/app:1`);
  // Zeros behind the last object: still a SIF, and another file.
  await truncate(file, 70 * 1024 * 1024);
  const target = `oras://${registry.host}/sif/large`;
  const pushed = await sifletJson(directory, "push", "--json", "--quiet", file, target);
  const pulled = await sifletJson(directory, "pull", "--json", target);
  assert.equal(`sha256:${String(pulled["id"])}`, pushed["file"]);
  assert.equal(pulled["size"], 70 * 1024 * 1024);
});

test("what is no SIF, is not there or has nowhere to go is not pushed", async (t) => {
  const directory = await newDirectory(t);
  const target = `oras://${registry.host}/sif/none:1`;
  await writeFile(join(directory, "text.sif"), "no sif at all");
  assertFailure(await siflet(directory, "push", "text.sif", target), 7, /./);
  assertFailure(await siflet(directory, "push", "none.sif", target), 3, /no such file/);
  assertFailure(await siflet(directory, "push", "not/stored:1", target), 3, /no such image/);
  assertFailure(await siflet(directory, "push", "text.sif", "docker://r.test/a"), 2, /oras:\/\//);
  const digest = `oras://${registry.host}/sif/none@sha256:${"0".repeat(64)}`;
  assertFailure(await siflet(directory, "push", "text.sif", digest), 2, /without a digest/);
});

test("a file of the store that a disk has changed is not pushed", async (t) => {
  const directory = await newDirectory(t);
  const app = `${registry.host}/team/app:1`;
  const { path } = await sifletJson(directory, "pull", "--json", app);
  const bytes = await readFile(String(path));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(String(path), bytes);
  const target = `oras://${registry.host}/sif/none:1`;
  assertFailure(await siflet(directory, "push", app, target), 6, /expected sha256/);
});
