import assert from "node:assert/strict";
import { test } from "node:test";
import { pullRequest, type PullFlags, type PullTarget } from "./pull-request.ts";

const HASH = "0123456789abcdef".repeat(4);
const place = { workingDirectory: "/here" };

interface TargetRow {
  readonly targets: readonly string[];
  readonly flags?: Partial<PullFlags>;
  readonly target: PullTarget;
}

const targets: readonly TargetRow[] = [
  { targets: ["busybox"], target: { kind: "store", file: undefined } },
  { targets: ["a.sif", "busybox"], target: { kind: "store", file: "/here/a.sif" } },
  {
    targets: ["busybox"],
    flags: { output: "/tmp/a.sif" },
    target: { kind: "store", file: "/tmp/a.sif" },
  },
  {
    targets: ["./a.sif", "busybox"],
    flags: { output: "/here/a.sif" },
    target: { kind: "store", file: "/here/a.sif" },
  },
  {
    targets: ["busybox"],
    flags: { store: false },
    target: { kind: "file", file: "/here/busybox_latest.sif" },
  },
  {
    targets: ["docker://localhost:5000/team/app:1.0"],
    flags: { store: false },
    target: { kind: "file", file: "/here/app_1.0.sif" },
  },
  {
    targets: [`gcr.io/team/app:1.0@sha256:${HASH}`],
    flags: { store: false },
    target: { kind: "file", file: `/here/app_sha256.${HASH}.sif` },
  },
  {
    targets: ["library://me/c/app:1"],
    flags: { store: false },
    target: { kind: "file", file: "/here/app_1.sif" },
  },
  {
    targets: ["a.sif", "busybox"],
    flags: { store: false },
    target: { kind: "file", file: "/here/a.sif" },
  },
];

for (const { targets: given, flags, target } of targets) {
  test(`pull ${given.join(" ")} ${JSON.stringify(flags ?? {})} goes to ${JSON.stringify(target)}`, async () => {
    const request = await pullRequest(given, { store: true, cache: true, ...flags }, place);
    assert.deepEqual(request.target, target);
    assert.equal(request.reference, given.at(-1));
  });
}

const refusals = [
  { name: "three arguments", targets: ["a", "b", "c"], code: "USAGE" },
  { name: "two files", targets: ["a.sif", "b"], flags: { output: "c.sif" }, code: "USAGE" },
  { name: "an empty file name", targets: ["b"], flags: { output: "" }, code: "USAGE" },
  {
    name: "a platform twice",
    targets: ["b"],
    flags: { platform: "linux/arm64", arch: "arm64" },
    code: "USAGE",
  },
  { name: "no platform", targets: ["b"], flags: { platform: "arm64" }, code: "PLATFORM_INVALID" },
  { name: "a bad --arch", targets: ["b"], flags: { arch: "a/b/c" }, code: "PLATFORM_INVALID" },
  {
    name: "a --tmpdir that is not there",
    targets: ["b"],
    flags: { tmpdir: "nowhere" },
    code: "USAGE",
  },
  {
    name: "a --tmpdir that is a file",
    targets: ["b"],
    flags: { tmpdir: import.meta.filename },
    code: "USAGE",
  },
  {
    name: "a URL as --plain-http",
    targets: ["b"],
    flags: { plainHttp: ["http://host"] },
    code: "USAGE",
  },
  {
    name: "a path in --plain-http",
    targets: ["b"],
    flags: { plainHttp: ["host/path"] },
    code: "USAGE",
  },
  { name: "an upper-case name", targets: ["Busybox"], code: "REFERENCE_INVALID" },
  { name: "an upper-case library", targets: ["library://Me/c/app"], code: "REFERENCE_INVALID" },
] as const;

for (const { name, targets: given, code, ...row } of refusals) {
  test(`pull refuses ${name}`, async () => {
    const flags = "flags" in row ? row.flags : {};
    await assert.rejects(pullRequest(given, { store: true, cache: true, ...flags }, place), {
      code,
    });
  });
}

test("pull asks for what the options name of a profile, and for no more", async () => {
  const wishOf = async (flags: Partial<PullFlags>): Promise<unknown> =>
    (await pullRequest(["b"], { store: true, cache: true, ...flags }, place)).wish;
  const nothing = { compression: undefined, owners: undefined, layout: undefined };
  assert.deepEqual(await wishOf({}), nothing);
  assert.deepEqual(await wishOf({ layout: "plain" }), { ...nothing, layout: "plain" });
});

test("pull --arch is --platform linux/ARCH, in normal form", async () => {
  const { platform } = await pullRequest(
    ["b"],
    { store: true, cache: true, arch: "x86_64" },
    place,
  );
  assert.deepEqual(platform, { os: "linux", architecture: "amd64" });
});

for (const [path, reference] of [
  ["app.sif", "local.file/here/app.sif"],
  ["./app", "local.file/here/app"],
  ["/images/app.sif", "local.file/images/app.sif"],
  ["../app.sif", "local.file/app.sif"],
  ["local.file/images/app.sif", "local.file/images/app.sif"],
  ["cloud.sylabs.io/e/c/app.sif", "cloud.sylabs.io/e/c/app.sif"],
] as const) {
  test(`the path ${path} is the file ${reference}`, async () => {
    const request = await pullRequest([path], { store: true, cache: true }, place);
    assert.equal(request.reference, reference);
  });
}
