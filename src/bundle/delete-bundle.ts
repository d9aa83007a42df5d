import { takeTurn } from "../base/index.ts";
import { bundlePath, findBundle } from "./bundle-directory.ts";
import { BundleError } from "./bundle-error.ts";
import { dismantle } from "./dismantle.ts";
import type { Machine } from "./machine.ts";
import { borrowerOf, MAX_WAIT_MS, turnOf } from "./make-bundle.ts";
import type { Marker } from "./marker.ts";
import { rightsOf } from "./rights.ts";

/** What was at the path of a bundle that is to be deleted. */
export type DeletedBundle =
  | { readonly kind: "deleted"; readonly directory: string; readonly image: string }
  /** Its borrower may still have an image. */
  | { readonly kind: "absent"; readonly directory: string; readonly borrower: string };

/** Ends the borrow that a marker speaks of. */
export type GiveBack = (borrow: Pick<Marker, "image" | "borrower" | "store">) => Promise<void>;

/**
 * Deletes the bundle at `path`: unmounts what it has mounted, removes its files and has its image given
 * back. Whether anything is mounted still does not matter, so that it works after the machine was
 * started anew; nor whether a deletion ended half way. What is not ours is never touched.
 *
 * @param path - absolute
 * @throws BundleError `BUNDLE_NOT_OURS`, `BUNDLE_BUSY`, `BUNDLE_MOUNT`; what `giveBack` throws; the
 *   signal's reason, before anything was done
 */
export async function deleteBundle(
  path: string,
  giveBack: GiveBack,
  machine: Machine,
  signal: AbortSignal,
): Promise<DeletedBundle> {
  const directory = await existingPath(path);
  await using _turn = await takeTurn(turnOf(directory), MAX_WAIT_MS, signal);
  const rights = await rightsOf(machine);
  const bundle = await findBundle(directory, rights.uid);
  if (bundle === undefined) {
    return { kind: "absent", directory, borrower: borrowerOf(directory) };
  }
  const { marker, inode, isCopy } = bundle;
  await dismantle({ directory, inode }, machine, rights, async () => {
    // The one that was copied still has its image.
    if (!isCopy) await giveBack(marker);
  });
  return { kind: "deleted", directory, image: marker.image };
}

/** As `bundlePath`; where not even the directory above is there, there is no bundle either. */
async function existingPath(path: string): Promise<string> {
  try {
    return await bundlePath(path);
  } catch (error) {
    if (error instanceof BundleError) return path;
    throw error;
  }
}
