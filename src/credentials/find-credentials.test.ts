import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { basic, never, newDirectory, revealed } from "./credential-fixture.ts";
import { usualFiles } from "./credential-places.ts";
import { pairOfEnvironment } from "./environment-credentials.ts";
import { findableCredentials } from "./find-credentials.ts";

const HOME = { host: "quay.io", repository: "team/app" };

/** Every place, first the one that comes first. */
const ORDER: readonly { readonly name: string; readonly file?: string }[] = [
  { name: "--authfile", file: "named.json" },
  { name: "APPTAINER_DOCKER_USERNAME" },
  { name: "REGISTRY_AUTH_FILE", file: "variable.json" },
  { name: "DOCKER_AUTH_CONFIG" },
  { name: "XDG_RUNTIME_DIR", file: "run/containers/auth.json" },
  { name: "containers of the home", file: "home/.config/containers/auth.json" },
  { name: "apptainer", file: "home/.apptainer/docker-config.json" },
  { name: "singularity", file: "home/.singularity/docker-config.json" },
  { name: "docker", file: "home/.docker/config.json" },
  { name: "dockercfg", file: "home/.dockercfg" },
];

for (const [first, { name }] of ORDER.entries()) {
  test(`of all places that know one, ${name} comes before those behind it`, async (t) => {
    const directory = await newDirectory(t);
    const variables: Record<string, string> = { XDG_RUNTIME_DIR: join(directory, "run") };
    let authFile: { readonly path: string; readonly namedBy: string } | undefined;
    for (const place of ORDER.slice(first)) {
      const entries = { "quay.io": { auth: basic(`${place.name}:pw`) } };
      if (place.file !== undefined) {
        const path = join(directory, place.file);
        await mkdir(dirname(path), { recursive: true });
        const document = place.name === "dockercfg" ? entries : { auths: entries };
        await writeFile(path, JSON.stringify(document));
        if (place.name === "--authfile") authFile = { path: "named.json", namedBy: "--authfile" };
        if (place.name === "REGISTRY_AUTH_FILE") variables[place.name] = "variable.json";
      } else if (place.name === "DOCKER_AUTH_CONFIG") {
        variables[place.name] = JSON.stringify({ auths: entries });
      } else {
        variables[place.name] = place.name;
        variables["APPTAINER_DOCKER_PASSWORD"] = "pw";
      }
    }
    const credentials = findableCredentials(
      { authFile, domain: "quay.io" },
      {
        variables,
        workingDirectory: directory,
        homeDirectory: join(directory, "home"),
        userId: 1000,
      },
    );
    assert.equal(revealed(await credentials.find(HOME, never)), `${name}:pw`);
  });
}

test("a place that knows none leaves it to the next, and a broken one does not", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "named.json"), '{"auths":{"gcr.io":{}}}');
  await mkdir(join(directory, "containers"));
  await writeFile(join(directory, "containers/auth.json"), "{");
  await writeFile(
    join(directory, ".dockercfg"),
    JSON.stringify({ "quay.io": { auth: basic("bob:pw") } }),
  );
  const credentials = findableCredentials(
    { authFile: { path: join(directory, "named.json"), namedBy: "--authfile" } },
    {
      variables: { XDG_CONFIG_HOME: directory, XDG_RUNTIME_DIR: "/nowhere" },
      workingDirectory: "/",
      homeDirectory: directory,
      userId: 1000,
    },
  );
  await assert.rejects(credentials.find(HOME, never), {
    code: "CREDENTIALS_FILE",
    message: /containers\/auth\.json/,
  });
  await writeFile(join(directory, "containers/auth.json"), "{}");
  assert.equal(revealed(await credentials.find(HOME, never)), "bob:pw");
});

const files = [
  {
    name: "no variable",
    variables: {},
    paths: [
      "/run/containers/1000/auth.json",
      "/home/me/.config/containers/auth.json",
      "/home/me/.apptainer/docker-config.json",
      "/home/me/.singularity/docker-config.json",
      "/home/me/.docker/config.json",
      "/home/me/.dockercfg",
    ],
  },
  {
    name: "every variable",
    variables: {
      XDG_RUNTIME_DIR: "/r",
      XDG_CONFIG_HOME: "/c",
      APPTAINER_CONFIGDIR: "/a",
      SINGULARITY_CONFIGDIR: "/s",
      DOCKER_CONFIG: "/d",
    },
    paths: [
      "/r/containers/auth.json",
      "/c/containers/auth.json",
      "/a/docker-config.json",
      "/s/docker-config.json",
      "/d/config.json",
      "/home/me/.dockercfg",
    ],
  },
  {
    name: "empty and relative variables",
    variables: { XDG_RUNTIME_DIR: "", XDG_CONFIG_HOME: "c", DOCKER_CONFIG: "./d" },
    paths: [
      "/run/containers/1000/auth.json",
      "/home/me/.config/containers/auth.json",
      "/home/me/.apptainer/docker-config.json",
      "/home/me/.singularity/docker-config.json",
      "/home/me/.docker/config.json",
      "/home/me/.dockercfg",
    ],
  },
] as const;

