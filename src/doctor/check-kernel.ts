import type { Finding } from "./finding.ts";
import type { Compression } from "../image/index.ts";
import { readText, type Host } from "./host.ts";
import type { KernelSquashfs } from "./kernel.ts";

/** Programs that mount squashfs without the kernel's driver. */
const FUSE_READERS = ["squashfuse_ll", "squashfuse"] as const;
const FUSE_HELPERS = ["fusermount3", "fusermount"] as const;

/** What the kernel reads by itself, and whether runtimes can have it mount something. */
export async function checkKernel(
  host: Host,
  kernel: KernelSquashfs,
  compression: Compression,
): Promise<Finding[]> {
  return [
    squashfsFinding(kernel, compression),
    await loopFinding(host),
    await userNamespaceFinding(host),
    await fuseFinding(host),
  ];
}

function squashfsFinding(
  { driver, compressors }: KernelSquashfs,
  compression: Compression,
): Finding {
  const base = {
    topic: "kernel",
    check: "squashfs",
    facts: { driver, compressors: compressors ?? null },
  } as const;
  const inUserSpace = "runtimes need squashfuse instead: install it";
  if (driver === "missing") {
    return {
      ...base,
      status: "warning",
      text: "the kernel has no squashfs",
      remedy: `${inUserSpace}, or the package with this kernel's extra modules`,
    };
  }
  if (driver === "unknown") {
    return {
      ...base,
      status: "note",
      text: "squashfs is not loaded, and whether there is a module for it cannot be seen from here",
      remedy: `as root: modprobe squashfs; without it ${inUserSpace}`,
    };
  }
  const how = driver === "ready" ? "" : ", as a module";
  if (compressors === undefined) {
    return {
      ...base,
      status: "note",
      text: `the kernel has squashfs${how}; its configuration, and so what it decompresses, cannot be read`,
    };
  }
  if (!compressors.includes(compression)) {
    return {
      ...base,
      status: "warning",
      text: `the kernel has squashfs${how}, which reads ${listOf(compressors)}, and images are made with ${compression}`,
      remedy: compression === "zstd" ? "set compression: gzip in the configuration" : inUserSpace,
    };
  }
  return {
    ...base,
    status: "ok",
    text: `the kernel has squashfs${how}, which reads ${listOf(compressors)}`,
  };
}

function listOf(words: readonly string[]): string {
  return words.length === 0 ? "nothing" : words.join(", ");
}

async function loopFinding(host: Host): Promise<Finding> {
  const base = { topic: "kernel", check: "loop-devices" } as const;
  if ((await host.facts("/dev/loop-control")) !== undefined) {
    return { ...base, status: "ok", text: "there are loop devices" };
  }
  const devices = ((await host.list("/dev")) ?? []).filter((name) => /^loop[0-9]+$/.test(name));
  if (devices.length > 0) {
    return {
      ...base,
      status: "note",
      text: `there are ${devices.length} loop devices, and no /dev/loop-control to make more`,
    };
  }
  return {
    ...base,
    status: "warning",
    text: "no loop devices: root and set-uid runtimes cannot mount a SIF",
    remedy: "as root: modprobe loop; in a container, give it /dev/loop-control",
  };
}

/** Whether one without root's rights may make the namespaces that containers need: a warning where not. */
export async function userNamespaceFinding(host: Host): Promise<Finding> {
  const base = { topic: "kernel", check: "user-namespaces" } as const;
  const refused = (text: string, remedy: string): Finding => ({
    ...base,
    status: "warning",
    text: `${text}: runtimes without set-uid root do not work`,
    remedy,
  });
  if ((await host.facts("/proc/self/ns/user")) === undefined) {
    return refused("the kernel has no user namespaces", "use a kernel with CONFIG_USER_NS");
  }
  if ((await numberIn(host, "/proc/sys/user/max_user_namespaces")) === 0) {
    return refused(
      "no user namespace may be made",
      "as root: sysctl user.max_user_namespaces=15000",
    );
  }
  if ((await numberIn(host, "/proc/sys/kernel/unprivileged_userns_clone")) === 0) {
    return refused(
      "only root may make user namespaces",
      "as root: sysctl kernel.unprivileged_userns_clone=1",
    );
  }
  if ((await numberIn(host, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns")) === 1) {
    return {
      ...base,
      status: "note",
      text: "user namespaces are for programs with an AppArmor profile that allows them",
      remedy: "runtimes from packages bring their profile; one in another place needs its own",
    };
  }
  return { ...base, status: "ok", text: "everybody may make user namespaces" };
}

async function numberIn(host: Host, path: string): Promise<number | undefined> {
  const text = (await readText(host, path))?.trim() ?? "";
  return /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

async function fuseFinding(host: Host): Promise<Finding> {
  const device = (await host.facts("/dev/fuse")) !== undefined;
  const reader = await findFirst(host, FUSE_READERS);
  const helper = await findFirst(host, FUSE_HELPERS);
  const base = {
    topic: "kernel",
    check: "fuse",
    facts: { device, squashfuse: reader ?? null, fusermount: helper ?? null },
  } as const;
  if (!device) {
    return {
      ...base,
      status: "warning",
      text: "no /dev/fuse: nobody but root and set-uid runtimes can mount a SIF",
      remedy: "as root: modprobe fuse; in a container, give it /dev/fuse",
    };
  }
  if (reader === undefined) {
    return {
      ...base,
      status: "note",
      text: "FUSE is there, squashfuse is not on PATH",
      remedy: "install squashfuse, unless the runtime brings its own, as packages of Apptainer do",
    };
  }
  return { ...base, status: "ok", text: `FUSE is there, and ${reader}` };
}

async function findFirst(host: Host, programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    const path = await host.find(program);
    if (path !== undefined) return path;
  }
  return undefined;
}
