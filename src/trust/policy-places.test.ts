import assert from "node:assert/strict";
import { test } from "node:test";
import { formatImageName } from "../image/index.ts";
import { policyPlaces } from "./policy-places.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const BY_HASH = `library://lib.test/e/c/n:sha256.${"a".repeat(64)}`;

const rows: readonly (readonly [
  name: string,
  from: string,
  names: readonly string[],
  places: readonly string[],
])[] = [
  [
    "an image of a registry by its tags",
    "docker://r.test/a:1",
    ["r.test/a:1", "r.test/a:2", `r.test/a@${DIGEST}`],
    ["docker r.test/a:1", "docker r.test/a:2"],
  ],
  [
    "one that was pulled by its digest alone by that, in each repository",
    `r.test/a@${DIGEST}`,
    [`r.test/a@${DIGEST}`, "s.test/a:1", `s.test/a@${DIGEST}`],
    [`docker r.test/a@${DIGEST}`, "docker s.test/a:1"],
  ],
  ["one without a name by its reference", "r.test/a:1", [], ["docker r.test/a:1"]],
  ["an archive by its path, whatever it is called", "oci:/l", ["r.test/a:1"], ["oci /l"]],
  [
    "an archive that a registry had, too, as both",
    "oci:/l",
    ["x.test/a:1", "r.test/a:1", `r.test/a@${DIGEST}`],
    ["oci /l", "docker r.test/a:1"],
  ],
  [
    "a file by its own path, whatever leads to it",
    "/srv/a.sif",
    ["local.file/link.sif", "local.file/alias"],
    ["sif /srv/a.sif"],
  ],
  [
    "an image of a registry that lies in a file, too, as both",
    "r.test/a:1",
    ["r.test/a:1", "local.file/srv/a.sif"],
    ["docker r.test/a:1", "sif /srv/a.sif"],
  ],
  [
    "a file of libraries by each of its tags",
    "library://lib.test/e/c/n:1",
    ["library://lib.test/e/c/n:1", "library://lib.test/e/c/n:2", BY_HASH],
    ["library lib.test/e/c/n:1", "library lib.test/e/c/n:2"],
  ],
  ["an image that came from nowhere by what is known", "?", [], ["sif ?"]],
];

for (const [name, from, names, places] of rows) {
  test(`a policy.json knows ${name}`, () => {
    const got = policyPlaces({ from, names }).map(
      (place) => `${place.transport} ${"name" in place ? formatImageName(place.name) : place.path}`,
    );
    assert.deepEqual(got, places);
  });
}
