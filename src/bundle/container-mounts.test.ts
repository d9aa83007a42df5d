import assert from "node:assert/strict";
import { test } from "node:test";
import type { OciConfig } from "../image/index.ts";
import { planMounts, type MountWish } from "./container-mounts.ts";
import { rootlessMappings } from "./id-mappings.ts";
import { fakeLook, type FakePlace } from "./look-fixture.ts";

const NOTHING: MountWish = {
  config: {},
  system: [],
  binds: [],
  isWritable: false,
  mappings: undefined,
};
const ROOTLESS = rootlessMappings({ uid: 1000, gid: 1000 });

function volumes(...paths: readonly string[]): OciConfig {
  return { Volumes: Object.fromEntries(paths.map((path) => [path, {}])) };
}

interface Row {
  readonly name: string;
  readonly wish?: Partial<MountWish>;
  readonly places?: Readonly<Record<string, FakePlace>>;
  /** Destination and options of each. */
  readonly mounts: readonly string[];
  readonly refused?: readonly string[];
}

const rows: readonly Row[] = [
  { name: "an image without anything needs none", mounts: [] },
  {
    name: "the usual scratch directories that it has are in memory",
    places: { "/tmp": { isEmpty: true }, "/var/tmp": {}, "/run": { isEmpty: true } },
    mounts: [
      "/run nosuid,nodev,mode=755",
      "/tmp nosuid,nodev,mode=1777",
      "/var/tmp nosuid,nodev,mode=1777,tmpcopyup",
    ],
  },
  {
    name: "a link to one of them is that one",
    places: { "/tmp": { isEmpty: true }, "/var/tmp": { path: "/tmp", isEmpty: true } },
    mounts: ["/tmp nosuid,nodev,mode=1777"],
  },
  {
    name: "a scratch directory that leads elsewhere is none",
    places: { "/tmp": { path: "/dev/shm" }, "/run": { path: "/" } },
    mounts: [],
  },
  {
    name: "a volume is as the image has it",
    wish: { config: volumes("/data") },
    places: { "/data": { mode: 0o2770, uid: 5, gid: 6 } },
    mounts: ["/data nosuid,nodev,mode=2770,uid=5,gid=6,tmpcopyup"],
  },
  {
    name: "a volume that the image does not have is an empty directory",
    wish: { config: volumes("/data/") },
    mounts: ["/data nosuid,nodev,mode=755"],
  },
  {
    name: "without root a volume belongs to the container's root",
    wish: { config: volumes("/data"), mappings: ROOTLESS },
    places: { "/data": { uid: 5, gid: 6, isEmpty: true } },
    mounts: ["/data nosuid,nodev,mode=755"],
  },
  {
    name: "volumes come with the outer ones first",
    wish: { config: volumes("/b/c", "/a", "/b") },
    mounts: ["/a nosuid,nodev,mode=755", "/b nosuid,nodev,mode=755", "/b/c nosuid,nodev,mode=755"],
  },
  {
    name: "where everything can be written nothing is in memory",
    wish: { config: volumes("/data"), isWritable: true },
    places: { "/data": {}, "/tmp": {} },
    mounts: [],
  },
  {
    name: "what is bound takes the place of a volume, and comes last",
    wish: {
      config: volumes("/data", "/x"),
      binds: [
        { source: "/src", destination: "/data", isReadOnly: true },
        { source: "/src", destination: "/y", isReadOnly: false },
      ],
    },
    mounts: ["/x nosuid,nodev,mode=755", "/data rbind,nosuid,nodev,ro", "/y rbind,nosuid,nodev,rw"],
  },
  {
    name: "an image has no say in what is the kernel's, the root, or no path",
    wish: {
      config: volumes(
        "/",
        "/..",
        "/proc",
        "/proc/sys",
        "/dev/shm",
        "/x/../sys",
        "data",
        "/a\0b",
        "/link",
        "/file",
      ),
    },
    places: { "/link": { path: "/proc/1" }, "/file": { isDirectory: false } },
    mounts: [],
    refused: [
      "/",
      "/..",
      "/proc",
      "/proc/sys",
      "/dev/shm",
      "/x/../sys",
      "data",
      "/a\0b",
      "/link",
      "/file",
    ],
  },
  {
    name: "names that begin alike are others",
    wish: { config: volumes("/process") },
    mounts: ["/process nosuid,nodev,mode=755"],
  },
];

for (const { name, wish, places, mounts, refused } of rows) {
  test(`mounts of a bundle: ${name}`, async () => {
    const plan = await planMounts({ ...NOTHING, ...wish }, fakeLook(places ?? {}));
    const found = plan.mounts.map(
      ({ mount }) => `${mount.destination} ${(mount.options ?? []).join(",")}`,
    );
    assert.deepEqual(found, mounts);
    assert.deepEqual(plan.refusedVolumes, refused ?? []);
  });
}

test("a container does without the image's mounts, not without those of the system and the caller", async () => {
  const plan = await planMounts(
    {
      ...NOTHING,
      config: volumes("/data"),
      system: [{ destination: "/proc", type: "proc" }],
      binds: [{ source: "/src", destination: "/dst", isReadOnly: false }],
    },
    fakeLook({}),
  );
  assert.deepEqual(
    plan.mounts.map(({ isOptional }) => isOptional),
    [false, true, false],
  );
});
