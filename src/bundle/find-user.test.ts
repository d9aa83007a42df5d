import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BundleError } from "./bundle-error.ts";
import { findUser, type ContainerUser } from "./find-user.ts";

const FILES = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "# a comment",
    "broken:x:abc:1::/x:",
    "+::::::",
    "app:x:1000:1001:An App:/home/app:/bin/sh",
    "app:x:7:7::/second:",
    "1234:x:55:55::/digits:",
    "lost:x:1002:1002::relative:",
    "last:x:1003:1003::/home/last",
  ].join("\n"),
  group: [
    "root:x:0:",
    "app:x:1001:",
    "b:x:2002:app,other",
    "a:x:2001:app",
    "own:x:1001:app",
    "bad:x::app",
  ].join("\n"),
};

const rows: readonly { readonly text: string; readonly user: Partial<ContainerUser> }[] = [
  { text: "", user: { uid: 0, gid: 0, additionalGids: [], home: "/root" } },
  { text: "root", user: { uid: 0, gid: 0, home: "/root" } },
  { text: "app", user: { uid: 1000, gid: 1001, additionalGids: [2001, 2002], home: "/home/app" } },
  { text: "app:b", user: { uid: 1000, gid: 2002, additionalGids: [], home: "/home/app" } },
  { text: "app:77", user: { uid: 1000, gid: 77, additionalGids: [] } },
  { text: "1000", user: { uid: 1000, gid: 1001, additionalGids: [], home: "/home/app" } },
  { text: "1000:5", user: { uid: 1000, gid: 5, additionalGids: [] } },
  { text: "1000:b", user: { uid: 1000, gid: 2002 } },
  { text: "5000", user: { uid: 5000, gid: 0, additionalGids: [], home: "/" } },
  { text: "5000:", user: { uid: 5000, gid: 0 } },
  { text: ":b", user: { uid: 0, gid: 2002 } },
  { text: "1234", user: { uid: 1234, gid: 0 } },
  { text: "lost", user: { uid: 1002, home: "/" } },
  { text: "last", user: { uid: 1003, home: "/home/last" } },
  { text: "4294967294:4294967294", user: { uid: 4_294_967_294, gid: 4_294_967_294 } },
];

for (const { text, user } of rows) {
  test(`user ${JSON.stringify(text)} of an image`, () => {
    const found = findUser(text, FILES);
    assert.deepEqual({ ...found, ...user }, found);
  });
}

for (const text of [
  "nobody",
  "app:none",
  "broken",
  "+",
  "-1",
  "4294967295",
  "1:99999999999",
  "app:b:c",
  "App",
]) {
  test(`user ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => findUser(text, FILES), { code: "BUNDLE_USER" });
  });
}

test("numbers need no files in the image, names do", () => {
  const user = { uid: 3, gid: 4, additionalGids: [], home: "/" };
  assert.deepEqual(findUser("3:4", {}), user);
  assert.throws(() => findUser("app", {}), { code: "BUNDLE_USER" });
});

test("whatever an image's files say, a user is a pair of ids or a BundleError", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "0", "1", ":", ",", "\n", "-", "+"),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, text, text, (user, passwd, group) => {
      try {
        const found = findUser(user, { passwd, group });
        for (const id of [found.uid, found.gid, ...found.additionalGids]) {
          assert.ok(Number.isInteger(id) && id >= 0 && id < 2 ** 32 - 1);
        }
        assert.ok(found.home.startsWith("/"));
      } catch (error) {
        assert.ok(error instanceof BundleError);
      }
    }),
  );
});
