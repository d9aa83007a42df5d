import assert from "node:assert/strict";
import { test } from "node:test";
import { DONE, fakeMachine, ROOT_FILES } from "./machine-fixture.ts";
import { parseMountTable } from "./mount-table.ts";
import { mountByAny, unmountBundle, type MountTask } from "./mounting.ts";
import { rightsOf } from "./rights.ts";

/** A table of mounts in which something is mounted at each of `paths`, on devices 0:1, 0:2… */
function tableOf(paths: readonly string[]): string {
  return paths.map((path, at) => `${at} 1 0:${at + 1} / ${path} ro - squashfs x ro\n`).join("");
}

test("a table of mounts is read with names of every kind", () => {
  const table = [
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
    "40 22 0:40 / /a\\040b\\134c\\011d/rootfs ro,nosuid shared:3 - squashfs /dev/loop0 ro",
    "broken",
    "",
  ].join("\n");
  assert.deepEqual(parseMountTable(table), [
    { path: "/", device: "8:1" },
    { path: "/a b\\c\td/rootfs", device: "0:40" },
  ]);
});

const WAYS = {
  ways: [
    { kind: "kernel", program: "/bin/mount", args: ["-x"] },
    { kind: "squashfuse", program: "/bin/squashfuse", args: [] },
  ],
  obstacles: ["smoke: no chimney"],
};
const TASK: MountTask<string> = {
  what: "image x",
  code: "BUNDLE_MOUNT",
  ways: WAYS,
  directory: "/b",
  place: "rootfs",
};

test("the first way that mounts something is taken, whatever the ones before it said", async () => {
  const files: Record<string, string> = { ...ROOT_FILES };
  const machine = fakeMachine({
    files,
    run: (program) => {
      if (program === "/bin/mount") return { isDone: false, reason: "no loop device" };
      files["/proc/self/mountinfo"] = tableOf(["/b/rootfs"]);
      return DONE;
    },
  });
  assert.equal(await mountByAny(TASK, machine), "squashfuse");
  assert.deepEqual(machine.ran, ["/bin/mount -x rootfs", "/bin/squashfuse rootfs"]);
});

test("where no way mounts anything, each says why", async () => {
  const machine = fakeMachine({
    files: ROOT_FILES,
    run: (program) => (program === "/bin/mount" ? { isDone: false, reason: "refused" } : DONE),
  });
  await assert.rejects(mountByAny(TASK, machine), {
    code: "BUNDLE_MOUNT",
    message:
      "image x cannot be mounted: smoke: no chimney; kernel: refused; squashfuse: nothing was mounted",
  });
});

test("a bundle is unmounted from the top", async () => {
  const files: Record<string, string> = { ...ROOT_FILES };
  let mounted = ["/", "/b/image", "/b/rootfs", "/bb/rootfs"];
  files["/proc/self/mountinfo"] = tableOf(mounted);
  const machine = fakeMachine({
    files,
    programs: ["umount"],
    run: (_program, args) => {
      mounted = mounted.filter((path) => path !== args.at(-1));
      files["/proc/self/mountinfo"] = tableOf(mounted);
      return DONE;
    },
  });
  await unmountBundle("/b", machine, await rightsOf(machine));
  assert.deepEqual(machine.ran, ["/bin/umount -- /b/rootfs", "/bin/umount -- /b/image"]);
});

const refusals = [
  {
    name: "something else is mounted in it",
    mounted: ["/b/rootfs", "/b/overlay/upper/x"],
    message: /\/b\/overlay\/upper\/x$/,
  },
  { name: "something is mounted on it", mounted: ["/b"], message: /\/b$/ },
  {
    name: "something is mounted in its image",
    mounted: ["/b/rootfs", "/b/rootfs/mnt"],
    message: /rootfs\/mnt$/,
  },
] as const;

for (const { name, mounted, message } of refusals) {
  test(`a bundle is left alone where ${name}`, async () => {
    const files = { ...ROOT_FILES, "/proc/self/mountinfo": tableOf(mounted) };
    const machine = fakeMachine({ files, programs: ["umount"] });
    const rights = await rightsOf(machine);
    await assert.rejects(unmountBundle("/b", machine, rights), { code: "BUNDLE_BUSY", message });
    assert.deepEqual(machine.ran, []);
  });
}

test("a bundle is left alone while a process has its root there, and not for others that see it", async () => {
  const files: Record<string, string> = {
    ...ROOT_FILES,
    "/proc/self/mountinfo": tableOf(["/other", "/b/rootfs"]),
    "/proc/7": "",
    "/proc/7/mountinfo": tableOf(["/", "/b/rootfs"]),
    "/proc/8": "",
    "/proc/8/mountinfo": "9 1 0:9 / / rw - ext4 x rw\n1 1 0:2 / / ro - squashfs x ro\n",
  };
  const machine = fakeMachine({ files, programs: ["umount"] });
  const rights = await rightsOf(machine);
  await assert.rejects(unmountBundle("/b", machine, rights), {
    code: "BUNDLE_BUSY",
    message: /process 8 runs in it/,
  });
  assert.deepEqual(machine.ran, []);
});

test("a mount that is busy is said to be, and what the program says of it", async () => {
  const files = { ...ROOT_FILES, "/proc/self/mountinfo": tableOf(["/b/rootfs"]) };
  const run = (): { isDone: boolean; reason: string } => ({
    isDone: false,
    reason: "target is busy.",
  });
  const machine = fakeMachine({ files, programs: ["umount"], run });
  const rights = await rightsOf(machine);
  await assert.rejects(unmountBundle("/b", machine, rights), {
    code: "BUNDLE_BUSY",
    message: /target is busy/,
  });
});

test("nothing is taken for unmounted by one who cannot see what is mounted", async () => {
  const machine = fakeMachine({ files: {}, programs: ["umount"] });
  const rights = await rightsOf(machine);
  await assert.rejects(unmountBundle("/b", machine, rights), /mountinfo cannot be read/);
});
