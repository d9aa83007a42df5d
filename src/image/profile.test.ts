import assert from "node:assert/strict";
import { test } from "node:test";
import { fitsWish, hasLayout, type Profile, type ProfileWish } from "./profile.ts";

const older: Profile = {
  codec: "gzip/0",
  compression: "gzip",
  owners: "image",
  layout: "layout/0",
};
const mismatched: Profile = { ...older, codec: "gzip/1+0123456789abcdef", layout: "layout/1" };
const plain: Profile = { codec: "zstd/12", compression: "zstd", owners: "root", layout: "plain/3" };

const rows: readonly (readonly [ProfileWish, readonly Profile[]])[] = [
  [{}, [older, mismatched, plain]],
  [{ compression: undefined, owners: undefined }, [older, mismatched, plain]],
  [{ compression: "gzip" }, [older]],
  [{ compression: "zstd" }, [plain]],
  [{ owners: "image" }, [older]],
  [{ owners: "root" }, [plain]],
  [{ layout: "runtime" }, [older]],
  [{ layout: "plain" }, [plain]],
  [{ compression: "gzip", owners: "image", layout: "runtime" }, [older]],
  [{ compression: "zstd", owners: "root", layout: "plain" }, [plain]],
  [{ compression: "gzip", layout: "plain" }, []],
  [{ compression: "zstd", owners: "image" }, []],
  [{ owners: "root", layout: "runtime" }, []],
];

for (const [wish, expected] of rows) {
  test(`${JSON.stringify(wish)} is ${expected.map(({ codec }) => codec).join(", ") || "nothing"} of what is there`, () => {
    const fitting = [older, mismatched, plain].filter((profile) => fitsWish(profile, wish));
    assert.deepEqual(fitting, expected);
  });
}

test("a layout is known by all that stands before its number", () => {
  for (const layout of ["runtime/1", "plainer/1", "plain", "plain1", "layouts/1", ""]) {
    assert.equal(hasLayout({ layout }, "plain"), false, layout);
    assert.equal(hasLayout({ layout }, "runtime"), false, layout);
  }
});
