import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { withoutArmor } from "./armored-keys.ts";
import { parseKeys, parseRing } from "./key-ring.ts";
import { makeKey } from "./make-key.ts";
import type { Certificate } from "./openpgp-key.ts";
import { SigningError } from "./signing-error.ts";
import { NOW } from "./signing-fixture.ts";
import { splitKeyring } from "./split-keyring.ts";
import { armoredKey, keyBytes, mergedKey, publicKeyOf } from "./write-keys.ts";

let alice: Certificate;
let bob: Certificate;

before(async () => {
  alice = await makeKey({ name: "Alice", email: "a@b.c" }, NOW - 60_000);
  bob = await makeKey({ name: "Bob", email: "b@b.c", comment: "x", passphrase: "p" }, NOW - 60_000);
});

test("armored keys are read one behind the other, with text around and with any line ends", async () => {
  const text = `From: alice\n\n${armoredKey(publicKeyOf(alice))}\n-- \nbye\n${armoredKey(bob)}`;
  const bytes = Buffer.concat([keyBytes(publicKeyOf(alice)), keyBytes(bob)]);
  for (const form of [text, text.replaceAll("\n", "\r\n"), text.replaceAll("\n", " \n")]) {
    assert.deepEqual(Buffer.from(withoutArmor(Buffer.from(form), "text")), bytes);
  }
  const keys = await parseKeys(Buffer.from(text), "text");
  assert.deepEqual(
    keys.map((key) => [key.getUserIDs()[0], key.isPrivate()]),
    [
      ["Alice <a@b.c>", false],
      ["Bob (x) <b@b.c>", true],
    ],
  );
});

test("armor with headers and a checksum is read, whatever the checksum says", () => {
  const armored = armoredKey(alice)
    .replace("\n\n", "\nVersion: 1\nComment:\n\n")
    .replace("\n-----END", "\n=AAAA\n-----END");
  assert.deepEqual(
    Buffer.from(withoutArmor(Buffer.from(armored), "text")),
    Buffer.from(keyBytes(alice)),
  );
});

const wrongArmor = [
  { name: "without an end", change: (text: string) => text.slice(0, -20) },
  { name: "without an empty line", change: (text: string) => text.replace("\n\n", "\n") },
  { name: "of another kind", change: (text: string) => text.replaceAll("KEY BLOCK", "MESSAGE") },
  { name: "with another letter", change: (text: string) => text.replace("\n\n", "\n\n*") },
  {
    name: "of two ends",
    change: (text: string) => text.replace("BEGIN PGP PRIVATE", "BEGIN PGP PUBLIC"),
  },
];
for (const { name, change } of wrongArmor) {
  test(`armor ${name} is no keyring`, async () => {
    const bytes = Buffer.from(change(armoredKey(alice)));
    await assert.rejects(parseRing(bytes, "text"), { code: "KEY_UNREADABLE", message: /^text: / });
  });
}

test("a keyring is cut between its certificates, and nowhere else", () => {
  const parts = [keyBytes(alice), keyBytes(publicKeyOf(bob)), keyBytes(bob)];
  const marker = Buffer.from([0xca, 3, 0x50, 0x47, 0x50]);
  const found = splitKeyring(Buffer.concat([marker, ...parts]), "ring");
  assert.deepEqual(
    found.map(({ bytes, isSecret }) => [Buffer.from(bytes), isSecret]),
    [
      [Buffer.from(parts[0] ?? []), true],
      [Buffer.from(parts[1] ?? []), false],
      [Buffer.from(parts[2] ?? []), true],
    ],
  );
});

test("whatever bytes a keyring has, it is read or refused as one", async () => {
  const good = Buffer.concat([keyBytes(alice), keyBytes(bob)]);
  const spoiled = fc
    .tuple(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(300))
    .map(([changes, cut]) => {
      const bytes = Buffer.from(good.subarray(0, good.length - cut));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), spoiled), async (bytes) => {
      try {
        const entries = await parseRing(bytes, "ring");
        const size = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
        assert.ok(size <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof SigningError, String(error));
        assert.equal(error.code, "KEY_UNREADABLE");
      }
    }),
    { numRuns: 300 },
  );
});

test("two copies of a key are joined, and the secret one stays secret", async () => {
  const open = publicKeyOf(alice);
  const merged = await mergedKey(alice, open);
  assert.deepEqual(keyBytes(merged), keyBytes(alice));
  assert.equal(open.isPrivate(), false);
});
