import { isMapped, type IdMappings } from "./id-mappings.ts";
import type { Network } from "./isolation.ts";
import type { RuntimeMount } from "./runtime-config.ts";

/** The group that terminals belong to, on every distribution. */
const TTY_GROUP = 5;

/**
 * What every Linux container is to find, in order.
 *
 * @param mappings - of a container without root's rights on the host; absent: with them
 * @see OCI runtime-spec, config-linux.md, default filesystems
 */
export function systemMounts(
  network: Network,
  mappings: IdMappings | undefined,
): readonly RuntimeMount[] {
  const guarded = ["nosuid", "noexec", "nodev"];
  const hasTtyGroup = mappings === undefined || isMapped(TTY_GROUP, mappings.gids);
  const terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
  return [
    mount("/proc", "proc", guarded),
    mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    mount("/dev/pts", "devpts", hasTtyGroup ? [...terminals, `gid=${TTY_GROUP}`] : terminals),
    mount("/dev/shm", "tmpfs", [...guarded, "mode=1777", "size=65536k"]),
    mount("/dev/mqueue", "mqueue", guarded),
    ...kernelMounts(network, mappings !== undefined),
  ];
}

function kernelMounts(network: Network, isRootless: boolean): readonly RuntimeMount[] {
  const options = ["nosuid", "noexec", "nodev", "ro"];
  // The kernel shows /sys of a network only to those whom the network belongs to.
  if (isRootless && network === "host") {
    const source = { type: "none", source: "/sys", options: ["rbind", ...options] };
    return [{ destination: "/sys", ...source }];
  }
  const sys = mount("/sys", "sysfs", options);
  // Without root there is no cgroup that could be shown.
  return isRootless ? [sys] : [sys, mount("/sys/fs/cgroup", "cgroup", [...options, "relatime"])];
}

function mount(destination: string, type: string, options: readonly string[]): RuntimeMount {
  return { destination, type, source: type, options };
}
