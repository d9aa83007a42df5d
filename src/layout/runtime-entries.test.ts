import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { LayoutInput } from "./labels.ts";
import { runScript } from "./run-script.ts";
import { runtimeEntries, type RuntimeEntry } from "./runtime-entries.ts";

const input: LayoutInput = {
  config: {
    Entrypoint: ["/bin/app", "it's"],
    Cmd: ["--name", "$HOME"],
    Env: ["PATH=/usr/bin:/bin", "GREETING=good day", "BARE"],
    Labels: { "org.example.name": "<app> & more" },
    WorkingDir: "/srv",
  },
  architecture: "arm64",
  variant: "v8",
};

const described = (entry: RuntimeEntry): string[] => [
  entry.path,
  entry.kind,
  `0${entry.mode.toString(8)}`,
  entry.policy,
];

const document = readFileSync(new URL("../../docs/layout-1.md", import.meta.url), "utf8");

test("docs/layout-1.md shows the runscript as it is", () => {
  const script = runScript({ Entrypoint: ["/bin/app"], Cmd: ["a b", "c"] });
  assert.ok(document.includes(`\`\`\`sh\n${script}\`\`\`\n`));
});

test("runtimeEntries is what docs/layout-1.md lists, in that order", () => {
  const listed = document
    .split("\n")
    .map((line) => /^\| `([^`]+)` *\| (\w+) *\| (0\d+) *\| ([\w-]+) *\|/.exec(line)?.slice(1))
    .filter((row) => row !== undefined);
  assert.deepEqual(runtimeEntries(input).map(described), listed);
});

test("runtimeEntries names a parent before what is in it, and no path twice", () => {
  const directories = new Set([""]);
  const seen = new Set<string>();
  for (const { path, kind } of runtimeEntries(input)) {
    assert.ok(directories.has(path.split("/").slice(0, -1).join("/")), path);
    assert.ok(!seen.has(path), path);
    seen.add(path);
    if (kind === "directory") directories.add(path);
  }
});

test("runtimeEntries changes nothing of the image outside /.singularity.d but links", () => {
  for (const { path, kind, policy } of runtimeEntries(input)) {
    if (/^\.singularity\.d(\/|$)/.test(path)) continue;
    assert.equal(policy, kind === "symlink" ? "replace-symlink" : "if-absent", path);
  }
});
