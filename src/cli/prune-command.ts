import { parseSize } from "../config/index.ts";
import { PackCache } from "../packs/index.ts";
import type { Store, StoredImage } from "../store/index.ts";
import { planPrune, prune, type PruneOptions } from "../upkeep/index.ts";
import { usageError } from "./cli-error.ts";
import { DURATION_FORM, parseDuration } from "./duration.ts";
import { counted, formatSize, shortId } from "./format.ts";
import { shownNames } from "./image-text.ts";
import { jsonText } from "./json-text.ts";
import { packCachePlace } from "./pack-cache-place.ts";
import { openStoreToChange, openStoreToRead } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface PruneFlags {
  readonly cache?: boolean;
  readonly olderThan?: string;
  readonly keepBytes?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** What was removed, or would be: converted layers, and images. */
interface Pruned extends Removed {
  readonly images: readonly PrunedImage[];
  readonly kept: readonly KeptImage[];
}

interface Removed {
  readonly packs: number;
  readonly bytes: number;
}

interface PrunedImage {
  readonly id: string;
  readonly size: number;
  readonly names: StoredImage["names"];
}

interface KeptImage extends PrunedImage {
  readonly because: string;
}

/** `siflet prune`: makes room by age and by size, and of converted layers. */
export async function pruneCommand(flags: PruneFlags, session: Session): Promise<void> {
  const options = await optionsOf(flags, session);
  const isDry = flags.dryRun === true;
  const images =
    options === undefined ? { images: [], kept: [] } : await pruneImages(options, isDry, session);
  const packs = flags.cache === true ? await prunePacks(isDry, session) : { packs: 0, bytes: 0 };
  const pruned: Pruned = { ...packs, ...images };
  await session.print(flags.json === true ? `${jsonText(pruned)}\n` : prunedText(pruned, flags));
}

async function optionsOf(flags: PruneFlags, session: Session): Promise<PruneOptions | undefined> {
  const { olderThan, keepBytes, cache } = flags;
  if (olderThan === undefined && keepBytes === undefined) {
    if (cache === true) return undefined;
    throw usageError("prune: expected --older-than, --keep-bytes or --cache");
  }
  const age = olderThan === undefined ? undefined : parseDuration(olderThan);
  if (olderThan !== undefined && age === undefined) {
    const got = JSON.stringify(olderThan);
    throw usageError(`prune: --older-than: expected ${DURATION_FORM}, got ${got}`);
  }
  const bytes = keepBytes === undefined ? undefined : parseSize(keepBytes);
  if (keepBytes !== undefined && bytes === undefined) {
    const got = JSON.stringify(keepBytes);
    throw usageError(`prune: --keep-bytes: expected a size such as 20GB, got ${got}`);
  }
  const { pins } = (await session.config()).values;
  const usedBefore = age === undefined ? undefined : session.environment.now() - age;
  return { usedBefore, keepBytes: bytes, pins };
}

async function pruneImages(
  options: PruneOptions,
  isDry: boolean,
  session: Session,
): Promise<Pick<Pruned, "images" | "kept">> {
  await using store: Store | undefined = isDry
    ? await openStoreToRead(session)
    : await openStoreToChange(session);
  if (store === undefined) return { images: [], kept: [] };
  const plan = planPrune(await store.list(), options);
  const removed = isDry ? plan.remove : await prune(store, plan, session.signal);
  return {
    images: removed.map(prunedImage),
    kept: plan.keep.map(({ image, because }) => ({ ...prunedImage(image), because })),
  };
}

function prunedImage({ id, size, names }: StoredImage): PrunedImage {
  return { id, size, names };
}

async function prunePacks(isDry: boolean, session: Session): Promise<Removed> {
  const place = await packCachePlace(await session.config());
  const cache = new PackCache({ ...place, now: session.environment.now });
  const usage = await cache.usage();
  return isDry ? usage : { packs: usage.packs, bytes: await cache.evict(0) };
}

function prunedText({ packs, bytes: packBytes, images, kept }: Pruned, flags: PruneFlags): string {
  const verb = flags.dryRun === true ? "would remove" : "removed";
  const lines: string[] = [];
  if (flags.olderThan !== undefined || flags.keepBytes !== undefined) {
    const rows = [
      ...images.map((image) => [`${verb} ${shortId(image.id)}`, ...cellsOf(image)]),
      ...kept.map((image) => [
        `kept ${shortId(image.id)}`,
        ...cellsOf(image),
        `(${image.because})`,
      ]),
    ];
    const bytes = images.reduce((sum, { size }) => sum + size, 0);
    lines.push(
      formatTable(rows),
      `${verb} ${counted(images.length, "image")}, ${formatSize(bytes)}\n`,
    );
  }
  if (flags.cache === true) {
    lines.push(`${verb} ${counted(packs, "converted layer")}, ${formatSize(packBytes)}\n`);
  }
  return lines.join("");
}

function cellsOf(image: PrunedImage): string[] {
  return [formatSize(image.size), shownNames(image)[0] ?? "-"];
}
