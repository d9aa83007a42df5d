import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkRuntimes } from "./check-runtimes.ts";
import { fakeHost } from "./host-fixture.ts";
import { parseRuntime } from "./runtime.ts";

const OLD = ["gzip", "lzma", "lzo", "xz", "lz4"];
const ALL = [...OLD, "zstd"];

const rows = [
  { text: "apptainer version 1.4.0\n", product: "Apptainer", version: "1.4.0", reads: ALL },
  { text: "apptainer version 1.4.1-1.el9", product: "Apptainer", version: "1.4.1", reads: ALL },
  { text: "apptainer version 1.3.6", product: "Apptainer", version: "1.3.6", reads: OLD },
  { text: "apptainer version 1.10.0", product: "Apptainer", version: "1.10.0", reads: ALL },
  { text: "apptainer version 2.0.0", product: "Apptainer", version: "2.0.0", reads: ALL },
  {
    text: "singularity-ce version 4.5.1",
    product: "SingularityCE",
    version: "4.5.1",
    reads: OLD,
  },
  {
    text: "singularity-ce version 4.1.2-jammy",
    product: "SingularityCE",
    version: "4.1.2",
    reads: OLD,
  },
  { text: "singularity version 3.8.1", product: "Singularity", version: "3.8.1", reads: OLD },
  { text: "2.6.1-dist\n", product: "Singularity", version: "2.6.1", reads: OLD },
  {
    text: "SingularityPRO version 4.1.6-1.el8",
    product: "SingularityPRO",
    version: "4.1.6",
    reads: OLD,
  },
  {
    text: "runc version 1.1.12\ncommit: v1.1.12\nspec: 1.0.2-dev\n",
    product: "runc",
    version: "1.1.12",
    reads: undefined,
  },
  {
    text: "crun version 1.14.1\ncommit: de53\n",
    product: "crun",
    version: "1.14.1",
    reads: undefined,
  },
  { text: "podman version 5.2.0", product: "Podman", version: "5.2.0", reads: undefined },
];

for (const { text, ...runtime } of rows) {
  test(`${JSON.stringify(text)} is ${runtime.product}`, () => {
    assert.deepEqual(parseRuntime(text), runtime);
  });
}

for (const text of ["", "docker version 27.0", "apptainer", "apptainer version", "version 1.4.0"]) {
  test(`${JSON.stringify(text)} is no runtime that we know`, () => {
    assert.equal(parseRuntime(text), undefined);
  });
}

test("any text is a runtime or none", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseRuntime(text);
      parseRuntime(`apptainer version ${text}`);
    }),
    { numRuns: 200 },
  );
});

const never = new AbortController().signal;

const checks = [
  {
    name: "nothing",
    programs: {},
    compression: "gzip",
    found: [["sif-runtime", "note"]],
  },
  {
    name: "runtimes of OCI bundles alone",
    programs: { runc: "runc version 1.1.12", podman: "podman version 5.2.0" },
    compression: "gzip",
    found: [
      ["runc", "ok"],
      ["podman", "ok"],
      ["sif-runtime", "note"],
    ],
  },
  {
    name: "an old and a new one, with gzip",
    programs: { apptainer: "apptainer version 1.4.1", singularity: "singularity version 3.8.1" },
    compression: "gzip",
    found: [
      ["apptainer", "ok"],
      ["singularity", "ok"],
    ],
  },
  {
    name: "an old and a new one, with zstd",
    programs: { apptainer: "apptainer version 1.4.1", singularity: "singularity-ce version 4.5.1" },
    compression: "zstd",
    found: [
      ["apptainer", "ok"],
      ["singularity", "problem"],
    ],
  },
  {
    name: "Apptainer under its old name, with zstd",
    programs: { singularity: "apptainer version 1.4.1" },
    compression: "zstd",
    found: [["singularity", "ok"]],
  },
  {
    name: "one that fails",
    programs: { apptainer: undefined },
    compression: "gzip",
    found: [
      ["apptainer", "warning"],
      ["sif-runtime", "note"],
    ],
  },
] as const;

for (const { name, programs, compression, found } of checks) {
  test(`a machine with ${name} gives ${found.map((one) => one.join(" ")).join(", ")}`, async () => {
    const host = fakeHost({ programs });
    const findings = await checkRuntimes(host, compression, never);
    assert.deepEqual(
      findings.map(({ check, status }) => [check, status]),
      found,
    );
    assert.deepEqual(
      host.ran,
      Object.keys(programs).map((program) => `/usr/bin/${program}`),
    );
    for (const { status, remedy } of findings) {
      assert.equal(remedy !== undefined, status !== "ok");
    }
  });
}
