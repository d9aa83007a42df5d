import assert from "node:assert/strict";
import { test } from "node:test";
import { storeDirectory } from "./default-store.ts";

const user = { workingDirectory: "/work", homeDirectory: "/home/me", isRoot: false };
const root = { workingDirectory: "/work", homeDirectory: "/root", isRoot: true };

const rows = [
  { name: "a user", variables: {}, who: user, directory: "/home/me/.local/share/siflet" },
  { name: "root", variables: {}, who: root, directory: "/var/lib/siflet" },
  {
    name: "root with XDG_DATA_HOME",
    variables: { XDG_DATA_HOME: "/data" },
    who: root,
    directory: "/var/lib/siflet",
  },
  {
    name: "XDG_DATA_HOME",
    variables: { XDG_DATA_HOME: "/data" },
    who: user,
    directory: "/data/siflet",
  },
  {
    name: "a relative XDG_DATA_HOME",
    variables: { XDG_DATA_HOME: "data" },
    who: user,
    directory: "/home/me/.local/share/siflet",
  },
  {
    name: "SIFLET_STORE",
    variables: { SIFLET_STORE: "/images", XDG_DATA_HOME: "/data" },
    who: root,
    directory: "/images",
  },
  {
    name: "a relative SIFLET_STORE",
    variables: { SIFLET_STORE: "images" },
    who: user,
    directory: "/work/images",
  },
  {
    name: "an empty SIFLET_STORE",
    variables: { SIFLET_STORE: "" },
    who: root,
    directory: "/var/lib/siflet",
  },
  {
    name: "--store",
    variables: { SIFLET_STORE: "/images" },
    given: "here",
    who: root,
    directory: "/work/here",
  },
];

for (const { name, variables, given, who, directory } of rows) {
  test(`the store of ${name} is ${directory}`, () => {
    assert.equal(storeDirectory(given, { ...who, variables }), directory);
  });
}
