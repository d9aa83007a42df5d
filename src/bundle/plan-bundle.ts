import type { Limits } from "../base/index.ts";
import { userNamespaceFinding } from "../doctor/index.ts";
import type { OciConfig, Platform } from "../image/index.ts";
import { findPartition, type PartitionPlace } from "../pull/index.ts";
import { annotationsOf } from "./annotations.ts";
import type { BindMount } from "./bind-mount.ts";
import { BundleError } from "./bundle-error.ts";
import { bindMount, planMounts, type PlannedMount } from "./container-mounts.ts";
import { lookIntoImage, type ImageLook } from "./image-look.ts";
import { capabilitiesOf, isolationOf, type Network } from "./isolation.ts";
import type { Machine } from "./machine.ts";
import { waysToMountImage, type MountKind, type MountWays } from "./mount-way.ts";
import { PLACES } from "./overlay.ts";
import { planLayer, type LayerPlan } from "./plan-layer.ts";
import { commandOf, environmentOf, workdirOf, type ProcessWish } from "./process-words.ts";
import type { Rights } from "./rights.ts";
import type { RuntimeConfig } from "./runtime-config.ts";
import { systemMounts } from "./system-mounts.ts";
import { runtimeUser, userHere } from "./user-here.ts";

/** The image that a bundle is made of. */
export interface BundleImage {
  /** 64 lower-case hex digits. */
  readonly id: string;
  /** Of its SIF file; absolute. */
  readonly path: string;
  readonly platform: Platform;
  /** Absent where the SIF holds none. */
  readonly config?: OciConfig;
}

/** What a bundle is to be. */
export interface BundleWish extends ProcessWish {
  /** Absent: the best that works here. */
  readonly mount?: MountKind;
  readonly isWritable: boolean;
  readonly user?: string;
  /** Absent: the beginning of the image's id. */
  readonly hostname?: string;
  readonly network: Network;
  readonly binds: readonly BindMount[];
  /** Go's word for the processor that is to run it; absent: whatever the image is for. */
  readonly architecture?: string;
}

/** What a bundle is planned from. */
export interface BundleDesign {
  readonly image: BundleImage;
  readonly wish: BundleWish;
  readonly limits: Limits;
}

/** All that is decided before anything is made. */
export interface BundlePlan {
  readonly config: RuntimeConfig;
  readonly mountImage: MountWays<MountKind>;
  /** Absent: nothing lies over the image. */
  readonly layer?: LayerPlan;
  /** For people: what is not as the image says. */
  readonly warnings: readonly string[];
}

/** Without a configuration a SIF says itself how it starts. */
const RUN_SCRIPT = "/.singularity.d/runscript";
/** Files of the host that name other machines. */
const NETWORK_FILES = ["/etc/resolv.conf", "/etc/hosts"];
const HOSTNAME_DIGITS = 12;
/** What runtimes of this and of later years know. */
const OCI_VERSION = "1.0.2";
/** Those of one family run on each other's processors, this way round. */
const RUNS_TOO: Readonly<Record<string, readonly string[]>> = { amd64: ["386"], arm64: ["arm"] };

/**
 * Decides how a bundle of `image` is made here, by looking alone.
 *
 * @throws BundleError `BUNDLE_ARCHITECTURE`, `BUNDLE_USER`, `BUNDLE_COMMAND`, `BUNDLE_BIND`,
 *   `BUNDLE_MOUNT`, `BUNDLE_OVERLAY`
 * @throws what `findPartition` and `openImageTree` throw
 */
export async function planBundle(
  { image, wish, limits }: BundleDesign,
  machine: Machine,
  rights: Rights,
  signal: AbortSignal,
): Promise<BundlePlan> {
  requireArchitecture(image, wish.architecture);
  await requireSources(wish.binds, machine);
  await requireNamespaces(machine, rights);
  const partition = await findPartition(image.path, signal);
  const mountImage = await imageWays(image, partition, wish, machine, rights);
  const setting = { image, wish, machine, rights };
  return await lookIntoImage(
    image.path,
    limits,
    async (look) => ({ mountImage, ...(await planContainer(setting, look)) }),
    signal,
  );
}

interface Setting {
  readonly image: BundleImage;
  readonly wish: BundleWish;
  readonly machine: Machine;
  readonly rights: Rights;
}

