import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRef } from "./parse-ref.ts";
import {
  familiarText,
  nameInReference,
  storeNameOrigin,
  storeNamesOf,
  storeTagOf,
} from "./store-name.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

/** What is typed, recorded and shown. */
const names = [
  {
    typed: "busybox",
    stored: "docker.io/library/busybox:latest",
    shown: "busybox:latest",
    origin: "docker.io",
  },
  {
    typed: "docker://me/app:1",
    stored: "docker.io/me/app:1",
    shown: "me/app:1",
    origin: "docker.io",
  },
  {
    typed: `busybox:1@${DIGEST}`,
    stored: `docker.io/library/busybox@${DIGEST}`,
    shown: `busybox@${DIGEST}`,
    origin: "docker.io",
  },
  {
    typed: "registry.example:5000/a/b:1",
    stored: "registry.example:5000/a/b:1",
    shown: "registry.example:5000/a/b:1",
    origin: "docker.io",
  },
  {
    typed: "library://me/col/img:1",
    stored: "cloud.sylabs.io/me/col/img:1",
    shown: "cloud.sylabs.io/me/col/img:1",
    origin: "cloud.sylabs.io",
  },
  {
    typed: "library://lib.example:8080/me/col/img",
    stored: "library://lib.example:8080/me/col/img:latest",
    shown: "library://lib.example:8080/me/col/img:latest",
    origin: "library://lib.example:8080",
  },
  {
    typed: `library://lib.example/me/col/img@${DIGEST}`,
    stored: `library://lib.example/me/col/img:${DIGEST.replace(":", ".")}`,
    shown: `library://lib.example/me/col/img:${DIGEST.replace(":", ".")}`,
    origin: "library://lib.example",
  },
  {
    typed: "local.file/data/a.sif",
    stored: "local.file/data/a.sif",
    shown: "local.file/data/a.sif",
    origin: "local.file",
  },
] as const;
for (const { typed, stored, shown, origin } of names) {
  test(`${typed} is recorded as ${stored} and shown as ${shown}`, () => {
    assert.deepEqual(storeNamesOf(typed), [stored]);
    assert.equal(familiarText(stored), shown);
    assert.equal(storeNameOrigin(stored), origin);
    assert.deepEqual(storeNamesOf(shown), [stored], "what is shown can be typed");
    const reference = parseRef(typed);
    const names = [...reference.tags(), ...reference.digests()];
    assert.deepEqual(names, [nameInReference(stored)], "a reference has it as it is typed");
  });
}

test("a short form is not that of another registry", () => {
  assert.equal(familiarText("docker.io/localhost/app:1"), "docker.io/localhost/app:1");
});

test("what is no name is none that is recorded", () => {
  assert.deepEqual(storeNamesOf("1a2b3c".repeat(10) + "1a2b"), []);
  assert.deepEqual(storeNamesOf("UPPER CASE"), []);
});

test("a tag is recorded, a digest is none", () => {
  assert.equal(storeTagOf("busybox"), "docker.io/library/busybox:latest");
  assert.equal(storeTagOf(`busybox@${DIGEST}`), undefined);
  assert.throws(() => storeTagOf("UPPER CASE"), { code: "REFERENCE_INVALID" });
});
