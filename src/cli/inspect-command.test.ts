import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { OciConfig } from "../image/index.ts";
import {
  makeImage,
  makeIndex,
  startRegistry,
  type FakeRegistry,
} from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { pullHere, runHere, type CliResult } from "./cli-fixture.ts";

const platform = { os: "linux", architecture: "amd64" };
const image = makeImage({
  layers: [tar([{ path: "a", data: "1" }]), tar([{ path: "b", data: "2" }])],
  config: {
    Entrypoint: ["/bin/app", "two words"],
    Cmd: ["--quiet"],
    Env: ["PATH=/bin:/usr/bin", "GREETING=good day"],
    User: "1000:100",
    WorkingDir: "/srv",
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/data": {} },
    StopSignal: "SIGINT",
    Labels: { "org.example.title": "An app" },
  },
});
const index = makeIndex([{ image, platform }]);

/** Clears the screen, in two ways; hides what follows, or shows it in another order. */
const HOSTILE = "\u001b[2J\u009b2J\u0007\u202e\u2066\u200b\u2028";
const hostileConfig: OciConfig = {
  Entrypoint: [`/bin/${HOSTILE}`, "line\nfeed"],
  Env: [`NAME=${HOSTILE}`, "TEXT=1\nUSER=root", `${HOSTILE}=1`],
  User: HOSTILE,
  WorkingDir: `/${HOSTILE}`,
  Labels: { [`name${HOSTILE}`]: `value${HOSTILE}`, "new\nline": "\r\n" },
};

let registry: FakeRegistry;
let directory: Awaited<ReturnType<typeof mkdtempDisposable>>;

before(async () => {
  registry = await startRegistry();
  registry.putIndex("app", index, "1");
  registry.putImage("hostile", makeImage({ layers: [], config: { ...hostileConfig } }), "1");
  directory = await mkdtempDisposable(join(tmpdir(), "siflet-inspect-"));
  for (const name of ["app", "hostile"])
    await pullHere(directory.path, `${registry.host}/${name}:1`);
});

after(async () => {
  await directory.remove();
  await registry[Symbol.asyncDispose]();
});

async function run(...args: readonly string[]): Promise<CliResult> {
  const result = await runHere(args, { directory: directory.path });
  assert.deepEqual([result.exitCode, result.stderr], [0, []]);
  return result;
}

test("inspect shows every fact of an image under its title", async () => {
  const name = `${registry.host}/app:1`;
  const { id, path, size, partition } = JSON.parse(
    (await run("inspect", "--json", name)).stdout,
  ) as {
    id: string;
    path: string;
    size: number;
    partition: { offset: number; size: number };
  };
  const { stdout } = await run("inspect", name);
  const sections = stdout.split("\n\n").map((text) => {
    const [title, ...lines] = text.trimEnd().split("\n");
    return [title, lines.map((line) => line.trim().split(/ {2,}/))] as const;
  });
  const exact = (bytes: number): RegExp => new RegExp(`\\b${bytes}\\b`);
  const about = new Map(sections[0]?.[1].map(([field = "", value = ""]) => [field, value]));
  assert.match(about.get("size") ?? "", exact(size));
  assert.match(about.get("partition") ?? "", exact(partition.offset));
  assert.match(about.get("partition") ?? "", exact(partition.size));
  assert.match(about.get("created") ?? "", /^2026-01-02T03:04:05\.000Z \(just now\)$/);
  const known = ["id", "file", "platform", "profile"].map((field) => about.get(field));
  assert.deepEqual(known, [id, path, "linux/amd64", "gzip/1, layout/1, owners image"]);
  assert.deepEqual(sections.slice(1, 4), [
    [
      "Start",
      [
        ["entry point", '["/bin/app","two words"]'],
        ["command", '["--quiet"]'],
        ["environment", "PATH=/bin:/usr/bin"],
        ["GREETING=good day"],
        ["user", "1000:100"],
        ["directory", "/srv"],
        ["ports", "80/tcp"],
        ["volumes", "/data"],
        ["stop signal", "SIGINT"],
      ],
    ],
    ["Labels", [["org.example.title", "An app"]]],
    [
      "Layers",
      image.layers.map(({ digest, size, mediaType }, at) => [
        `${at + 1}`,
        digest,
        `${size} B`,
        mediaType,
      ]),
    ],
  ]);
  assert.deepEqual(sections[4]?.[1].slice(0, 5), [
    ["reference", name],
    ["registry", registry.host],
    ["index", index.descriptor.digest],
    ["manifest", image.manifest.digest],
    ["configuration", image.config.digest],
  ]);
});

describe("strings of a stranger", () => {
  test("are harmless in text, one line each", async () => {
    const { stdout } = await run("inspect", `${registry.host}/hostile:1`);
    assert.match(stdout, /^[\n -~]*$/);
    assert.match(stdout, /\n {2}environment {2}NAME= \[2J 2J\n {15}TEXT=1 USER=root\n/);
    assert.match(stdout, /\nLabels\n {2}name \[2J 2J {2}value \[2J 2J\n {2}new line\n/);
  });

  for (const command of [
    ["inspect", "--json"],
    ["pull", "--json"],
  ]) {
    test(`are exact in ${command.join(" ")}, and harmless too`, async () => {
      const { stdout } = await runHere([...command, `${registry.host}/hostile:1`], {
        directory: directory.path,
      });
      assert.match(stdout, /^[ -~]*\n$/);
      const { ociConfig } = JSON.parse(stdout) as { ociConfig: OciConfig };
      assert.deepEqual(ociConfig, hostileConfig);
    });
  }

  test("are exact in images --json, and harmless too", async () => {
    const { stdout } = await run("images", "--json");
    assert.match(stdout, /^[ -~]*\n$/);
    const list = JSON.parse(stdout) as { ociConfig: OciConfig }[];
    assert.ok(list.some(({ ociConfig }) => ociConfig.User === HOSTILE));
  });
});

test("a name as long as a configuration may be does not widen the lines of all others", async () => {
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`label-${at}`, "x"]));
  const Labels = { ...many, ["n".repeat(1_000_000)]: "long" };
  registry.putImage("wide", makeImage({ layers: [], config: { Labels } }), "1");
  const name = `${registry.host}/wide:1`;
  await pullHere(directory.path, name);
  const { stdout } = await run("inspect", name);
  assert.match(stdout, /\n {2}label-19999 {2}x\n/);
  assert.match(stdout, /\n {2}n{1000000} {2}long\n/);
  assert.ok(stdout.length < 3_000_000);
});