async function planContainer(
  { image, wish, machine, rights }: Setting,
  look: ImageLook,
): Promise<Omit<BundlePlan, "mountImage">> {
  const config = image.config ?? (await configOfScript(look));
  const user = await userHere(wish.user ?? config.User ?? "", rights, look);
  const cwd = workdirOf(config, wish);
  const { annotations, leftOut } = annotationsOf(config, image.platform);
  const planned = await planMounts(
    {
      config,
      system: systemMounts(wish.network, rights.mappings),
      binds: wish.binds,
      isWritable: wish.isWritable,
      mappings: rights.mappings,
    },
    look,
  );
  const mounts = [...planned.mounts, ...(await networkMounts(wish, machine))];
  const need = { isWritable: wish.isWritable, mounts, cwd };
  const layered = await planLayer(need, look, machine, rights);
  return {
    config: {
      ociVersion: OCI_VERSION,
      root: { path: PLACES.root, readonly: !wish.isWritable },
      hostname: wish.hostname ?? image.id.slice(0, HOSTNAME_DIGITS),
      process: {
        terminal: wish.tty,
        user: runtimeUser(user, rights),
        args: commandOf(config, wish),
        env: environmentOf(config, wish, user.home),
        cwd,
        capabilities: capabilitiesOf(user.uid),
        noNewPrivileges: true,
      },
      mounts: layered.mounts,
      annotations,
      linux: isolationOf(wish.network, rights.mappings),
    },
    ...(layered.layer === undefined ? {} : { layer: layered.layer }),
    warnings: [
      ...(rights.mappings === undefined ? [] : user.additionalGids).map(
        (gid) => `group ${gid} of the user is left out: without root there are none but the first`,
      ),
      ...planned.refusedVolumes.map((path) => `volume ${JSON.stringify(path)} is left out`),
      ...layered.leftOut.map(
        (path) => `${path} is not mounted, for the image has no such directory`,
      ),
      ...leftOut.map((name) => `label ${JSON.stringify(name)} is left out: runtimes act on it`),
    ],
  };
}

function requireArchitecture({ platform }: BundleImage, host: string | undefined): void {
  const { architecture } = platform;
  // Some SIF files do not say what they are for.
  if (host === undefined || architecture === host || architecture === "unknown") return;
  if (RUNS_TOO[host]?.includes(architecture) === true) return;
  throw new BundleError(
    "BUNDLE_ARCHITECTURE",
    `the image is for ${architecture} and this machine is ${host}: pull it with ` +
      `--platform linux/${host}, or give --any-architecture where an emulator is set up`,
  );
}

async function requireSources(binds: readonly BindMount[], { host }: Machine): Promise<void> {
  for (const { source } of binds) {
    if ((await host.facts(source)) !== undefined) continue;
    throw new BundleError("BUNDLE_BIND", `--bind ${source}: there is no such file or directory`);
  }
}

/** Without root a container is made in a namespace of users, which not every machine allows. */
async function requireNamespaces({ host }: Machine, { mappings }: Rights): Promise<void> {
  if (mappings === undefined) return;
  const { status, text, remedy } = await userNamespaceFinding(host);
  if (status !== "warning") return;
  throw new BundleError("BUNDLE_USER", `no bundle without root: ${text}; ${remedy ?? ""}`);
}

async function imageWays(
  { path }: BundleImage,
  partition: PartitionPlace | undefined,
  wish: BundleWish,
  machine: Machine,
  rights: Rights,
): Promise<MountWays<MountKind>> {
  // Where there is none, who opens it to look into it says so.
  if (partition === undefined) return { ways: [], obstacles: [] };
  const found = await waysToMountImage(machine, rights, path, partition, wish.mount);
  if (found.ways.length > 0) return found;
  const message = `${path} cannot be mounted: ${found.obstacles.join("; ")}`;
  throw new BundleError("BUNDLE_MOUNT", message);
}

async function configOfScript(look: ImageLook): Promise<OciConfig> {
  const script = await look.find(RUN_SCRIPT);
  return script === undefined ? {} : { Entrypoint: [RUN_SCRIPT] };
}

/** With the host's network its names are of use, too. */
async function networkMounts(
  { network, binds }: BundleWish,
  { host }: Machine,
): Promise<PlannedMount[]> {
  if (network === "none") return [];
  const mounts: PlannedMount[] = [];
  for (const path of NETWORK_FILES) {
    const isBound = binds.some(({ destination }) => destination === path);
    if (isBound || (await host.facts(path)) === undefined) continue;
    const mount = bindMount({ source: path, destination: path, isReadOnly: true });
    mounts.push({ mount, isOptional: true });
  }
  return mounts;
}
