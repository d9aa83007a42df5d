import assert from "node:assert/strict";
import { test } from "node:test";
import { makeSif } from "../fixtures/make-sif.ts";
import { setUpLibrary, type Dialect } from "../fixtures/library/index.ts";
import { leftovers } from "../fixtures/pull-setup.ts";

const sif = makeSif();
const IMAGE = "/v1/images/e/c/n:latest";
const FILE = "/v1/imagefile/e/c/n:latest";
const HTML = Buffer.from("<!DOCTYPE html>\n<html>\u001b[2J<body>Log in, please</body></html>");

const shapes = [
  {
    name: "a wrapped error",
    bytes: JSON.stringify({ error: { code: 500, message: "the disk\u001b[31m is full" } }),
    said: /got status 418 \(the disk \[31m is full\)$/,
  },
  {
    name: "Hinkskalle's list of errors",
    bytes: JSON.stringify({ status: "error", errors: [{ title: "No", detail: "disk", code: 1 }] }),
    said: /got status 418 \(No: disk\)$/,
  },
  { name: "plain text", bytes: "out of disk\n", said: /got status 418 \(out of disk\)$/ },
  { name: "no body", bytes: "", said: /got status 418$/ },
  { name: "a page", bytes: HTML.toString(), said: /got status 418$/ },
  { name: "JSON of no known shape", bytes: '["disk"]', said: /got status 418$/ },
];

for (const { name, bytes, said } of shapes) {
  test(`an error as ${name} is LIBRARY_STATUS, with what it says`, async (t) => {
    const { library, pull, images } = await setUpLibrary(t, "enterprise");
    library.put("e/c/n", sif);
    library.addFault(IMAGE, { status: 418, bytes: Buffer.from(bytes) });
    await assert.rejects(pull("e/c/n"), { code: "LIBRARY_STATUS", status: 418, message: said });
    assert.deepEqual(await leftovers(images), []);
  });
}

const meanings = [
  { status: 401, code: "LIBRARY_UNAUTHORIZED" },
  { status: 403, code: "LIBRARY_DENIED" },
  { status: 404, code: "NOT_FOUND" },
  { status: 406, code: "LIBRARY_UNSUPPORTED" },
  { status: 429, code: "LIBRARY_RATE_LIMITED" },
  { status: 500, code: "LIBRARY_STATUS" },
];

for (const { status, code } of meanings) {
  for (const [name, path] of [
    ["image", IMAGE],
    ["file", FILE],
  ] as const) {
    test(`status ${status} for the ${name} is ${code}`, async (t) => {
      const { library, pull, images } = await setUpLibrary(t, "hinkskalle");
      library.put("e/c/n", sif);
      library.addFault(path, { status, bytes: Buffer.alloc(0) });
      await assert.rejects(pull("e/c/n"), { code });
      assert.deepEqual(await leftovers(images), []);
    });
  }
}

const refusals: readonly { readonly dialect: Dialect; readonly said: RegExp }[] = [
  { dialect: "sylabs", said: /got status 401 \(who are you\?\)$/ },
  { dialect: "enterprise", said: /got status 401 \(who are you\?\)$/ },
  { dialect: "hinkskalle", said: /got status 401 \(who are you\?: no more\)$/ },
  { dialect: "sregistry", said: /got status 401$/ },
];

for (const { dialect, said } of refusals) {
  test(`${dialect}: what it says of a refusal and of what is not there is told`, async (t) => {
    const { library, pull } = await setUpLibrary(t, dialect);
    library.put("e/c/n", sif, { isPrivate: true });
    await assert.rejects(pull("e/c/n"), { code: "LIBRARY_UNAUTHORIZED", message: said });
    const missing = new RegExp(
      said.source.replace("401", "404").replace("who are you\\?", "image not found"),
    );
    await assert.rejects(pull("e/c/none"), { code: "NOT_FOUND", message: missing });
  });
}

test("what a store of objects forbids is no question of the library's token", async (t) => {
  const { library, objects, pull } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif);
  library.addFault(FILE, { status: 303, redirect: `${objects.url}/objects/none?sig=secret` });
  await assert.rejects(pull("e/c/n"), (error: Error) => {
    assert.ok("code" in error && error.code === "LIBRARY_STATUS", error.message);
    assert.match(
      error.message,
      /got status 403 from 127\.0\.0\.1:\d+, where the library keeps it$/,
    );
    assert.ok(!error.message.includes("secret"));
    return true;
  });
});

test("a page instead of JSON is LIBRARY_PROTOCOL, with its first line alone", async (t) => {
  const { library, pull } = await setUpLibrary(t, "enterprise");
  library.addFault(IMAGE, { status: 200, bytes: HTML });
  await assert.rejects(pull("e/c/n"), {
    code: "LIBRARY_PROTOCOL",
    message: /expected JSON from the library, got "<!DOCTYPE html>"$/,
  });
});

const strange = [
  { name: "no object", bytes: '"image"' },
  { name: "no data", bytes: "{}" },
  { name: "data that is no object", bytes: '{"data":[]}' },
  { name: "more than a mebibyte", bytes: `{"data":{},"x":"${"x".repeat(1024 * 1024)}"}` },
];

for (const { name, bytes } of strange) {
  test(`an answer with ${name} is LIBRARY_PROTOCOL`, async (t) => {
    const { library, pull } = await setUpLibrary(t, "enterprise");
    library.addFault(IMAGE, { status: 200, bytes: Buffer.from(bytes) });
    await assert.rejects(pull("e/c/n"), { code: "LIBRARY_PROTOCOL" });
  });
}

test("a library that sends us to the machine's own services is HTTP_ADDRESS_REFUSED", async (t) => {
  const { library, pull } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif);
  library.addFault(FILE, { redirect: "https://169.254.169.254/latest/meta-data" });
  await assert.rejects(pull("e/c/n"), { code: "HTTP_ADDRESS_REFUSED" });
});
