import type { IdMappings } from "./id-mappings.ts";
import type { RuntimeLinux, RuntimeProcess } from "./runtime-config.ts";

/** Whose network a container has: one of its own with nothing but a loopback, or the host's. */
export type Network = "none" | "host";

/** What of root's rights a container's root keeps: what packages and daemons need inside. */
const ROOT_CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_NET_BIND_SERVICE",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

/** Files of /proc and /sys that tell of the host, or act on it. */
const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/**
 * What keeps the container apart from its host.
 *
 * @param mappings - of a container without root's rights on the host; absent: with them
 */
export function isolationOf(network: Network, mappings: IdMappings | undefined): RuntimeLinux {
  const types = ["pid", "ipc", "uts", "mount"];
  if (network === "none") types.push("network");
  types.push(mappings === undefined ? "cgroup" : "user");
  return {
    namespaces: types.map((type) => ({ type })),
    ...(mappings === undefined
      ? { resources: { devices: [{ allow: false, access: "rwm" }] } }
      : { uidMappings: mappings.uids, gidMappings: mappings.gids }),
    maskedPaths: MASKED_PATHS,
    readonlyPaths: READONLY_PATHS,
  };
}

/** Nobody but the container's root has any; none are inherited by what it starts as another user. */
export function capabilitiesOf(uid: number): RuntimeProcess["capabilities"] {
  const held = uid === 0 ? ROOT_CAPABILITIES : [];
  return { bounding: ROOT_CAPABILITIES, effective: held, permitted: held };
}
