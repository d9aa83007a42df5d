import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBind } from "./bind-mount.ts";

const rows = [
  { text: "/src:/dst", source: "/src", destination: "/dst", isReadOnly: false },
  { text: "/src:/dst:ro", source: "/src", destination: "/dst", isReadOnly: true },
  { text: "/src:/dst:rw", source: "/src", destination: "/dst", isReadOnly: false },
  { text: "data:/dst", source: "/work/data", destination: "/dst", isReadOnly: false },
  { text: ".:/a/../b/", source: "/work", destination: "/b", isReadOnly: false },
  { text: "../up", source: "/up", destination: "/up", isReadOnly: false },
] as const;

for (const { text, ...bind } of rows) {
  test(`--bind ${text}`, () => {
    assert.deepEqual(parseBind(text, "/work"), bind);
  });
}

for (const text of [
  "",
  ":/dst",
  "/src:dst",
  "/src:",
  "/src:/",
  "/src:/..",
  "/src:/dst:",
  "/src:/dst:z",
  "/src:/dst:ro:x",
  "/s\0:/dst",
  "/",
]) {
  test(`--bind ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseBind(text, "/work"), { code: "BUNDLE_BIND" });
  });
}
