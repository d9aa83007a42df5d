import assert from "node:assert/strict";
import { test } from "node:test";
import { parseImageName } from "../image/index.ts";
import { fitsIdentity, type SignedIdentity } from "./signed-identity.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
const OTHER = `sha256:${"1".repeat(64)}`;
const exactly: SignedIdentity = {
  type: "exactReference",
  reference: { repository: "r.test/app", suffix: ":1" },
};
const remap: SignedIdentity = {
  type: "remapIdentity",
  prefix: "m.test/mirror",
  signedPrefix: "r.test/team",
};

const rows: readonly (readonly [SignedIdentity, string, string | undefined, boolean])[] = [
  [{ type: "matchExact" }, "r.test/a:1", "r.test/a:1", true],
  [{ type: "matchExact" }, "r.test/a:1", "r.test/a:2", false],
  [{ type: "matchExact" }, "r.test/a:1", "r.test/b:1", false],
  [{ type: "matchExact" }, "r.test/a:latest", "r.test/a", false],
  [{ type: "matchExact" }, "r.test/a:1", undefined, false],
  [{ type: "matchExact" }, "busybox:1", "docker.io/library/busybox:1", true],
  [{ type: "matchExact" }, `r.test/a@${DIGEST}`, `r.test/a@${DIGEST}`, true],
  [{ type: "matchExact" }, `r.test/a@${DIGEST}`, `r.test/a@${OTHER}`, false],
  [{ type: "matchExact" }, `r.test/a@${DIGEST}`, "r.test/a:1", false],
  [{ type: "matchExact" }, "r.test:5000/a:1", "r.test:5000/a", false],
  [{ type: "matchRepoDigestOrExact" }, "r.test/a:1", "r.test/a:1", true],
  [{ type: "matchRepoDigestOrExact" }, "r.test/a:1", "r.test/a", false],
  [{ type: "matchRepoDigestOrExact" }, "r.test/a:1", "r.test/a:2", false],
  [{ type: "matchRepoDigestOrExact" }, `r.test/a@${DIGEST}`, "r.test/a", true],
  [{ type: "matchRepoDigestOrExact" }, `r.test/a@${DIGEST}`, "r.test/a:2", true],
  [{ type: "matchRepoDigestOrExact" }, `r.test/a@${DIGEST}`, "r.test/b", false],
  [{ type: "matchRepository" }, "r.test/a:1", "r.test/a", true],
  [{ type: "matchRepository" }, "r.test/a:1", "r.test/a:2", true],
  [{ type: "matchRepository" }, "r.test/a:1", "r.test/a/b", false],
  [{ type: "matchRepository" }, "r.test/a:1", "R.TEST/a b", false],
  [{ type: "matchRepository" }, "r.test/a:1", undefined, false],
  [exactly, "elsewhere.test/x:9", "r.test/app:1", true],
  [exactly, "r.test/app:1", "r.test/app", false],
  [exactly, "r.test/app:2", "r.test/app:2", false],
  [{ type: "exactRepository", repository: "r.test/app" }, "x.test/y:1", "r.test/app:7", true],
  [{ type: "exactRepository", repository: "r.test/app" }, "r.test/b:1", "r.test/b", false],
  [remap, "m.test/mirror/app:1", "r.test/team/app:1", true],
  [remap, "m.test/mirror/app:1", "m.test/mirror/app:1", false],
  [remap, "m.test/mirror/app:1", "r.test/team/app", false],
  [remap, `m.test/mirror/app@${DIGEST}`, "r.test/team/app", true],
  [remap, "m.test/mirrored/app:1", "r.test/teamed/app:1", false],
  [remap, "m.test/mirrored/app:1", "m.test/mirrored/app:1", true],
  [remap, "m.test/mirror:1", "r.test/team:1", true],
];
for (const [identity, asked, signed, expected] of rows) {
  const verdict = expected ? "is" : "is not";
  test(`by ${identity.type} ${asked} ${verdict} what is signed as ${signed ?? "nothing"}`, () => {
    assert.equal(fitsIdentity(identity, parseImageName(asked), signed), expected);
  });
}
