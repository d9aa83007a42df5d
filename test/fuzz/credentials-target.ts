import assert from "node:assert/strict";
import { inspect } from "node:util";
import { fromAuthConfig } from "../../src/credentials/auth-config.ts";
import { parseCredentialDocument } from "../../src/credentials/credential-document.ts";
import { CredentialError } from "../../src/credentials/credential-error.ts";
import { credentialIn } from "../../src/credentials/credential-helper.ts";
import { keysFor, parseCredentialKey } from "../../src/credentials/credential-key.ts";
import { makeCredential } from "../../src/credentials/make-credential.ts";
import type { Credential } from "../../src/registry/index.ts";
import { credentialsInput, HOST, SECRET, type CredentialsInput } from "./credentials-inputs.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";

const PLACE = { host: HOST, repository: "team/app" };
const WORD = Buffer.from(SECRET).toString("base64").slice(0, 8);

/**
 * Files of credentials, answers of helpers and credentials of a call: who somebody is, for this
 * registry alone, or a refusal. Neither a credential nor a refusal shows a secret, and what goes into a
 * header is fit for one.
 */
export const credentialsTarget: FuzzTarget = fuzzTarget({
  inputs: credentialsInput,
  async answer(input) {
    try {
      const found = await find(input);
      for (const credential of found) check(credential);
      return found.length === 0 ? `${input.kind}: none` : `${input.kind}: ${found[0]?.kind ?? ""}`;
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      assertHidden(error);
      return `${input.kind}: ${error.code}`;
    }
  },
  show: (input) =>
    "bytes" in input
      ? `${input.kind} ${Buffer.from(input.bytes).toString("base64")}`
      : JSON.stringify(input.fields),
  batch: 5000,
  memoryMiB: 600,
});

async function find(input: CredentialsInput): Promise<readonly Credential[]> {
  switch (input.kind) {
    case "config":
    case "legacy":
      return ofDocument(input.bytes, input.kind);
    case "helper": {
      const output = Buffer.from(input.bytes).toString();
      const found = credentialIn({ succeeded: input.succeeded, output }, "test");
      return found === undefined ? [] : [found];
    }
    case "call": {
      const { signal } = new AbortController();
      const given = fromAuthConfig(input.fields, HOST, (message) => {
        assertHidden(message);
      });
      for (const host of ["quay.io.evil.test", "evil.test", "", `${HOST}:5000`]) {
        const found = await given?.find({ ...PLACE, host }, signal);
        assert.equal(found, undefined, `given to ${host}`);
      }
      const found = await given?.find(PLACE, signal);
      return found === undefined ? [] : [found];
    }
  }
}

function ofDocument(bytes: Uint8Array, format: "config" | "legacy"): readonly Credential[] {
  const called = "auth.json";
  const { auths, helpers } = parseCredentialDocument(bytes, called, format);
  const keys = keysFor([...auths.keys(), ...helpers.keys()], PLACE);
  for (const key of keys) assert.equal(parseCredentialKey(key).host, HOST, key);
  const fail = (reason: string): CredentialError =>
    new CredentialError("CREDENTIALS_FILE", `${called}: ${reason}`);
  return keys.flatMap((key) => {
    const fields = auths.get(key);
    const made = fields && makeCredential(fields, { called, fail }, { prefersAuth: true });
    return made === undefined ? [] : [made];
  });
}

function check(credential: Credential): void {
  assertHidden(credential);
  assertHidden(JSON.stringify(credential));
  switch (credential.kind) {
    case "password":
      assert.ok(credential.username !== "" && credential.password.reveal() !== "");
      assert.ok(!credential.username.includes(":"));
      break;
    case "identity-token":
      assert.notEqual(credential.token.reveal(), "");
      break;
    case "registry-token":
      assert.match(credential.token.reveal(), /^[\x21-\x7e]+$/);
      break;
  }
}

function assertHidden(value: unknown): void {
  const shown = inspect(value, { depth: 9 });
  assert.ok(!shown.includes(SECRET) && !shown.includes(WORD), shown);
}
