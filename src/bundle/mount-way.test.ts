import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine, ROOT_FILES, type FakeMachine } from "./machine-fixture.ts";
import { waysToMountImage, type MountKind } from "./mount-way.ts";
import { waysToMountOverlay } from "./overlay.ts";
import { rightsOf } from "./rights.ts";

const ALL = ["mount", "umount", "squashfuse", "squashfuse_ll", "fusermount3", "fuse-overlayfs"];
const ROOT: FakeMachine = { files: ROOT_FILES, programs: ALL };
const USER: FakeMachine = { ...ROOT, userId: 1000, groupId: 1001 };
const OTHERS: FakeMachine = {
  ...USER,
  files: { ...ROOT_FILES, "/etc/fuse.conf": "# x\nuser_allow_other\n" },
};
const NESTED: FakeMachine = {
  ...ROOT,
  files: { ...ROOT_FILES, "/proc/self/uid_map": "0 1000 1\n1 100000 65536\n" },
};

function without(fake: FakeMachine, ...paths: readonly string[]): FakeMachine {
  const files = Object.entries(fake.files ?? {}).filter(([path]) => !paths.includes(path));
  return { ...fake, files: Object.fromEntries(files) };
}

interface Row {
  readonly name: string;
  readonly fake: FakeMachine;
  readonly wish?: MountKind;
  /** How it is mounted, the best way first. */
  readonly ways: readonly string[];
  /** Why it is not mounted otherwise. */
  readonly obstacles?: readonly RegExp[];
}

const KERNEL =
  "/bin/mount -t squashfs -o loop,ro,nosuid,nodev,offset=4096,sizelimit=8192 -- /store/x.sif";
const BASE = "-o ro,nosuid,nodev,offset=4096";

const rows: readonly Row[] = [
  {
    name: "root has the kernel do it, or else squashfuse",
    fake: ROOT,
    ways: [
      KERNEL,
      `/bin/squashfuse_ll ${BASE},allow_other,default_permissions /store/x.sif`,
      `/bin/squashfuse ${BASE},allow_other,default_permissions /store/x.sif`,
    ],
  },
  { name: "root asks for the kernel", fake: ROOT, wish: "kernel", ways: [KERNEL] },
  {
    name: "root asks for squashfuse",
    fake: { ...ROOT, programs: ["squashfuse", "mount"] },
    wish: "squashfuse",
    ways: [`/bin/squashfuse ${BASE},allow_other,default_permissions /store/x.sif`],
  },
  {
    name: "a user has squashfuse show all files as his own",
    fake: USER,
    ways: [
      `/bin/squashfuse ${BASE},uid=1000,gid=1001 /store/x.sif`,
      `/bin/squashfuse_ll ${BASE},uid=1000,gid=1001 /store/x.sif`,
    ],
    obstacles: [/^kernel: only root/],
  },
  {
    name: "a user lets others in where the host allows it",
    fake: { ...OTHERS, programs: ["squashfuse", "fusermount"] },
    ways: [`/bin/squashfuse ${BASE},uid=1000,gid=1001,allow_other /store/x.sif`],
    obstacles: [/^kernel: only root/],
  },
  {
    name: "root of a user namespace is no root",
    fake: { ...NESTED, programs: ["squashfuse", "mount"] },
    ways: [`/bin/squashfuse ${BASE},uid=0,gid=0,allow_other /store/x.sif`],
    obstacles: [/^kernel: only root/],
  },
  {
    name: "a user asks for the kernel",
    fake: USER,
    wish: "kernel",
    ways: [],
    obstacles: [/^kernel: only root with CAP_SYS_ADMIN may mount$/],
  },
  {
    name: "root without its rights",
    fake: { ...ROOT, files: { ...ROOT_FILES, "/proc/self/status": "CapEff:\t00000000a80425fb\n" } },
    ways: [],
    obstacles: [/^kernel: only root/, /^squashfuse: root has no CAP_SYS_ADMIN/],
  },
  {
    name: "no loop devices",
    fake: { ...without(ROOT, "/dev/loop-control", "/dev/fuse") },
    ways: [],
    obstacles: [/^kernel: there are no loop devices/, /^squashfuse: there is no \/dev\/fuse/],
  },
  {
    name: "a kernel without squashfs",
    fake: {
      ...ROOT,
      files: { ...ROOT_FILES, "/proc/filesystems": "", "/lib/modules/6.1.0/modules.dep": "" },
    },
    wish: "kernel",
    ways: [],
    obstacles: [/^kernel: the kernel has no squashfs$/],
  },
  {
    name: "a user without squashfuse",
    fake: { ...USER, programs: ["fusermount3"] },
    ways: [],
    obstacles: [/^kernel/, /^squashfuse: there is no squashfuse on PATH: install it$/],
  },
  {
    name: "a user without fusermount",
    fake: { ...USER, programs: ["squashfuse"] },
    wish: "squashfuse",
    ways: [],
    obstacles: [/^squashfuse: there is no fusermount3 on PATH: install fuse3$/],
  },
  {
    name: "a user who may not open the device",
    fake: { ...USER, readOnly: ["/dev/fuse"] },
    wish: "squashfuse",
    ways: [],
    obstacles: [/^squashfuse: \/dev\/fuse may not be opened by this user/],
  },
];

