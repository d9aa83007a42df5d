import { posix } from "node:path";
import type { OciConfig } from "../image/index.ts";
import type { BindMount } from "./bind-mount.ts";
import { isMapped, type IdMappings } from "./id-mappings.ts";
import type { ImageLook, ImagePlace } from "./image-look.ts";
import type { RuntimeMount } from "./runtime-config.ts";

/** A mount with a place in the image that it needs. */
export interface PlannedMount {
  readonly mount: RuntimeMount;
  /** Whether the container is to do without it where the image has no place for it. */
  readonly isOptional: boolean;
}

export interface MountWish {
  readonly config: OciConfig;
  readonly system: readonly RuntimeMount[];
  readonly binds: readonly BindMount[];
  /** Whether everything may be written, so that nothing needs a mount to be. */
  readonly isWritable: boolean;
  /** Of a container without root's rights on the host. */
  readonly mappings: IdMappings | undefined;
}

/** The mounts of a container in their order, and volumes of the image that cannot be any. */
export interface MountPlan {
  readonly mounts: readonly PlannedMount[];
  readonly refusedVolumes: readonly string[];
}

/** Where programs write even where the root is only to be read, with the modes that they expect. */
const SCRATCH_PLACES = [
  { at: "/run", mode: 0o755 },
  { at: "/tmp", mode: 0o1777 },
  { at: "/var/tmp", mode: 0o1777 },
];

/** Trees that the kernel or the runtime fills: an image has no say in them. */
const KERNEL_TREES = ["/proc", "/sys", "/dev"];

/**
 * What is mounted in a container: the system's, then what must be written though the root is only
 * read (the image's volumes and the usual scratch directories, in memory, with what the image has
 * there), then what the caller binds, which is stronger than those.
 *
 * @see image-spec conversion.md, note 2 to the optional fields
 */
export async function planMounts(wish: MountWish, look: ImageLook): Promise<MountPlan> {
  const bound = new Set(wish.binds.map(({ destination }) => destination));
  const writable = new Map<string, ImagePlace | undefined>();
  const refusedVolumes: string[] = [];
  if (!wish.isWritable) {
    for (const { at, mode } of SCRATCH_PLACES) {
      const place = await look.find(at);
      if (place?.isDirectory === true && isOwnPlace(place.path)) {
        writable.set(place.path, { ...place, mode });
      }
    }
    for (const volume of Object.keys(wish.config.Volumes ?? {})) {
      const path = posix.resolve(volume);
      const place = isPath(volume) ? await look.find(path) : undefined;
      const target = place?.path ?? path;
      const isFit = isPath(volume) && isOwnPlace(target) && place?.isDirectory !== false;
      if (isFit) writable.set(target, place);
      else refusedVolumes.push(volume);
    }
  }
  const memory = [...writable].filter(([path]) => !bound.has(path));
  // A parent before what is in it.
  memory.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    mounts: [
      ...wish.system.map((mount) => ({ mount, isOptional: false })),
      ...memory.map(([path, place]) => ({
        mount: memoryMount(path, place, wish.mappings),
        isOptional: true,
      })),
      ...wish.binds.map((bind) => ({ mount: bindMount(bind), isOptional: false })),
    ],
    refusedVolumes,
  };
}

/** A file or directory of the host as a mount. */
export function bindMount({ source, destination, isReadOnly }: BindMount): RuntimeMount {
  const options = ["rbind", "nosuid", "nodev", isReadOnly ? "ro" : "rw"];
  return { destination, type: "bind", source, options };
}

/** Whether `path` is `above` or below it. */
export function isWithin(path: string, above: string): boolean {
  return path === above || path.startsWith(above === "/" ? "/" : `${above}/`);
}

function isPath(volume: string): boolean {
  return volume.startsWith("/") && !volume.includes("\0");
}

function isOwnPlace(path: string): boolean {
  return path !== "/" && !KERNEL_TREES.some((tree) => isWithin(path, tree));
}

function memoryMount(
  destination: string,
  place: ImagePlace | undefined,
  mappings: IdMappings | undefined,
): RuntimeMount {
  const options = ["nosuid", "nodev", `mode=${(place?.mode ?? 0o755).toString(8)}`];
  const { uid = 0, gid = 0, isEmpty = true } = place ?? {};
  // One that is nobody in the container cannot own anything there.
  if (uid !== 0 && (mappings === undefined || isMapped(uid, mappings.uids))) {
    options.push(`uid=${uid}`);
  }
  if (gid !== 0 && (mappings === undefined || isMapped(gid, mappings.gids))) {
    options.push(`gid=${gid}`);
  }
  if (!isEmpty) options.push("tmpcopyup");
  return { destination, type: "tmpfs", source: "tmpfs", options };
}
