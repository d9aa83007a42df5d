import assert from "node:assert/strict";
import { test } from "node:test";
import { homeDirectory } from "./home-directory.ts";

const nobody = (): string => {
  throw new Error("no such user");
};

const rows = [
  { name: "HOME", variable: "/home/me", listed: () => "/listed", home: "/home/me" },
  { name: "no HOME", variable: undefined, listed: () => "/listed", home: "/listed" },
  { name: "an empty HOME", variable: "", listed: () => "/listed", home: "/listed" },
  { name: "a relative HOME", variable: "me", listed: () => "/listed", home: "/listed" },
  { name: "an unlisted user", variable: undefined, listed: nobody, home: undefined },
  { name: "an unlisted user's HOME", variable: "/home/me", listed: nobody, home: "/home/me" },
  { name: "a user listed without one", variable: "", listed: () => "", home: undefined },
];

for (const { name, variable, listed, home } of rows) {
  test(`the home directory of ${name} is ${home ?? "none"}`, () => {
    assert.equal(homeDirectory(variable, listed), home);
  });
}
