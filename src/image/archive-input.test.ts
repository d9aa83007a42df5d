import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  archiveBaseName,
  formatArchiveInput,
  isArchiveInput,
  parseArchiveInput,
  type ArchiveInput,
} from "./archive-input.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

const inputs: readonly {
  readonly text: string;
  readonly kind: ArchiveInput["kind"];
  readonly path: string;
  readonly choice: unknown;
  readonly file: string;
}[] = [
  { text: "oci:dir", kind: "oci", path: "dir", choice: { kind: "only" }, file: "dir" },
  {
    text: "oci:/a/b:latest",
    kind: "oci",
    path: "/a/b",
    choice: { kind: "name", name: "latest" },
    file: "b_latest",
  },
  {
    text: "oci:dir:registry.example:5000/app:1",
    kind: "oci",
    path: "dir",
    choice: { kind: "name", name: "registry.example:5000/app:1" },
    file: "dir_1",
  },
  {
    text: `oci:dir@${DIGEST}`,
    kind: "oci",
    path: "dir",
    choice: { kind: "digest", digest: DIGEST },
    file: "dir",
  },
  {
    text: "oci:a@b",
    kind: "oci",
    path: "a@b",
    choice: { kind: "only" },
    file: "a@b",
  },
  {
    text: "oci-archive:x.tar.gz:@3",
    kind: "oci-archive",
    path: "x.tar.gz",
    choice: { kind: "place", place: 3 },
    file: "x",
  },
  {
    text: "docker-archive:-",
    kind: "docker-archive",
    path: "-",
    choice: { kind: "only" },
    file: "-",
  },
  {
    text: "docker-archive:d/app.tgz:team/app",
    kind: "docker-archive",
    path: "d/app.tgz",
    choice: { kind: "name", name: "team/app" },
    file: "app_app",
  },
];

describe("parseArchiveInput", () => {
  for (const { text, kind, path, choice, file } of inputs) {
    test(`reads ${text}, and formatArchiveInput gives it back`, () => {
      assert.equal(isArchiveInput(text), true);
      const input = parseArchiveInput(text);
      assert.deepEqual(input, { kind, path, choice });
      assert.equal(formatArchiveInput(input), text);
      assert.equal(archiveBaseName(input), file);
    });
  }

  test("reads - as an archive on standard input", () => {
    assert.equal(isArchiveInput("-"), true);
    assert.deepEqual(parseArchiveInput("-"), parseArchiveInput("docker-archive:-"));
  });

  for (const text of [
    "oci:",
    "oci-archive::name",
    "oci:-",
    "oci:dir:",
    "oci:dir:@",
    "oci:dir:@-1",
    "oci:dir:@01",
    "oci:dir:@9999999999",
    "oci:a\0b",
    "oci:dir@sha256:abc",
    `oci:dir@${DIGEST.toUpperCase().replace("SHA", "sha")}`,
    `oci:dir:name@${DIGEST}`,
    "docker-archive:x.tar:App",
    "docker-archive:x.tar:app:1:2",
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseArchiveInput(text), { code: "REFERENCE_INVALID" });
    });
  }

  for (const text of ["", "app", "OCI:dir", "oci", "docker-daemon:app:1", "--", "./-"]) {
    test(`is not asked for ${JSON.stringify(text)}`, () => {
      assert.equal(isArchiveInput(text), false);
    });
  }
});
