import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseImageConfig, type ImageConfig } from "./image-config.ts";
import { ImageError } from "./image-error.ts";

const sha = `sha256:${"0123456789abcdef".repeat(4)}`;
const rootfs = { type: "layers", diff_ids: [sha, sha] };

function parseText(text: string): ImageConfig {
  return parseImageConfig(new TextEncoder().encode(text), "config of r.example/app:1");
}

const parse = (document: unknown): ImageConfig => parseText(JSON.stringify(document));

test("parseImageConfig reads what we use and drops the rest", () => {
  const config = {
    User: "1000:1000",
    ExposedPorts: { "80/tcp": {} },
    Env: ["A=1", "A=2", "NOEQUALS", ""],
    Entrypoint: ["/bin/sh", "-c"],
    Cmd: ["", "x"],
    Volumes: { "/data": {} },
    WorkingDir: "/",
    Labels: { a: "b", c: "" },
    StopSignal: "SIGTERM",
  };
  const docker = {
    Healthcheck: { Test: ["NONE"] },
    ArgsEscaped: true,
    OnBuild: null,
    Shell: ["sh"],
    Image: "x",
    Hostname: "h",
  };
  const document = {
    os: "linux",
    architecture: "arm64",
    variant: "v8",
    created: "2024-01-01T00:00:00Z",
    author: "someone",
    rootfs,
    config: { ...docker, ...config },
    history: [{ created_by: "x" }],
  };
  assert.deepEqual(parse(document), {
    os: "linux",
    architecture: "arm64",
    variant: "v8",
    diffIds: [sha, sha],
    config,
    created: "2024-01-01T00:00:00Z",
    author: "someone",
  });
});

const nothing = { os: "", architecture: "", variant: "", diffIds: [], config: {} };
const empty: readonly { name: string; document: object }[] = [
  { name: "absent", document: { rootfs: { type: "layers" } } },
  {
    name: "null",
    document: {
      os: null,
      architecture: null,
      variant: null,
      created: null,
      author: null,
      config: null,
      rootfs: { type: "layers", diff_ids: null },
    },
  },
  {
    name: "empty",
    document: {
      os: "",
      architecture: "",
      variant: "",
      created: "",
      author: "",
      config: {},
      rootfs: { type: "layers", diff_ids: [] },
    },
  },
  {
    name: "of fields that are empty",
    document: {
      rootfs: { type: "layers" },
      config: {
        User: "",
        ExposedPorts: {},
        Env: [],
        Entrypoint: [],
        Cmd: [],
        Volumes: {},
        WorkingDir: "",
        Labels: {},
        StopSignal: "",
      },
    },
  },
  {
    name: "of fields that are null",
    document: {
      rootfs: { type: "layers" },
      config: {
        User: null,
        ExposedPorts: null,
        Env: null,
        Entrypoint: null,
        Cmd: null,
        Volumes: null,
        WorkingDir: null,
        Labels: null,
        StopSignal: null,
      },
    },
  },
];

for (const { name, document } of empty) {
  test(`a configuration that is ${name} says nothing`, () => {
    assert.deepEqual(parse(document), nothing);
  });
}

test("os, architecture and variant stay as they are written", () => {
  const { os, architecture, variant } = parse({
    os: "Linux",
    architecture: "x86_64",
    variant: "V1",
    rootfs,
  });
  assert.deepEqual(
    { os, architecture, variant },
    { os: "Linux", architecture: "x86_64", variant: "V1" },
  );
});

test("members of sets are {}, a null label is empty", () => {
  const { config } = parse({
    rootfs,
    config: { Volumes: { a: null, b: { c: 1 } }, Labels: { x: null } },
  });
  assert.deepEqual(config, { Volumes: { a: {}, b: {} }, Labels: { x: "" } });
});

test("labels and volumes named __proto__ are members", () => {
  const { config } = parseText(
    `{"rootfs":{"type":"layers"},"config":{"Labels":{"__proto__":"x"},"Volumes":{"__proto__":{}}}}`,
  );
  assert.deepEqual(Object.entries(config.Labels ?? {}), [["__proto__", "x"]]);
  assert.deepEqual(Object.entries(config.Volumes ?? {}), [["__proto__", {}]]);
  assert.equal(Object.getPrototypeOf(config.Labels), Object.prototype);
});

