import { createPrivateKey } from "node:crypto";
import fc from "fast-check";
import {
  parseKeys,
  readKeys,
  signSif,
  KeyRing,
  pemKeyOf,
  type VerificationKeys,
} from "../../src/signing/index.ts";
import { createPublicKey } from "node:crypto";
import {
  makeSif,
  never,
  ONE_GROUP,
  sourceOf,
  withPatches,
} from "../../src/signing/signing-fixture.ts";
import { edited, edits } from "./edits.ts";

/** A key for these files alone. */
const OPENPGP = `-----BEGIN PGP PRIVATE KEY BLOCK-----

lFgEawi3zBYJKwYBBAHaRw8BAQdA+jivlzIxQ4tWcefDQuQbkgUwCUF/CZ7JT9R9
0XlFmHQAAQDZLwwNOJbSQi8G7YlDPYAweRyrlavBWmTVX9soHTm3GA06tBhGdXp6
IDxmdXp6QGV4YW1wbGUudGVzdD6IkAQTFggAOBYhBOID/TKrYbJLUN1BV3iaNSoo
vkxiBQJrCLfMAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEHiaNSoovkxi
OAkBANirtWhsXLm/wW+RASG4H9IK5I752LSbLsoynfwn5bW/AP9CHQdz8PgmjLgo
rj27XFDK7cVeIs51zn/t6wsnVM8mAQ==
=O5PE
-----END PGP PRIVATE KEY BLOCK-----
`;
/** An Ed25519 key whose seed is 32 times the same byte, in PKCS #8. */
const PEM = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]),
  format: "der",
  type: "pkcs8",
});
/** When the files are signed, and when they are checked: a day after the key was made. */
export const SIGNED_AT = 1_795_816_000_000;

/** What the signatures of the inputs are by. */
export function fuzzKeys(): VerificationKeys {
  const ring = new KeyRing(async () => await readKeys(Buffer.from(OPENPGP), "fuzz"));
  return { openPgp: [ring], pem: [pemKeyOf(createPublicKey(PEM), "fuzz")] };
}

/** One group, and a second one, each signed with both keys. */
export async function signedFile(): Promise<Uint8Array> {
  let file = makeSif([...ONE_GROUP, { data: Buffer.from("more"), groupId: 2 }]);
  const [key] = await parseKeys(Buffer.from(OPENPGP), "fuzz");
  if (key === undefined) throw new Error("no key");
  for (const signer of [
    { kind: "openpgp", key },
    { kind: "pem", keys: [PEM] },
  ] as const) {
    file = withPatches(file, await signSif(sourceOf(file), signer, undefined, SIGNED_AT, never));
  }
  return file;
}

const LIST = `activated = true
legacyinsecure = false
[[execgroup]]
tagname = "group1"
mode = "whitelist"
dirpath = "/var/lib/siflet/images"
keyfp = ["${"ab".repeat(20)}", "${"CD".repeat(20)}"]
[[execgroup]]
mode = "blacklist"
dirpath = ""
keyfp = []
`;

/** A file with some bytes changed, or a list with some characters changed. */
export type SigningInput =
  | { readonly kind: "file"; readonly bytes: Uint8Array }
  | { readonly kind: "list"; readonly text: string };

/** @param file - what `signedFile` makes */
export function signingInput(file: Uint8Array): fc.Arbitrary<SigningInput> {
  const small = edits(1).filter((changes) => changes.every(({ kind }) => kind === "set"));
  const places = fc.array(
    // Where headers, records, texts and signatures are, and seldom what lies between.
    fc.record({
      at: fc.oneof(
        fc.nat(127),
        fc.integer({ min: 4096, max: 9000 }),
        fc.integer({ min: 32_176, max: 32_300 }),
        fc.integer({ min: 36_864, max: file.length - 1 }),
        fc.nat(file.length - 1),
      ),
      byte: fc.nat(255),
    }),
    { maxLength: 3 },
  );
  return fc.oneof(
    {
      weight: 3,
      arbitrary: places.map((changes): SigningInput => {
        const bytes = file.slice();
        for (const { at, byte } of changes) bytes[at] = byte;
        return { kind: "file", bytes };
      }),
    },
    {
      weight: 1,
      arbitrary: small.map((changes): SigningInput => ({
        kind: "file",
        bytes: edited(file, changes),
      })),
    },
    {
      weight: 2,
      arbitrary: edits(1).map((changes): SigningInput => ({
        kind: "list",
        text: Buffer.from(edited(Buffer.from(LIST), changes)).toString(),
      })),
    },
  );
}
