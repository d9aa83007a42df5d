import { usageError } from "./cli-error.ts";
import { counted, formatSize } from "./format.ts";
import { PackCache } from "../packs/index.ts";
import { packCachePlace } from "./pack-cache-place.ts";
import type { Session } from "./session.ts";

export interface PruneFlags {
  readonly cache?: boolean;
  readonly json?: boolean;
}

/** `siflet prune --cache`: removes the converted layers that are kept for later pulls. */
export async function pruneCommand(flags: PruneFlags, session: Session): Promise<void> {
  if (flags.cache !== true) throw usageError("prune: expected what to remove: --cache");
  const place = await packCachePlace(await session.config());
  const cache = new PackCache({ ...place, now: session.environment.now });
  const { packs } = await cache.usage();
  const bytes = await cache.evict(0);
  await session.print(
    flags.json === true
      ? `${JSON.stringify({ packs, bytes })}\n`
      : `removed ${counted(packs, "converted layer")}, ${formatSize(bytes)}\n`,
  );
}