for (const { name, variables, paths } of files) {
  test(`the usual files with ${name}`, () => {
    const surroundings = {
      variables,
      workingDirectory: "/here",
      homeDirectory: "/home/me",
      userId: 1000,
    };
    assert.deepEqual(
      usualFiles(surroundings).map(({ path }) => path),
      paths,
    );
  });
}

test("without a home directory its files are left out", () => {
  const surroundings = {
    variables: {},
    workingDirectory: "/",
    homeDirectory: undefined,
    userId: 0,
  };
  assert.deepEqual(usualFiles(surroundings), [
    { path: "/run/containers/0/auth.json", format: "config" },
  ]);
});

const pairs = [
  {
    name: "Apptainer's",
    variables: { APPTAINER_DOCKER_USERNAME: "a", APPTAINER_DOCKER_PASSWORD: "x" },
    found: "a:x",
  },
  {
    name: "Singularity's",
    variables: { SINGULARITY_DOCKER_USERNAME: "s", SINGULARITY_DOCKER_PASSWORD: "y" },
    found: "s:y",
  },
  {
    name: "Apptainer's before Singularity's",
    variables: {
      APPTAINER_DOCKER_USERNAME: "a",
      APPTAINER_DOCKER_PASSWORD: "x",
      SINGULARITY_DOCKER_USERNAME: "s",
      SINGULARITY_DOCKER_PASSWORD: "y",
    },
    found: "a:x",
  },
  {
    name: "empty ones",
    variables: { APPTAINER_DOCKER_USERNAME: "", APPTAINER_DOCKER_PASSWORD: "" },
    found: "none",
  },
  {
    name: "Docker's, which are not read",
    variables: { DOCKER_USERNAME: "d", DOCKER_PASSWORD: "z" },
    found: "none",
  },
] as const;

for (const { name, variables, found } of pairs) {
  test(`the user of the environment: ${name}`, async () => {
    const credentials = pairOfEnvironment(variables, "quay.io");
    assert.equal(revealed(await credentials?.find(HOME, never)), found);
    const elsewhere = { ...HOME, host: "mirror.example" };
    assert.equal(await credentials?.find(elsewhere, never), undefined, "for no other registry");
  });
}

test("half a user of the environment is refused, by the names of the variables", () => {
  assert.throws(() => pairOfEnvironment({ APPTAINER_DOCKER_PASSWORD: "hunter2" }, "quay.io"), {
    code: "CREDENTIALS_INVALID",
    message: /^\$APPTAINER_DOCKER_USERNAME and \$APPTAINER_DOCKER_PASSWORD: expected a user name/,
  });
});

const documents = [
  { name: "no JSON", text: "hunter2", message: /\$DOCKER_AUTH_CONFIG/ },
  {
    name: "more than auths",
    text: '{"auths":{},"credsStore":"hunter2"}',
    message: /auths and nothing else/,
  },
  {
    name: "half a pair",
    text: '{"auths":{"quay.io":{"password":"hunter2"}}}',
    message: /"quay\.io"/,
  },
] as const;

for (const { name, text, message } of documents) {
  test(`DOCKER_AUTH_CONFIG with ${name} is an error that shows nothing of it`, async () => {
    const credentials = findableCredentials(
      {},
      {
        variables: { DOCKER_AUTH_CONFIG: text },
        workingDirectory: "/",
        homeDirectory: undefined,
        userId: 1000,
      },
    );
    await assert.rejects(credentials.find(HOME, never), (error) => {
      assert.ok(error instanceof Error && "code" in error);
      assert.equal(error.code, "CREDENTIALS_INVALID");
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });
}

test("a credential shows its secret in no text", async (t) => {
  const directory = await newDirectory(t);
  const entries = {
    "quay.io": { auth: basic("bob:hunter2") },
    "gcr.io": { identitytoken: "hunter2" },
    "ghcr.io": { registrytoken: "hunter2" },
  };
  await writeFile(join(directory, "auth.json"), JSON.stringify({ auths: entries }));
  const credentials = findableCredentials(
    { authFile: { path: join(directory, "auth.json"), namedBy: "--authfile" } },
    { variables: {}, workingDirectory: "/", homeDirectory: undefined, userId: 1000 },
  );
  for (const host of Object.keys(entries)) {
    const found = await credentials.find({ ...HOME, host }, never);
    assert.match(revealed(found), /hunter2$/);
    assert.match(found?.described ?? "", /auth\.json$/);
    const inspected = inspect([found, credentials], { depth: 9, showHidden: true });
    const texts = [inspected, JSON.stringify(found), found?.described ?? ""];
    assert.doesNotMatch(texts.join(), /hunter2|aHVudGVyMg/);
  }
});
