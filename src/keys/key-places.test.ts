import assert from "node:assert/strict";
import { test } from "node:test";
import { keyPlaces } from "./key-places.ts";

const GLOBAL = [
  "/etc/singularity/global-pgp-public",
  "/usr/local/etc/singularity/global-pgp-public",
  "/etc/apptainer/global-pgp-public",
  "/usr/local/etc/apptainer/global-pgp-public",
];
const HOME = { homeDirectory: "/home/al", workingDirectory: "/here" };

const rows = [
  {
    name: "nothing is set",
    variables: {},
    own: "/home/al/.local/share/siflet/keys",
    others: ["/home/al/.singularity/sypgp", "/home/al/.apptainer/keys"],
  },
  {
    name: "SIFLET_KEYSDIR is set, relative",
    variables: { SIFLET_KEYSDIR: "k", XDG_DATA_HOME: "/data" },
    own: "/here/k",
    others: ["/home/al/.singularity/sypgp", "/home/al/.apptainer/keys"],
  },
  {
    name: "XDG_DATA_HOME is set",
    variables: { SIFLET_KEYSDIR: "", XDG_DATA_HOME: "/data" },
    own: "/data/siflet/keys",
    others: ["/home/al/.singularity/sypgp", "/home/al/.apptainer/keys"],
  },
  {
    name: "XDG_DATA_HOME is relative",
    variables: { XDG_DATA_HOME: "data" },
    own: "/home/al/.local/share/siflet/keys",
    others: ["/home/al/.singularity/sypgp", "/home/al/.apptainer/keys"],
  },
  {
    name: "both configuration directories are set",
    variables: { SINGULARITY_CONFIGDIR: "/s", APPTAINER_CONFIGDIR: "/a" },
    own: "/home/al/.local/share/siflet/keys",
    others: ["/s/sypgp", "/a/keys"],
  },
  {
    name: "the configuration directory of Singularity alone is set",
    variables: { SINGULARITY_CONFIGDIR: "/s" },
    own: "/home/al/.local/share/siflet/keys",
    others: ["/s/sypgp", "/s/keys"],
  },
  {
    name: "the key directories are set",
    variables: { SINGULARITY_SYPGPDIR: "/s", APPTAINER_KEYSDIR: "a", APPTAINER_CONFIGDIR: "/c" },
    own: "/home/al/.local/share/siflet/keys",
    others: ["/s", "/here/a"],
  },
  {
    name: "one variable names the directory of both",
    variables: { SINGULARITY_SYPGPDIR: "/s" },
    own: "/home/al/.local/share/siflet/keys",
    others: ["/s"],
  },
] as const;

for (const { name, variables, own, others } of rows) {
  test(`where keyrings are when ${name}`, () => {
    assert.deepEqual(keyPlaces({ ...HOME, variables }), { global: GLOBAL, own, others });
  });
}

test("without a home directory only the places that are named are looked at", () => {
  const nowhere = { homeDirectory: undefined, workingDirectory: "/", variables: {} };
  assert.deepEqual(keyPlaces(nowhere), { global: GLOBAL, own: undefined, others: [] });
  const variables = { SIFLET_KEYSDIR: "/k", APPTAINER_KEYSDIR: "/a" };
  assert.deepEqual(keyPlaces({ ...nowhere, variables }), {
    global: GLOBAL,
    own: "/k",
    others: ["/a"],
  });
});
