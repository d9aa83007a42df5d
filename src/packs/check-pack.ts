import { setImmediate as turn } from "node:timers/promises";
import { BATCH_BYTES } from "../codec/index.ts";
import type { Pack } from "./pack.ts";

/**
 * Reads all of a pack, with a turn of the event loop after each stretch of it.
 *
 * @throws PackError `PACK_DAMAGED` on a wrong checksum, wherever it is
 */
export async function checkPack(pack: Pack): Promise<void> {
  for (const stretch of pack.log()) if (stretch.length > 0) await turn();
  const buffer = new Uint8Array(BATCH_BYTES);
  const count = pack.sizes.length;
  for (let block = 0; block < count;) {
    block += pack.readBlocks(block, count - block, buffer).blocks;
    await turn();
  }
}
