import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS, Secret } from "../../src/base/index.ts";
import { parseImageName } from "../../src/image/index.ts";
import { pullToStore } from "../../src/pull/index.ts";
import { Registries, type Credential } from "../../src/registry/index.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, openTestClient } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { pushFixture, startDockerRegistry, startTokenIssuer } from "../real/index.ts";

// Debian's registry behind a token service: signed tokens, which the registry itself checks.

const BOB = {
  name: "bob",
  password: "correct horse",
  refreshToken: "refresh-of-bob",
  repositories: ["team/app"],
};
const password: Credential = {
  kind: "password",
  username: BOB.name,
  password: new Secret(BOB.password),
  described: 'user "bob"',
};
const refresh: Credential = {
  kind: "identity-token",
  token: new Secret(BOB.refreshToken),
  described: "a refresh token",
};
const image = makeImage({ layers: [tar([{ path: "f", data: "behind a token" }])] });

test("a registry behind a token service", async (t) => {
  await using issuer = await startTokenIssuer([BOB]);
  await using registry = await startDockerRegistry({ token: issuer.trust });
  const setup = await setUpPull(t);
  await using http = openTestClient();
  const as = (credential: Credential | undefined): Registries =>
    new Registries({
      client: http.client,
      limits: DEFAULT_LIMITS,
      credentials: { find: () => Promise.resolve(credential) },
    });
  const reference = `${registry.host}/team/app:1`;
  const pull = async (credential: Credential | undefined, name = reference): Promise<string> => {
    const store = await setup.store(`store-${issuer.asked.length}`);
    const context = { ...setup.context, registries: as(credential) };
    return (await pullToStore(store, name, context, setup.options(), never)).id;
  };

  await t.test("takes what is pushed with a password: the token grants both", async () => {
    await pushFixture(image, parseImageName(reference), as(password));
    assert.deepEqual(new Set(issuer.asked), new Set(["GET bob"]));
  });

  await t.test("gives to a password and to a refresh token the same image", async () => {
    const byPassword = await pull(password);
    assert.equal(await pull(refresh), byPassword);
    assert.equal(issuer.asked.at(-1), "POST bob");
  });

  await t.test("gives nothing to nobody in particular", async () => {
    await assert.rejects(pull(undefined), { code: "REGISTRY_UNAUTHORIZED" });
    assert.equal(issuer.asked.at(-1), "GET -");
  });

  await t.test("gives nothing of another repository, and takes nothing there", async () => {
    const other = `${registry.host}/team/other:1`;
    await assert.rejects(pull(password, other), { code: "REGISTRY_UNAUTHORIZED" });
    await assert.rejects(pushFixture(image, parseImageName(other), as(password)), {
      code: "REGISTRY_UNAUTHORIZED",
    });
  });

  await t.test("gives nothing to a wrong password", async () => {
    const wrong = { ...password, password: new Secret("wrong") };
    await assert.rejects(pull(wrong), {
      code: "REGISTRY_UNAUTHORIZED",
      message: /credentials of user "bob"/,
    });
  });
});