for (const { name, fake, wish, ways, obstacles } of rows) {
  test(`ways to mount an image: ${name}`, async () => {
    const machine = fakeMachine(fake);
    const place = { offset: 4096, size: 8192 };
    const rights = await rightsOf(machine);
    const found = await waysToMountImage(machine, rights, "/store/x.sif", place, wish);
    assert.deepEqual(
      found.ways.map(({ program, args }) => [program, ...args].join(" ")),
      ways,
    );
    assert.equal(found.obstacles.length, obstacles?.length ?? 0, found.obstacles.join("\n"));
    for (const [at, pattern] of (obstacles ?? []).entries()) {
      assert.match(found.obstacles[at] ?? "", pattern);
    }
  });
}

const layers = "lowerdir=image,upperdir=overlay/upper,workdir=overlay/work";
const overlays = [
  {
    name: "root",
    fake: ROOT,
    ways: [
      `/bin/mount -t overlay -o nosuid,nodev,${layers} overlay`,
      `/bin/fuse-overlayfs -o ${layers},allow_other`,
    ],
  },
  { name: "a user", fake: USER, ways: [`/bin/fuse-overlayfs -o ${layers}`] },
  {
    name: "a user who lets others in",
    fake: OTHERS,
    ways: [`/bin/fuse-overlayfs -o ${layers},allow_other`],
  },
  { name: "a user without the program", fake: { ...USER, programs: ["fusermount3"] }, ways: [] },
] as const;

for (const { name, fake, ways } of overlays) {
  test(`ways to mount a layer: ${name}`, async () => {
    const machine = fakeMachine(fake);
    const found = await waysToMountOverlay(machine, await rightsOf(machine));
    assert.deepEqual(
      found.ways.map(({ program, args }) => [program, ...args].join(" ")),
      ways,
    );
  });
}

const mappers = ["newuidmap", "newgidmap"];
const subordinate = { "/etc/subuid": "me:100000:65536\n", "/etc/subgid": "me:100000:65536\n" };
const mapped = [
  { name: "root has none", fake: ROOT, sizes: undefined },
  { name: "a user without subordinate ids", fake: { ...USER, programs: mappers }, sizes: [1] },
  {
    name: "a user with subordinate ids",
    fake: { ...USER, userName: "me", programs: mappers, files: { ...ROOT_FILES, ...subordinate } },
    sizes: [1, 65_536],
  },
  {
    name: "a user with subordinate ids and no program to map them",
    fake: {
      ...USER,
      userName: "me",
      programs: ["newuidmap"],
      files: { ...ROOT_FILES, ...subordinate },
    },
    sizes: [1],
  },
] as const;

for (const { name, fake, sizes } of mapped) {
  test(`mappings of ids: ${name}`, async () => {
    const { mappings } = await rightsOf(fakeMachine(fake));
    assert.deepEqual(
      mappings?.uids.map(({ size }) => size),
      sizes,
    );
  });
}
