import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { plainInspectMetadata } from "./inspect-metadata.ts";
import type { LayoutInput } from "./labels.ts";
import { LAYOUTS, type FrozenLayout } from "./layouts.ts";

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

/** SHA-256 of all that a layout adds to `input`. */
function hashesOf(layout: FrozenLayout): { readonly entries: string; readonly objects: string } {
  const entries = createHash("sha256");
  for (const entry of layout.entries(input)) {
    const { path, kind, mode, policy } = entry;
    entries.update(`${path} ${kind} 0${mode.toString(8)} ${policy}\0`);
    if (kind === "file") entries.update(`${entry.content.length}\0`).update(entry.content);
    if (kind === "symlink") entries.update(`${entry.target}\0`);
  }
  const objects = createHash("sha256");
  for (const { kind, name, content } of layout.objects(input)) {
    objects.update(`${kind} ${name} ${content.length}\0`).update(content);
  }
  return { entries: entries.digest("hex"), objects: objects.digest("hex") };
}

// A change of one of these is a change of the bytes of every image: a new layout number.
const FROZEN = {
  "layout/1": {
    entries: "60f973d19daa7c3b721d385abb4121f9b93128dd335f79562e785e102256367e",
    objects: "40822fe7539f3cb9299a9ebd960ad9e2d4c17f0200773aa54a6891a4e812685a",
  },
  "plain/1": {
    // Of nothing: no path is added.
    entries: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    objects: "70b3f8dab3c3d50d1b89d6efc46fe4a26700733815ca7c1ad594937b682c3b1e",
  },
};

for (const layout of Object.values(LAYOUTS)) {
  test(`${layout.id} depends on the content alone`, () => {
    const again = structuredClone(input);
    assert.deepEqual(layout.entries(input), layout.entries(again));
    assert.deepEqual(layout.objects(input), layout.objects(again));
  });
}

test("layouts are, byte for byte, what they were", () => {
  const hashes = Object.values(LAYOUTS).map((layout) => [layout.id, hashesOf(layout)]);
  assert.deepEqual(Object.fromEntries(hashes), FROZEN);
});

test("docs/plain-1.md shows the inspect metadata as it is", () => {
  const document = readFileSync(new URL("../../docs/plain-1.md", import.meta.url), "utf8");
  const config = { Labels: { title: "an image" } };
  const metadata = plainInspectMetadata({ config, architecture: "arm64", variant: "v8" });
  assert.ok(document.includes(`    ${metadata}\n`), metadata);
});
