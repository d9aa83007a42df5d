import assert from "node:assert/strict";
import { test } from "node:test";
import { runHere } from "../../src/cli/cli-fixture.ts";
import { EXIT } from "../../src/cli/index.ts";
import {
  BLOB,
  image,
  layer,
  MANIFEST,
  OCI,
  setUpHostile,
  TAG,
  testHostile,
} from "../fixtures/hostile-stage.ts";
import type { RegistryGuard } from "../fixtures/registry/index.ts";

// What registries have done to their clients, or could: whole pulls from servers that misbehave, as
// somebody whose password would be worth having. None gets it, and none sends us anywhere that
// it has no say over. What they answer is in hostile-answers.test.ts.

const challengeOf = (realm: string): RegistryGuard => ({
  challenge: () => `Bearer realm="${realm}",service="s"`,
  allows: () => false,
});

testHostile([
  {
    name: "a layer with URLs of its own is fetched from the registry alone (CVE-2020-15157)",
    stage: ({ registry, stranger }) => {
      const manifest = {
        schemaVersion: 2,
        mediaType: OCI,
        config: image.config,
        layers: [{ ...layer, urls: [`${stranger.url}${BLOB}`] }],
      };
      registry.putManifest("app", Buffer.from(JSON.stringify(manifest)), OCI, "1");
    },
  },
  {
    name: "a realm on another host does not get the password (ggcr #2193)",
    codes: ["REGISTRY_REALM"],
    stage: ({ registry, stranger }) => {
      registry.guardWith(challengeOf(`http://localhost:${new URL(stranger.url).port}/token`));
    },
  },
  {
    name: "a realm at a metadata address is not asked (CVE-2026-33990)",
    codes: ["REGISTRY_REALM"],
    stage: ({ registry }) => {
      registry.guardWith(challengeOf("https://169.254.169.254/latest/meta-data"));
    },
  },
  {
    name: "a realm with user info is not asked",
    codes: ["REGISTRY_REALM"],
    stage: ({ registry, tokens }) => {
      registry.guardWith(challengeOf(tokens.realm.replace("http://", "http://eve:x@")));
    },
  },
  {
    name: "a token service's redirect is not followed (ggcr #2292)",
    codes: ["REGISTRY_TOKEN"],
    stage: ({ registry, tokens, stranger }) => {
      registry.guardWith(challengeOf(tokens.realm));
      tokens.addFault("/token", { redirect: `${stranger.url}/token` });
    },
  },
  {
    name: "a blob's redirect to another host takes neither password nor token along (CVE-2022-23538)",
    asksStranger: true,
    stage: ({ registry, stranger, tokens }) => {
      registry.guardWith(tokens);
      stranger.putBlob(image.blobs.get(layer.digest) ?? Buffer.alloc(0));
      registry.addFault(BLOB, { redirect: `${stranger.url}${BLOB}`, method: "GET" });
    },
  },
  {
    name: "a redirect there and back does not bring the token back (ggcr #2337)",
    codes: ["REGISTRY_UNAUTHORIZED"],
    asksStranger: true,
    stage: ({ registry, stranger, tokens }) => {
      registry.guardWith(tokens);
      registry.addFault(TAG, { redirect: `${stranger.url}${TAG}` });
      stranger.addFault(TAG, { redirect: `${registry.url}${TAG}2` });
    },
  },
  {
    name: "the challenge of a redirect's target is not answered",
    codes: ["REGISTRY_UNAUTHORIZED"],
    asksStranger: true,
    stage: ({ registry, stranger, tokens }) => {
      registry.addFault(TAG, { redirect: `${stranger.url}${TAG}` });
      stranger.guardWith(challengeOf(tokens.realm));
    },
    check: ({ tokens }) => {
      assert.deepEqual(tokens.requests, []);
    },
  },
  {
    name: "a redirect to a metadata address is not followed (ggcr #2440)",
    codes: ["HTTP_ADDRESS_REFUSED"],
    stage: ({ registry }) => {
      registry.addFault(BLOB, { redirect: "https://[::ffff:169.254.169.254]/", method: "GET" });
    },
  },
  {
    name: "a redirect to a file is not followed",
    codes: ["HTTP_REDIRECT"],
    stage: ({ registry }) => {
      registry.addFault(BLOB, { redirect: "file:///etc/passwd", method: "GET" });
    },
  },
  {
    name: "a registry that always wants another login is asked no more than six times",
    codes: ["REGISTRY_UNAUTHORIZED"],
    stage: ({ registry, tokens }) => {
      let count = 0;
      registry.guardWith({
        challenge: () => `Bearer realm="${tokens.realm}",service="s",scope="s${(count += 1)}:a:b"`,
        allows: () => false,
      });
    },
  },
  {
    name: "a Link to another host is not followed",
    stage: ({ registry, stranger }) => {
      const headers = { link: `<${stranger.url}/v2/app/tags/list?n=1>; rel="next"` };
      for (const path of [TAG, MANIFEST, BLOB]) registry.addFault(path, { headers });
    },
  },
  {
    name: "a Location with an answer that is none of a redirect is not followed",
    stage: ({ registry, stranger }) => {
      const headers = { location: `${stranger.url}${BLOB}`, refresh: `0; url=${stranger.url}` };
      for (const path of [TAG, MANIFEST, BLOB]) registry.addFault(path, { headers });
    },
  },
  {
    name: "escape sequences in an error reach no terminal",
    codes: ["REGISTRY_DENIED"],
    stage: ({ registry }) => {
      const errors = [{ code: "DENIED", message: "\u001b]0;owned\u0007\u202egpj" }];
      registry.addFault(TAG, { status: 403, bytes: Buffer.from(JSON.stringify({ errors })) });
    },
  },
  {
    name: "a signed URL that fails is shown without its signature",
    codes: ["HTTP_UNREACHABLE", "REGISTRY_STATUS", "HTTP_REDIRECT"],
    asksStranger: true,
    stage: ({ registry, stranger }) => {
      const signed = `${stranger.url}/b?X-Amz-Signature=s3cr3t&sig=s3cr3t`;
      registry.addFault(BLOB, { redirect: signed, method: "GET" });
      stranger.addFault("/b", { reset: true });
    },
  },
]);

for (const reference of [
  "app/../../secret:1",
  "app:1\r\nx-header: y",
  "app%2f..%2fsecret:1",
  "app//secret:1",
  "app@sha256:../../secret",
  "App:1",
]) {
  test(`the reference HOST/${JSON.stringify(reference)} reaches no server`, async (t) => {
    const stage = await setUpHostile(t);
    await assert.rejects(stage.pull(`${stage.registry.host}/${reference}`), {
      code: "REFERENCE_INVALID",
    });
    assert.equal(stage.registry.requests.length, 0);
  });
}

test("a signed URL that fails is shown without its signature by the command, with its stack too", async (t) => {
  const { registry, stranger, directory } = await setUpHostile(t);
  const secrets = "X-Amz-Signature=s3cr3t&X-Amz-Security-Token=s3cr3t&sig=s3cr3t&s3cr3t";
  registry.addFault(BLOB, { redirect: `${stranger.url}/b?${secrets}`, method: "GET" });
  stranger.addFault("/b", { reset: true });
  const result = await runHere(["--debug", "pull", `${registry.host}/app:1`], { directory });
  const said = result.stderr.join("\n");
  assert.equal(result.exitCode, EXIT.network, said);
  assert.match(said, /\/b\?X-Amz-Signature=\*\*\*/);
  assert.match(said, /\n {4}at /);
  assert.doesNotMatch(said, /s3cr3t/);
});
