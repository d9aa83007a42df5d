import assert from "node:assert/strict";
import { test } from "node:test";
import { inspectMetadata, plainInspectMetadata } from "./inspect-metadata.ts";
import { LAYOUTS } from "./layouts.ts";
import { runtimeEntries } from "./runtime-entries.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const input = {
  config: {
    Cmd: ["sh", "-c", "a && b <c >d \u2028"],
    Env: ["A=1"],
    Labels: { "10": "ten", b: "bee" },
  },
  architecture: "amd64",
  variant: "",
};

function fileText(path: string): string {
  const entry = runtimeEntries(input).find((candidate) => candidate.path === path);
  assert.ok(entry?.kind === "file", path);
  return text(entry.content);
}

test("a layout's objects are the definition, its metadata and the image's configuration", () => {
  const objects = LAYOUTS.runtime.objects(input);
  assert.deepEqual(
    objects.map(({ kind, name }) => [kind, name]),
    [
      ["definition", ""],
      ["json", "inspect-metadata.json"],
      ["json", "oci-config.json"],
    ],
  );
  const [definition, metadata, config] = objects.map(({ content }) => text(content));
  assert.equal(definition, "bootstrap: docker\n\n");
  assert.equal(definition, fileText(".singularity.d/Singularity"));
  assert.equal(metadata, inspectMetadata(input));
  assert.deepEqual(JSON.parse(config ?? ""), input.config);
});

for (const { id, objects } of Object.values(LAYOUTS)) {
  test(`${id} leaves environment entries without = out of the configuration`, () => {
    const configOf = (Env: readonly string[]): string => {
      const [, , config] = objects({ ...input, config: { User: "me", Env } });
      return text(config?.content ?? new Uint8Array());
    };
    assert.equal(configOf(["BARE", "A=", "", "B=1=2", "A"]), '{"Env":["A=","B=1=2"],"User":"me"}');
    assert.equal(configOf(["BARE"]), '{"User":"me"}');
  });
}

test("plain/1 differs from layout/1 in its inspect metadata alone", () => {
  const [definition, , config] = LAYOUTS.runtime.objects(input);
  const content = new TextEncoder().encode(plainInspectMetadata(input));
  const metadata = { kind: "json", name: "inspect-metadata.json", content };
  assert.deepEqual(LAYOUTS.plain.objects(input), [definition, metadata, config]);
});

for (const { id, objects } of Object.values(LAYOUTS)) {
  test(`${id} gives an empty configuration an object too`, () => {
    const config = objects({ config: {}, architecture: "amd64", variant: "" }).at(-1);
    assert.equal(config && text(config.content), "{}");
  });
}

test("plainInspectMetadata names what is there without any script: labels and definition", () => {
  assert.deepEqual(JSON.parse(plainInspectMetadata(input)), {
    data: {
      attributes: {
        labels: JSON.parse(fileText(".singularity.d/labels.json")) as unknown,
        deffile: "bootstrap: docker",
      },
    },
    type: "container",
  });
});

test("inspectMetadata holds what the files in the image say", () => {
  const trimmed = (path: string): string => fileText(path).replace(/\n+$/, "");
  assert.deepEqual(JSON.parse(inspectMetadata(input)), {
    data: {
      attributes: {
        environment: {
          "/.singularity.d/env/10-docker2singularity.sh": trimmed(
            ".singularity.d/env/10-docker2singularity.sh",
          ),
          "/.singularity.d/env/90-environment.sh": trimmed(".singularity.d/env/90-environment.sh"),
        },
        labels: JSON.parse(fileText(".singularity.d/labels.json")) as unknown,
        runscript: trimmed(".singularity.d/runscript"),
        deffile: "bootstrap: docker",
        startscript: "#!/bin/sh",
      },
    },
    type: "container",
  });
});

test("inspectMetadata is compact, in fixed order, and escapes as the runtimes do", () => {
  const metadata = inspectMetadata(input);
  assert.match(
    metadata,
    /^\{"data":\{"attributes":\{"environment":\{"\/\.singularity\.d\/env\/10-/,
  );
  assert.match(
    metadata,
    /"labels":\{"10":"ten","b":"bee","org\.label-schema\.build-arch":"amd64",/,
  );
  assert.match(
    metadata,
    /"deffile":"bootstrap: docker","startscript":"#!\/bin\/sh"\}\},"type":"container"\}$/,
  );
  assert.ok(metadata.includes("a \\u0026\\u0026 b \\u003cc \\u003ed \\u2028"));
  assert.doesNotMatch(metadata, /[&<>\n\u2028]/);
});
