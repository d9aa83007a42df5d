import { usageError } from "./cli-error.ts";
import { counted, formatSize } from "./format.ts";
import { openPackCache } from "./pack-cache.ts";
import type { Session } from "./session.ts";

export interface PruneFlags {
  readonly cache?: boolean;
  readonly json?: boolean;
}

/** `siflet prune --cache`: removes the converted layers that are kept for later pulls. */
export async function pruneCommand(flags: PruneFlags, session: Session): Promise<void> {
  if (flags.cache !== true) throw usageError("prune: expected what to remove: --cache");
  const cache = await openPackCache(await session.config(), session);
  const { packs } = await cache.usage();
  const bytes = await cache.evict(0);
  await session.print(
    flags.json === true
      ? `${JSON.stringify({ packs, bytes })}\n`
      : `removed ${counted(packs, "converted layer")}, ${formatSize(bytes)}\n`,
  );
}
