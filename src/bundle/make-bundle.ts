import { hostname } from "node:os";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { takeTurn } from "../base/index.ts";
import { bundlePath, directoryError, makeBundleDirectory } from "./bundle-directory.ts";
import { dismantle } from "./dismantle.ts";
import type { Machine } from "./machine.ts";
import { MARKER_NAME, writeMarker } from "./marker.ts";
import { mountByAny } from "./mounting.ts";
import type { MountKind } from "./mount-way.ts";
import { PLACES, type OverlayKind } from "./overlay.ts";
import type { LayerPlan } from "./plan-layer.ts";
import { planBundle, type BundleDesign, type BundlePlan } from "./plan-bundle.ts";
import { rightsOf } from "./rights.ts";
import type { RuntimeConfig } from "./runtime-config.ts";

/** Keeps an image from being removed while a bundle of it exists. */
export interface Lender {
  /** Absolute path of the store. */
  readonly store: string;
  borrow(image: string, borrower: string): Promise<void>;
  /** Fine where nothing was borrowed. */
  giveBack(image: string, borrower: string): Promise<void>;
}

export interface BundleRequest extends BundleDesign {
  /** Where the bundle is to be; absolute, and not there yet. */
  readonly directory: string;
}

/** A bundle as it was made. */
export interface MadeBundle {
  /** Absolute, without links. */
  readonly directory: string;
  readonly borrower: string;
  readonly config: RuntimeConfig;
  readonly mount: MountKind;
  /** Absent: nothing lies over the image. */
  readonly overlay?: OverlayKind;
  readonly isRootless: boolean;
  /** For people: what is not as the image says. */
  readonly warnings: readonly string[];
}

/** How long another siflet that makes or deletes the same bundle is waited for. */
export const MAX_WAIT_MS = 30_000;

/** As whom the bundle in `directory` (absolute, without links) borrows its image. */
export function borrowerOf(directory: string): string {
  // A store may be shared by machines, each with such a directory of its own.
  return `bundle ${hostname()}:${directory}`;
}

/** The key of the turn in which a bundle is made or deleted. */
export function turnOf(directory: string): string {
  return `bundle ${directory}`;
}

/**
 * Makes an OCI runtime bundle over the mounted root file system of a SIF. After a failure or an abort
 * nothing of it is left: no mount, no directory, no borrow.
 *
 * @throws BundleError `BUNDLE_EXISTS`, `BUNDLE_DIRECTORY`, `BUNDLE_MOUNT`, `BUNDLE_OVERLAY`; what
 *   `planBundle` and the lender throw; the signal's reason
 * @see OCI runtime-spec, bundle.md
 */
export async function makeBundle(
  request: BundleRequest,
  lender: Lender,
  machine: Machine,
  signal: AbortSignal,
): Promise<MadeBundle> {
  const { image } = request;
  const directory = await bundlePath(request.directory);
  const rights = await rightsOf(machine);
  const plan = await planBundle(request, machine, rights, signal);
  await using _turn = await takeTurn(turnOf(directory), MAX_WAIT_MS, signal);
  const borrower = borrowerOf(directory);
  const inode = await makeBundleDirectory(directory);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    const giveBack = (): Promise<void> => lender.giveBack(image.id, borrower);
    await dismantle({ directory, inode }, machine, rights, giveBack);
  });
  const marker = { image: image.id, borrower, store: lender.store, directory, inode };
  try {
    await writeMarker(join(directory, MARKER_NAME), marker);
  } catch (error) {
    throw directoryError(directory, error);
  }
  await lender.borrow(image.id, borrower);
  const isRootless = rights.mappings !== undefined;
  const { config, layer, warnings } = plan;
  try {
    await writeConfig(join(directory, PLACES.config), config);
    await mkdir(join(directory, PLACES.root));
    if (layer !== undefined) await makeLayer(directory, layer.root, !isRootless);
  } catch (error) {
    throw directoryError(directory, error);
  }
  const mounted = await mountAll(directory, plan, image.path, machine, signal);
  signal.throwIfAborted();
  undo.move();
  return { directory, borrower, config, ...mounted, isRootless, warnings };
}

/** The directories of what lies over the image: its root is to be as the image's is. */
async function makeLayer(
  directory: string,
  root: LayerPlan["root"],
  mayGiveAway: boolean,
): Promise<void> {
  for (const place of [PLACES.image, PLACES.overlay, PLACES.work, PLACES.upper]) {
    await mkdir(join(directory, place));
  }
  const upper = join(directory, PLACES.upper);
  // Who may not owns all of the image as it is shown.
  if (mayGiveAway) await chown(upper, root.uid, root.gid);
  await chmod(upper, root.mode);
}

async function mountAll(
  directory: string,
  { mountImage, layer }: BundlePlan,
  file: string,
  machine: Machine,
  signal: AbortSignal,
): Promise<Pick<MadeBundle, "mount" | "overlay">> {
  signal.throwIfAborted();
  const place = layer === undefined ? PLACES.root : PLACES.image;
  const image = { what: file, code: "BUNDLE_MOUNT", ways: mountImage, directory, place } as const;
  const mount = await mountByAny(image, machine);
  if (layer === undefined) return { mount };
  signal.throwIfAborted();
  const what = `a layer over ${file}`;
  const over = { what, code: "BUNDLE_OVERLAY", ways: layer.ways, directory } as const;
  return { mount, overlay: await mountByAny({ ...over, place: PLACES.root }, machine) };
}

async function writeConfig(path: string, config: RuntimeConfig): Promise<void> {
  await writeFile(path, `${JSON.stringify(config, undefined, 2)}\n`, { flag: "wx", mode: 0o600 });
}