const withConfig = (config: unknown): object => ({ rootfs, config });
const refused: readonly { name: string; document: unknown; code?: string }[] = [
  { name: "a list", document: [] },
  { name: "an os that is no text", document: { os: 1, rootfs } },
  { name: "a variant that is no text", document: { variant: ["v8"], rootfs } },
  { name: "a time that is no text", document: { created: 0, rootfs } },
  { name: "an author that is no text", document: { author: {}, rootfs } },
  { name: "no rootfs", document: { os: "linux" } },
  { name: "a rootfs of null", document: { rootfs: null } },
  { name: "a rootfs without a type", document: { rootfs: { diff_ids: [] } } },
  { name: "a rootfs of another type", document: { rootfs: { type: "layers+base" } } },
  { name: "diffIDs as an object", document: { rootfs: { type: "layers", diff_ids: {} } } },
  { name: "a diffID of null", document: { rootfs: { type: "layers", diff_ids: [null] } } },
  {
    name: "a short diffID",
    document: { rootfs: { type: "layers", diff_ids: ["sha256:00"] } },
    code: "DIGEST_INVALID",
  },
  {
    name: "a diffID of sha512",
    document: { rootfs: { type: "layers", diff_ids: [`sha512:${"0".repeat(128)}`] } },
    code: "DIGEST_INVALID",
  },
  { name: "a config that is a list", document: withConfig([]) },
  { name: "a config that is false", document: withConfig(false) },
  { name: "a user that is a number", document: withConfig({ User: 0 }) },
  { name: "a folder that is a list", document: withConfig({ WorkingDir: [] }) },
  { name: "a signal that is a number", document: withConfig({ StopSignal: 9 }) },
  { name: "an entrypoint in a string", document: withConfig({ Entrypoint: "/bin/sh" }) },
  { name: "a command in a string", document: withConfig({ Cmd: "" }) },
  { name: "an environment that is an object", document: withConfig({ Env: { A: "1" } }) },
  { name: "an environment with null", document: withConfig({ Env: [null] }) },
  { name: "ports in a list", document: withConfig({ ExposedPorts: ["80/tcp"] }) },
  { name: "ports of numbers", document: withConfig({ ExposedPorts: { "80/tcp": 1 } }) },
  { name: "volumes of lists", document: withConfig({ Volumes: { "/data": [] } }) },
  { name: "labels in a list", document: withConfig({ Labels: [] }) },
  { name: "a label that is a number", document: withConfig({ Labels: { a: 1 } }) },
];

for (const { name, document, code } of refused) {
  test(`parseImageConfig refuses ${name}`, () => {
    assert.throws(
      () => parse(document),
      (error) =>
        error instanceof ImageError &&
        error.code === (code ?? "CONFIG_INVALID") &&
        error.message.startsWith("config of r.example/app:1"),
    );
  });
}

for (const text of [
  "no",
  `{"rootfs":{"type":"layers"},"config":{"Labels":{"a":"1","a":"2"}}}`,
  `{"rootfs":{"type":"layers"},"config":{"User":"\\ud800"}}`,
]) {
  test(`parseImageConfig refuses ${text}`, () => {
    assert.throws(() => parseText(text), { code: "CONFIG_INVALID" });
  });
}

test("parseImageConfig refuses bytes that are no UTF-8", () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x7d]);
  assert.throws(() => parseImageConfig(bytes, "config"), { code: "CONFIG_INVALID" });
});

test("parseImageConfig answers any JSON with a configuration or its own error", () => {
  const value = fc.jsonValue();
  const documents = fc.record({
    os: value,
    rootfs: fc.record({ type: fc.constant("layers"), diff_ids: value }),
    config: fc.record(
      { User: value, Env: value, Labels: value, Volumes: value },
      { requiredKeys: [] },
    ),
  });
  fc.assert(
    fc.property(fc.oneof(documents, value), (document) => {
      try {
        parse(document);
      } catch (error) {
        assert.ok(error instanceof ImageError && /^(CONFIG|DIGEST)_INVALID$/.test(error.code));
      }
    }),
    { numRuns: 300 },
  );
});
