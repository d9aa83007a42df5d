import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { contentKey, ociConfigJson } from "./content-key.ts";
import { parseImageConfig, type ImageConfig } from "./image-config.ts";
import { parseOciConfig } from "./oci-config.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;

function imageOf(text: string): ImageConfig {
  return parseImageConfig(new TextEncoder().encode(text), "config");
}

/** The key of an image whose `config` is the JSON text `config`. */
function keyOf(config: string, rest = ""): string {
  return contentKey(
    imageOf(
      `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["${one}","${two}"]},"config":${config}${rest}}`,
    ),
  );
}

test("the key is the SHA-256 of exactly this text", () => {
  const image = imageOf(
    `{"rootfs":{"diff_ids":["${two}","${one}"],"type":"layers"},"os":"linux","architecture":"arm64","variant":"v8",` +
      `"created":"2024-01-01T00:00:00Z","config":{"Labels":{"b":"2","10":"1","9":null},"Env":["Z=1","A=é"],"Volumes":{"/d":null},"Shell":["x"]}}`,
  );
  const config = '{"Env":["Z=1","A=é"],"Labels":{"10":"1","9":"","b":"2"},"Volumes":{"/d":{}}}';
  assert.equal(new TextDecoder().decode(ociConfigJson(image.config)), config);
  const text = `{"architecture":"arm64","config":${config},"diffIDs":["${two}","${one}"],"os":"linux","variant":"v8"}`;
  assert.equal(contentKey(image), createHash("sha256").update(text).digest("hex"));
});

test("an image that says nothing has a key too", () => {
  const text = '{"architecture":"","config":{},"diffIDs":[],"os":"","variant":""}';
  const key = contentKey(imageOf('{"rootfs":{"type":"layers"}}'));
  assert.equal(key, createHash("sha256").update(text).digest("hex"));
});

const full =
  '{"User":"1","Env":["A=1"],"Labels":{"a":"1","b":"2"},"ExposedPorts":{"1/tcp":{},"2/tcp":{}}}';
const equal: readonly { name: string; config: string; same: string; rest?: string }[] = [
  { name: "a null configuration", config: "{}", same: "null" },
  {
    name: "null for every field",
    config: "{}",
    same: '{"User":null,"Env":null,"Labels":null,"Volumes":null,"Cmd":null,"Entrypoint":null,"ExposedPorts":null,"StopSignal":null,"WorkingDir":null}',
  },
  {
    name: "empty for every field",
    config: "{}",
    same: '{"User":"","Env":[],"Labels":{},"Volumes":{},"Cmd":[],"Entrypoint":[],"ExposedPorts":{},"StopSignal":"","WorkingDir":""}',
  },
  {
    name: "another order of members",
    config: full,
    same: '{"ExposedPorts":{"2/tcp":{},"1/tcp":null},"Labels":{"b":"2","a":"1"},"Env":["A=1"],"User":"1"}',
  },
  {
    name: "fields of Docker",
    config: full,
    same: `${full.slice(0, -1)},"Hostname":"","Image":"sha256:x","OnBuild":[],"Healthcheck":{"Test":["NONE"]},"ArgsEscaped":true,"Shell":["sh"]}`,
  },
  { name: "escapes and white space", config: full, same: full.replace('"a"', ' "\\u0061" ') },
  {
    name: "times, authors and history",
    config: full,
    same: full,
    rest: ',"created":"2024-01-01T00:00:00Z","author":"x","history":[{}],"docker_version":"1"',
  },
  {
    name: "a null label for an empty one",
    config: '{"Labels":{"a":""}}',
    same: '{"Labels":{"a":null}}',
  },
  { name: "an empty variant for none", config: full, same: full, rest: ',"variant":""' },
];

for (const { name, config, same, rest } of equal) {
  test(`${name} keeps the key`, () => {
    assert.equal(keyOf(same, rest), keyOf(config));
  });
}

const different: readonly { name: string; config: string; other: string; rest?: string }[] = [
  {
    name: "a label named __proto__",
    config: '{"Labels":{"a":"1"}}',
    other: '{"Labels":{"a":"1","__proto__":"x"}}',
  },
  {
    name: "the value of a label named __proto__",
    config: '{"Labels":{"__proto__":"y"}}',
    other: '{"Labels":{"__proto__":"x"}}',
  },
  {
    name: "a label named 10",
    config: '{"Labels":{"a":"1"}}',
    other: '{"Labels":{"a":"1","10":"x"}}',
  },
  { name: "a volume named __proto__", config: "{}", other: '{"Volumes":{"__proto__":{}}}' },
  { name: "an empty label", config: "{}", other: '{"Labels":{"a":""}}' },
  {
    name: "the order of the environment",
    config: '{"Env":["A=1","B=1"]}',
    other: '{"Env":["B=1","A=1"]}',
  },
  {
    name: "a double in the environment",
    config: '{"Env":["A=1"]}',
    other: '{"Env":["A=1","A=1"]}',
  },
  { name: "an entry without =", config: '{"Env":["A="]}', other: '{"Env":["A"]}' },
  { name: "command for entrypoint", config: '{"Cmd":["x"]}', other: '{"Entrypoint":["x"]}' },
  { name: "an empty argument", config: '{"Cmd":["x"]}', other: '{"Cmd":["x",""]}' },
  { name: "a variant", config: "{}", other: "{}", rest: ',"variant":"v8"' },
];

for (const { name, config, other, rest } of different) {
  test(`${name} changes the key`, () => {
    assert.notEqual(keyOf(other, rest), keyOf(config));
  });
}

test("the order of layers changes the key", () => {
  const image = imageOf(`{"rootfs":{"type":"layers","diff_ids":["${one}","${two}"]}}`);
  const { diffIds } = image;
  assert.notEqual(contentKey({ ...image, diffIds: diffIds.toReversed() }), contentKey(image));
});

test("os and architecture are not one text", () => {
  const image = imageOf('{"rootfs":{"type":"layers"}}');
  const key = contentKey({ ...image, os: "linux", architecture: "" });
  assert.notEqual(contentKey({ ...image, os: "", architecture: "linux" }), key);
});

test("oci-config.json reads back as the configuration", () => {
  const texts = fc.string({ unit: "grapheme", maxLength: 5 });
  const names = fc.oneof(texts, fc.constantFrom("__proto__", "10", "constructor"));
  const configs = fc.record({
    User: texts,
    Env: fc.array(texts, { maxLength: 3 }),
    Labels: fc.dictionary(names, texts, { maxKeys: 4 }),
    Volumes: fc.dictionary(names, fc.constant({}), { maxKeys: 4 }),
  });
  fc.assert(
    fc.property(configs, (value) => {
      const config = parseOciConfig(value, "config");
      const bytes = ociConfigJson(config);
      assert.deepEqual(
        parseOciConfig(JSON.parse(new TextDecoder().decode(bytes)), "config"),
        config,
      );
    }),
    { numRuns: 200 },
  );
});
