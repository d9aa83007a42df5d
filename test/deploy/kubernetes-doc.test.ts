import assert from "node:assert/strict";
import { cp, mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { run } from "../real/index.ts";

// What docs/kubernetes.md has people write into files is taken by what reads them.

const REPOSITORY = resolve(import.meta.dirname, "../..");

interface Block {
  readonly language: string;
  /** What stands in its first line, a comment. */
  readonly heading: string;
  readonly text: string;
}

const page = await readFile(join(REPOSITORY, "docs/kubernetes.md"), "utf8");

function blocks(language: string): readonly Block[] {
  const found = page.matchAll(/^```(\w+)\n(# (.+)\n[^`]+)```$/gm);
  return [...found]
    .map(([, kind = "", text = "", heading = ""]) => ({ language: kind, heading, text }))
    .filter((block) => block.language === language);
}

test("the configuration is one", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-page-"));
  const block = blocks("yaml").find(({ heading }) => heading === "/etc/siflet/config.yaml");
  assert.ok(block !== undefined);
  const file = join(directory.path, "config.yaml");
  await writeFile(file, block.text);
  await run(join(REPOSITORY, "siflet"), ["config", "check", file]);
});

test("the drop-ins are of the units, which stay right with them", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-page-"));
  await cp(join(REPOSITORY, "deploy"), directory.path, { recursive: true });
  const dropIns = blocks("ini");
  assert.equal(dropIns.length, 2);
  for (const { heading, text } of dropIns) {
    const folder = join(directory.path, basename(dirname(heading)));
    await mkdir(folder);
    await writeFile(join(folder, basename(heading)), text);
  }
  const units = ["siflet.service", "siflet.socket"].map((name) => join(directory.path, name));
  const words = ["-c", 'systemd-analyze verify "$@" 2>&1 | { ! grep .; }', "sh", ...units];
  await run("sh", words);
});

test("what the kubelet reads is one document with the endpoint of the unit's socket", async () => {
  const block = blocks("yaml").find(({ heading }) => heading.startsWith("KubeletConfiguration"));
  const socket = await readFile(join(REPOSITORY, "deploy/siflet.socket"), "utf8");
  const path = /^ListenStream=(.+)$/m.exec(socket)?.[1] ?? "";
  assert.deepEqual(parse(block?.text ?? ""), {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    imageServiceEndpoint: `unix://${path}`,
  });
  assert.ok(page.includes(`--image-service-endpoint=unix://${path}`));
});
