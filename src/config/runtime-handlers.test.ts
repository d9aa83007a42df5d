import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./parse-config.ts";
import { runtimeHandlersKind } from "./runtime-handlers.ts";

test("runtime handlers are a list of names, or have settings of their own", () => {
  const read = (text: string): unknown => {
    const { file, problems } = parseConfig(`daemon:\n  runtimeHandlers: ${text}`, "c.yaml");
    assert.deepEqual(problems, []);
    return file.settings["daemon.runtimeHandlers"];
  };
  assert.deepEqual(read("[]"), {});
  assert.deepEqual(read("[gvisor, kata]"), { gvisor: {}, kata: {} });
  const text =
    "{gvisor: , arm: {platform: linux/aarch64}, old: {compression: gzip, owners: root, layout: plain}}";
  const handlers = {
    gvisor: {},
    arm: { platform: "linux/arm64" },
    old: { compression: "gzip", owners: "root", layout: "plain" },
  } as const;
  assert.deepEqual(read(text), handlers);
  assert.deepEqual(read(runtimeHandlersKind.format(handlers)), handlers);
  assert.deepEqual(runtimeHandlersKind.toJson(handlers), handlers);
});

const refusals = [
  { name: "a text", text: "gvisor", message: /a list of names, or names with settings/ },
  { name: "no name", text: "[a b]", message: /a name of letters/ },
  { name: "no name of settings", text: "{'a b': {}}", message: /a name of letters.*"a b"/ },
  { name: "a text for settings", text: "{a: linux/arm64}", message: /some of platform/ },
  { name: "an unknown key", text: "{a: {os: linux}}", message: /unknown key "os"/ },
  { name: "no platform", text: "{a: {platform: arm64}}", message: /os\/architecture/ },
  { name: "no compression", text: "{a: {compression: xz}}", message: /one of gzip, zstd/ },
] as const;

for (const { name, text, message } of refusals) {
  test(`runtime handlers that are ${name} are refused`, () => {
    const { problems } = parseConfig(`daemon:\n  runtimeHandlers: ${text}`, "c.yaml");
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? "", message);
  });
}
