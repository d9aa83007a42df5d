import assert from "node:assert/strict";
import { test } from "node:test";
import { hasAttachments } from "../cosign/index.ts";
import { parseImageName } from "../image/index.ts";
import { readContainersPolicy, type PolicyReader } from "./read-containers-policy.ts";

const OPEN = JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] });
const ATTACHED = "docker:\n  reg.test/app:\n    use-sigstore-attachments: true\n";

/** A machine with these files and no other. */
function machine(files: Readonly<Record<string, string>>): PolicyReader {
  const missing = (path: string): Error =>
    Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
  return {
    homeDirectory: "/home/me",
    readText: (path) => {
      const text = files[path];
      return text === undefined ? Promise.reject(missing(path)) : Promise.resolve(text);
    },
    listDirectory: (path) => {
      const inside = Object.keys(files).filter((file) => file.startsWith(`${path}/`));
      if (inside.length === 0) return Promise.reject(missing(path));
      return Promise.resolve(inside.map((file) => file.slice(path.length + 1)));
    },
  };
}

const app = parseImageName("reg.test/app:1");

test("the file that is named is read, and signatures are looked for everywhere", async () => {
  const { policy, attachments } = await readContainersPolicy(
    "/p.json",
    machine({ "/p.json": OPEN, "/etc/containers/registries.d/a.yaml": ATTACHED }),
  );
  assert.deepEqual([policy.source, attachments], ["/p.json", undefined]);
});

test("system: the user's policy before the machine's, and one registries.d with it", async () => {
  const own = "/home/me/.config/containers/policy.json";
  const all = machine({
    [own]: OPEN,
    "/etc/containers/policy.json": OPEN,
    "/etc/containers/registries.d/a.yaml": ATTACHED,
    "/etc/containers/registries.d/README": "no: [yaml",
  });
  const { policy, attachments } = await readContainersPolicy("system", all);
  assert.equal(policy.source, own);
  assert.ok(attachments !== undefined && hasAttachments(attachments, app));
  const machines = machine({ "/etc/containers/policy.json": OPEN });
  const found = await readContainersPolicy("system", machines);
  assert.equal(found.policy.source, "/etc/containers/policy.json");
  assert.ok(found.attachments !== undefined && !hasAttachments(found.attachments, app));
});

test("the user's registries.d stands for all of it: it is not mixed with the machine's", async () => {
  const { attachments } = await readContainersPolicy(
    "system",
    machine({
      "/etc/containers/policy.json": OPEN,
      "/etc/containers/registries.d/a.yaml": ATTACHED,
      "/home/me/.config/containers/registries.d/b.yaml": "default-docker: {}\n",
    }),
  );
  assert.ok(attachments !== undefined && !hasAttachments(attachments, app));
});

const refusals: readonly (readonly [string, string, Record<string, string>, RegExp])[] = [
  ["no file at all", "system", {}, /expected a policy\.json in .*containers and .*containers/],
  ["a file that is not there", "/p.json", {}, /\/p\.json: ENOENT/],
  ["an unknown member", "/p.json", { "/p.json": '{"default":[{"type":"reject"}],"x":1}' }, /x/],
  ["no JSON", "/p.json", { "/p.json": "{" }, /\/p\.json/],
  [
    "a registries.d that is no YAML",
    "system",
    { "/etc/containers/policy.json": OPEN, "/etc/containers/registries.d/a.yaml": "a: [\n" },
    /a\.yaml:\d+: /,
  ],
  [
    "a scope that is there twice",
    "system",
    {
      "/etc/containers/policy.json": OPEN,
      "/etc/containers/registries.d/a.yaml": ATTACHED,
      "/etc/containers/registries.d/b.yaml": ATTACHED,
    },
    /b\.yaml: docker\.reg\.test\/app/,
  ],
];
for (const [name, choice, files, message] of refusals) {
  test(`${name} is refused: nothing is pulled by half a policy`, async () => {
    await assert.rejects(readContainersPolicy(choice, machine(files)), {
      name: "CosignError",
      code: "POLICY_INVALID",
      message,
    });
  });
}
