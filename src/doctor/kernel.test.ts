import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { checkKernel } from "./check-kernel.ts";
import type { Finding } from "./finding.ts";
import { fakeHost, GOOD_MACHINE, type Machine } from "./host-fixture.ts";
import { probeKernel, type KernelSquashfs } from "./kernel.ts";

const ALL = `CONFIG_SQUASHFS=y
CONFIG_SQUASHFS_ZLIB=y
CONFIG_SQUASHFS_LZ4=y
CONFIG_SQUASHFS_LZO=y
CONFIG_SQUASHFS_XZ=y
CONFIG_SQUASHFS_ZSTD=y
`;
const GZIP_ALONE = "CONFIG_SQUASHFS=m\nCONFIG_SQUASHFS_ZLIB=y\n# CONFIG_SQUASHFS_ZSTD is not set\n";
const NONE = "# CONFIG_SQUASHFS is not set\n";
const MODULES = "/lib/modules/6.1.0/modules.dep";

interface Row {
  readonly name: string;
  readonly files: NonNullable<Machine["files"]>;
  readonly kernel: KernelSquashfs;
}

const rows: readonly Row[] = [
  {
    name: "a kernel with everything, its configuration in /proc",
    files: { "/proc/filesystems": "\tsquashfs\n", "/proc/config.gz": gzipSync(ALL) },
    kernel: { driver: "ready", compressors: ["gzip", "lzo", "xz", "lz4", "zstd"] },
  },
  {
    name: "a module that is not loaded",
    files: {
      "/proc/filesystems": "\text4\n",
      "/boot/config-6.1.0": GZIP_ALONE,
      [MODULES]: "kernel/fs/squashfs/squashfs.ko.xz:\nkernel/a.ko: kernel/b.ko\n",
    },
    kernel: { driver: "module", compressors: ["gzip"] },
  },
  {
    name: "a configuration beside the modules",
    files: { "/proc/filesystems": "\tsquashfs\n", "/lib/modules/6.1.0/config": GZIP_ALONE },
    kernel: { driver: "ready", compressors: ["gzip"] },
  },
  {
    name: "a kernel without squashfs",
    files: { "/proc/filesystems": "\text4\n", "/boot/config-6.1.0": NONE },
    kernel: { driver: "missing", compressors: [] },
  },
  {
    name: "modules without squashfs",
    files: { "/proc/filesystems": "\text4\n", [MODULES]: "kernel/fs/ext4/ext4.ko:\n" },
    kernel: { driver: "missing", compressors: undefined },
  },
  {
    name: "a container that sees nothing",
    files: { "/proc/filesystems": "nodev\tproc\n" },
    kernel: { driver: "unknown", compressors: undefined },
  },
  {
    name: "a driver and no configuration",
    files: { "/proc/filesystems": "\tsquashfs\n" },
    kernel: { driver: "ready", compressors: undefined },
  },
  {
    name: "a configuration that is damaged",
    files: { "/proc/filesystems": "\tsquashfs\n", "/proc/config.gz": "no gzip" },
    kernel: { driver: "ready", compressors: undefined },
  },
  {
    name: "file systems with other names",
    files: { "/proc/filesystems": "nodev\tsquashfsx\nnodev\tmysquashfs\n" },
    kernel: { driver: "unknown", compressors: undefined },
  },
];

for (const { name, files, kernel } of rows) {
  test(`squashfs of ${name} is seen for what it is`, async () => {
    assert.deepEqual(await probeKernel(fakeHost({ files })), kernel);
  });
}

const squashfs = [
  { driver: "ready", compressors: ["gzip", "zstd"], compression: "zstd", status: "ok" },
  { driver: "module", compressors: ["gzip"], compression: "gzip", status: "ok" },
  { driver: "ready", compressors: ["gzip"], compression: "zstd", status: "warning" },
  { driver: "ready", compressors: ["zstd"], compression: "gzip", status: "warning" },
  { driver: "ready", compressors: undefined, compression: "zstd", status: "note" },
  { driver: "unknown", compressors: undefined, compression: "gzip", status: "note" },
  { driver: "missing", compressors: undefined, compression: "gzip", status: "warning" },
] as const;

for (const { driver, compressors, compression, status } of squashfs) {
  const name = `${driver}, ${compressors?.join(" ") ?? "unknown"}`;
  test(`images of ${compression} on a kernel with squashfs ${name}: ${status}`, async () => {
    const host = fakeHost(GOOD_MACHINE);
    const [found] = await checkKernel(host, { driver, compressors }, compression);
    assert.equal(found?.check, "squashfs");
    assert.equal(found.status, status);
    assert.equal(found.remedy !== undefined, status === "warning" || driver === "unknown");
  });
}

async function found(machine: Machine, check: string): Promise<Finding> {
  const kernel: KernelSquashfs = { driver: "ready", compressors: ["gzip"] };
  const findings = await checkKernel(fakeHost(machine), kernel, "gzip");
  const [finding] = findings.filter((one) => one.check === check);
  assert.ok(finding !== undefined);
  return finding;
}

const withoutDirectories = (...names: string[]): Machine => ({
  ...GOOD_MACHINE,
  directories: (GOOD_MACHINE.directories ?? []).filter((path) => !names.includes(path)),
});
const withFile = (path: string, text: string): Machine => ({
  ...GOOD_MACHINE,
  files: { ...GOOD_MACHINE.files, [path]: text },
});

const others = [
  { name: "a good machine", machine: GOOD_MACHINE, check: "loop-devices", status: "ok" },
  {
    name: "no loop devices",
    machine: withoutDirectories("/dev/loop-control"),
    check: "loop-devices",
    status: "warning",
  },
  {
    name: "loop devices that a container was given",
    machine: { directories: ["/dev", "/dev/loop0", "/dev/loop12", "/dev/loopy"] },
    check: "loop-devices",
    status: "note",
  },
  { name: "a good machine", machine: GOOD_MACHINE, check: "user-namespaces", status: "ok" },
  {
    name: "a kernel without namespaces",
    machine: withoutDirectories("/proc/self/ns/user"),
    check: "user-namespaces",
    status: "warning",
  },
  {
    name: "a limit of no namespaces",
    machine: withFile("/proc/sys/user/max_user_namespaces", "0\n"),
    check: "user-namespaces",
    status: "warning",
  },
  {
    name: "Debian's switch",
    machine: withFile("/proc/sys/kernel/unprivileged_userns_clone", "0\n"),
    check: "user-namespaces",
    status: "warning",
  },
  {
    name: "Ubuntu's AppArmor",
    machine: withFile("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"),
    check: "user-namespaces",
    status: "note",
  },
  { name: "a good machine", machine: GOOD_MACHINE, check: "fuse", status: "ok" },
  {
    name: "no FUSE",
    machine: withoutDirectories("/dev/fuse"),
    check: "fuse",
    status: "warning",
  },
  {
    name: "no squashfuse",
    machine: { ...GOOD_MACHINE, programs: {} },
    check: "fuse",
    status: "note",
  },
] as const;

for (const { name, machine, check, status } of others) {
  test(`${check} of ${name}: ${status}`, async () => {
    const finding = await found(machine, check);
    assert.equal(finding.status, status, finding.text);
    if (status === "warning") assert.ok(finding.remedy !== undefined);
  });
}
