import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownCodecs } from "./known-codecs.ts";

test("a codec is known by its compression and its module, once a conversion has told", () => {
  const codecs = new KnownCodecs();
  assert.equal(codecs.idOf("gzip", "file:///a.js"), undefined);
  codecs.learn("gzip", "file:///a.js", "gzip/1");
  codecs.learn("gzip", "file:///b.js", "gzip/1+0123456789abcdef");
  assert.equal(codecs.idOf("gzip", "file:///a.js"), "gzip/1");
  assert.equal(codecs.idOf("gzip", "file:///b.js"), "gzip/1+0123456789abcdef");
  assert.equal(codecs.idOf("zstd", "file:///a.js"), undefined);
});
