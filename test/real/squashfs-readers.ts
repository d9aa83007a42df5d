import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import process from "node:process";
import { pipeline } from "node:stream/promises";

import { run } from "./run.ts";

/** A squashfs inside another file, both in bytes. */
export interface PartitionRange {
  readonly offset: number;
  readonly size: number;
}

const CAP_SYS_ADMIN = 21n;

/** Whether this process has root's right to mount, whatever there is to be mounted. */
export async function hasMountRight(): Promise<boolean> {
  const status = await readFile("/proc/self/status", "utf8");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return ((effective >> CAP_SYS_ADMIN) & 1n) === 1n;
}

/** Whether this process may mount: root with the capability, and loop devices. */
export async function canMount(): Promise<boolean> {
  return (await hasMountRight()) && existsSync("/dev/loop-control");
}

/** Whether a test may mount; one that may not is skipped, but in CI that is a failure. */
export async function mayMount(t: TestContext): Promise<boolean> {
  if (await canMount()) return true;
  const why = "mounting needs root and loop devices";
  if (process.env["CI"] === "true") throw new Error(why);
  t.skip(why);
  return false;
}

/** Mounts the partition with the kernel's own driver for as long as `use` runs on its folder. */
export async function withKernelMount<T>(
  sifFile: string,
  partition: PartitionRange,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const work = stack.use(await mkdtempDisposable(join(tmpdir(), "siflet-mount-")));
  const directory = join(work.path, "root");
  await mkdir(directory);
  const options = `loop,ro,offset=${partition.offset},sizelimit=${partition.size}`;
  await run("mount", ["-t", "squashfs", "-o", options, sifFile, directory]);
  stack.defer(async () => {
    await run("umount", [directory]);
  });
  return await use(directory);
}

/** Mounts the partition with squashfuse for as long as `use` runs on its folder. Needs root. */
export async function withFuseMount<T>(
  sifFile: string,
  { offset }: PartitionRange,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const work = stack.use(await mkdtempDisposable(join(tmpdir(), "siflet-fuse-")));
  const directory = join(work.path, "root");
  await mkdir(directory);
  await run("squashfuse", ["-o", `offset=${offset}`, sifFile, directory]);
  stack.defer(async () => {
    await run("umount", [directory]);
  });
  return await use(directory);
}

/** Copies the partition to a file of its own: rdsquashfs knows no offset. */
export async function cutPartition(
  sifFile: string,
  { offset, size }: PartitionRange,
  to: string,
): Promise<void> {
  const partition = createReadStream(sifFile, { start: offset, end: offset + size - 1 });
  await pipeline(partition, createWriteStream(to));
}

/**
 * Unpacks the partition with rdsquashfs, as root with modes, owners and times; each name of a hard
 * link becomes a file of its own.
 *
 * @param directory - a folder that does not exist yet
 */
export async function rdUnsquash(
  sifFile: string,
  partition: PartitionRange,
  directory: string,
): Promise<void> {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-rdsquashfs-"));
  const image = join(work.path, "image.squashfs");
  await cutPartition(sifFile, partition, image);
  await mkdir(directory);
  const owners = process.getuid?.() === 0 ? ["--chown"] : [];
  const options = [...owners, "--chmod", "--set-times", "--quiet"];
  await run("rdsquashfs", [...options, "--unpack-path", "/", "--unpack-root", directory, image]);
}

/**
 * Unpacks the partition with unsquashfs. Root gets everything; for another user every file is his
 * own, without set-id bits, and devices are left out.
 *
 * @param directory - a folder that does not exist yet
 */
export async function unsquash(sifFile: string, offset: number, directory: string): Promise<void> {
  const quiet = ["-quiet", "-no-progress"];
  // What only root may do makes the exit code 2 otherwise.
  if (process.getuid?.() !== 0) quiet.push("-no-exit-code");
  await run("unsquashfs", [...quiet, "-offset", String(offset), "-dest", directory, sifFile]);
}
