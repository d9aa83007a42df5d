import type { Machine } from "./machine.ts";
import { fuseObstacle, type MountWay, type MountWays } from "./mount-way.ts";
import type { Rights } from "./rights.ts";

/** Directories of a bundle, from its own. */
export const PLACES = {
  config: "config.json",
  /** What the runtime takes as the container's root. */
  root: "rootfs",
  /** The image, where something lies over it. */
  image: "image",
  overlay: "overlay",
  upper: "overlay/upper",
  work: "overlay/work",
} as const;

export type OverlayKind = "kernel" | "fuse-overlayfs";

/** How a layer that may be written is laid over the image here; the paths are a bundle's own. */
export async function waysToMountOverlay(
  machine: Machine,
  rights: Rights,
): Promise<MountWays<OverlayKind>> {
  const { host } = machine;
  const ways: MountWay<OverlayKind>[] = [];
  const obstacles: string[] = [];
  const mount = await host.find("mount");
  if (rights.mayMount && mount !== undefined) {
    // Names without a comma or a colon, which no quoting would carry through: the bundle is the
    // working directory.
    const options = `nosuid,nodev,${LAYERS}`;
    ways.push({
      kind: "kernel",
      program: mount,
      args: ["-t", "overlay", "-o", options, "overlay"],
    });
  } else {
    obstacles.push("kernel: only root with CAP_SYS_ADMIN may mount");
  }
  const obstacle = await fuseObstacle(host, rights);
  const program = await host.find("fuse-overlayfs");
  if (obstacle !== undefined) obstacles.push(`fuse-overlayfs: ${obstacle}`);
  else if (program === undefined) obstacles.push("fuse-overlayfs: not on PATH: install it");
  else {
    const others = rights.mayLetOthersIn ? ",allow_other" : "";
    const options = `${LAYERS}${others}`;
    ways.push({ kind: "fuse-overlayfs", program, args: ["-o", options] });
  }
  return { ways, obstacles };
}

const LAYERS = `lowerdir=${PLACES.image},upperdir=${PLACES.upper},workdir=${PLACES.work}`;
