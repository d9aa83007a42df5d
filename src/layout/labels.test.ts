import assert from "node:assert/strict";
import { test } from "node:test";
import type { OciConfig } from "../image/index.ts";
import { labelsJson } from "./labels.ts";

const rows: {
  name: string;
  config: OciConfig;
  architecture: string;
  variant: string;
  expected: string;
}[] = [
  {
    name: "an image without any",
    config: {},
    architecture: "amd64",
    variant: "",
    expected: `{
\t"org.label-schema.build-arch": "amd64",
\t"org.label-schema.schema-version": "1.0",
\t"org.opencontainers.image.architecture": "amd64"
}`,
  },
  {
    name: "the image's own, which win, among ours in the order of names",
    config: {
      Labels: { zebra: "last", "org.label-schema.build-arch": "mine", Alpha: "first", empty: "" },
    },
    architecture: "arm",
    variant: "v7",
    expected: `{
\t"Alpha": "first",
\t"empty": "",
\t"org.label-schema.build-arch": "mine",
\t"org.label-schema.schema-version": "1.0",
\t"org.opencontainers.image.architecture": "arm",
\t"org.opencontainers.image.variant": "v7",
\t"zebra": "last"
}`,
  },
  {
    name: "names that objects treat apart, and characters that JSON does",
    config: {
      Labels: JSON.parse(
        '{"b":"1","10":"2","9":"3","__proto__":"4","q\\"":"\\n\\u0001\\ud800"}',
      ) as Record<string, string>,
    },
    architecture: "amd64",
    variant: "",
    expected: `{
\t"10": "2",
\t"9": "3",
\t"__proto__": "4",
\t"b": "1",
\t"org.label-schema.build-arch": "amd64",
\t"org.label-schema.schema-version": "1.0",
\t"org.opencontainers.image.architecture": "amd64",
\t"q\\"": "\\n\\u0001\\ud800"
}`,
  },
];

for (const { name, expected, ...input } of rows) {
  test(`labelsJson writes ${name}`, () => {
    assert.equal(labelsJson(input), expected);
  });
}
