import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./parse-config.ts";

function read(text: string): unknown {
  const { file, problems } = parseConfig(`daemon: {platformAnnotation: ${text}}`, "c.yaml");
  return problems.length > 0
    ? problems.map(({ message }) => message)
    : file.settings["daemon.platformAnnotation"];
}

const KEYS = ["platform", "siflet.example/platform", "a.b-c.d/X_y.z-0", `${"p".repeat(253)}/n`];

for (const key of KEYS) {
  test(`${key.slice(0, 40)} is the key of an annotation`, () => {
    assert.equal(read(key), key);
  });
}

const OTHERS = [
  "/platform",
  "siflet.example/",
  "Siflet.example/platform",
  "a..b/platform",
  "a/b/c",
  "-platform",
  "platform.",
  "n".repeat(64),
  `${"p".repeat(254)}/n`,
  "[platform]",
  "7",
  "",
];

for (const key of OTHERS) {
  test(`${JSON.stringify(key.slice(0, 40))} is none`, () => {
    assert.match(JSON.stringify(read(key)), /expected the key of an annotation/);
  });
}
