import { existsSync } from "node:fs";
import { copyFile, link, mkdir, readdir, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";

import { noiseBytes, textBytes } from "./generated-bytes.ts";
import { cachedFolder } from "./image-cache.ts";
import { run } from "./run.ts";
import { addLayer, repackLayer, startImage, umociUnpack, type LayoutImage } from "./umoci.ts";

const SMALL_FILES = 20_000;
const TIME = new Date("2024-05-06T07:08:09Z");

/**
 * The image that budgets are measured with: Debian 12 by debootstrap, then python3, then 20,000
 * small files with deletions, an opaque directory, hard links, an xattr, a capability, a sparse
 * file, a fifo and a symbolic link. Takes minutes and root the first time.
 */
export async function bigImage(): Promise<LayoutImage> {
  const recipe = ["big-image.ts", "generated-bytes.ts", "umoci.ts"];
  const folder = await cachedFolder(
    "big",
    recipe.map((file) => join(import.meta.dirname, file)),
    buildBigImage,
  );
  return { layout: join(folder, "layout"), tag: "big" };
}

async function buildBigImage(work: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("building the big image needs root (debootstrap)");
  const image = { layout: join(work, "layout"), tag: "big" };
  await startImage(image, {
    cmd: ["python3"],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
    labels: { "org.opencontainers.image.title": "big" },
    workingDir: "/opt/app",
  });
  const bundle = join(work, "bundle");
  const root = await umociUnpack(image, bundle);
  await run("debootstrap", ["--variant=minbase", "bookworm", root]);
  await cleanPackages(root);
  await repackLayer(image, bundle);
  await installPython(root);
  await repackLayer(image, bundle);
  await addApplicationLayer(image, work, root);
  for (const scrap of ["bundle", "application", "application.tar", "application.list"]) {
    await rm(join(work, scrap), { recursive: true, force: true });
  }
}

async function installPython(root: string): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  // This machine's way to the outside, in case debootstrap's copy is a dangling link.
  await copyFile("/etc/resolv.conf", join(root, "etc/resolv.conf"));
  await run("chroot", [root, "apt-get", "-qq", "update"], { env });
  const install = ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", "python3"];
  await run("chroot", [root, ...install], { env });
  await cleanPackages(root);
}

async function cleanPackages(root: string): Promise<void> {
  await run("chroot", [root, "apt-get", "clean"]);
  const lists = join(root, "var/lib/apt/lists");
  for (const entry of await readdir(lists)) await rm(join(lists, entry), { recursive: true });
}

/** The third layer, of files with the names that whiteouts have in an archive. */
async function addApplicationLayer(image: LayoutImage, work: string, below: string): Promise<void> {
  const folder = join(work, "application");
  const paths = ["opt/app", ...(await writeModules(folder)), ...(await writeSpecials(folder))];
  for (const whiteout of ["usr/share/.wh.doc", "etc/.wh.issue", "usr/share/locale/.wh..wh..opq"]) {
    const hidden = whiteout.replace("/.wh..wh..opq", "").replace(".wh.", "");
    if (!existsSync(join(below, hidden))) throw new Error(`${hidden}: no such path to delete`);
    await put(folder, whiteout, Buffer.alloc(0));
    paths.push(whiteout);
  }
  await put(folder, "usr/share/locale/new", textBytes("locale", 100));
  paths.push("usr/share/locale/new");
  const list = join(work, "application.list");
  await writeFile(list, paths.join("\n"));
  const archive = join(work, "application.tar");
  const form = ["--format=posix", "--pax-option=delete=atime,delete=ctime", "--sparse"];
  const facts = ["--numeric-owner", "--xattrs", "--xattrs-include=*"];
  // Only the paths of the list: entries for their parents would give those our owners and times.
  const which = ["--no-recursion", "--directory", folder, "--files-from", list];
  await run("tar", ["--create", "--file", archive, ...form, ...facts, ...which]);
  await addLayer(image, archive);
}

/** Small files as a program's dependencies have them, a hundred to a package. */
async function writeModules(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (let number = 0; number < SMALL_FILES; number += 1) {
    const home = `opt/app/package-${String(Math.floor(number / 100)).padStart(3, "0")}`;
    if (number % 100 === 0) paths.push(home);
    const path = `${home}/module-${String(number % 100).padStart(2, "0")}.py`;
    // From 100 bytes to 32 KB, as many between 100 and 200 as between 10,000 and 20,000.
    const size = Math.round(100 * 320 ** (noiseBytes(path, 4).readUInt32LE() / 2 ** 32));
    await put(folder, path, textBytes(path, size));
    paths.push(path);
  }
  return paths;
}

async function writeSpecials(folder: string): Promise<string[]> {
  const full = (path: string): string => join(folder, "opt/app", path);
  await put(folder, "opt/app/linked", textBytes("linked", 300_000));
  await link(full("linked"), full("linked-again"));
  await link(full("linked"), full("package-000/linked-too"));
  await put(folder, "opt/app/noted", textBytes("noted", 500));
  await run("setfattr", ["--name=user.note", "--value=a value", full("noted")]);
  await put(folder, "opt/app/capable", textBytes("capable", 20_000));
  await run("setcap", ["cap_net_bind_service=ep", full("capable")]);
  await put(folder, "opt/app/sparse", textBytes("sparse", 10_000));
  await truncate(full("sparse"), 64 * 1024 * 1024);
  await utimes(full("sparse"), TIME, TIME);
  await run("mkfifo", [full("fifo")]);
  await run("ln", ["--symbolic", "package-000/module-00.py", full("main.py")]);
  await run("touch", ["--no-dereference", `--date=${TIME.toISOString()}`, full("main.py")]);
  const names = ["linked", "linked-again", "package-000/linked-too", "noted", "capable", "sparse"];
  return [...names, "fifo", "main.py"].map((name) => `opt/app/${name}`);
}

async function put(folder: string, path: string, content: Uint8Array): Promise<void> {
  const full = join(folder, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content);
  await utimes(full, TIME, TIME);
}
