import { diskUsage, type DiskUsage, type Usage } from "../upkeep/index.ts";
import { PackCache } from "../packs/index.ts";
import { formatSize } from "./format.ts";
import { packCachePlace } from "./pack-cache-place.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { openStoreToRead } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface DfFlags {
  readonly json?: boolean;
}

/** `siflet df`: what the store takes up, against the file system that it lies on. */
export async function dfCommand(flags: DfFlags, session: Session): Promise<void> {
  await using store = await openStoreToRead(session);
  if (store === undefined) {
    const directory = await session.storeDirectory();
    await session.print(
      flags.json === true ? "null\n" : `there is no store in ${printable(directory)}\n`,
    );
    return;
  }
  const place = await packCachePlace(await session.config());
  const usage = await diskUsage(store, new PackCache({ ...place, now: session.environment.now }));
  await session.print(flags.json === true ? `${jsonText(usage)}\n` : usageText(usage));
}

function usageText(usage: DiskUsage): string {
  const { images, packs, partials, database, fileSystem, traits } = usage;
  const row = (name: string, { files, bytes }: Usage): string[] => [
    name,
    String(files),
    formatSize(bytes),
    share(bytes, fileSystem.size),
  ];
  const total = images.bytes + packs.bytes + partials.bytes + database.bytes;
  const files = images.files + packs.files + partials.files + database.files;
  return (
    `${printable(usage.directory)}\n` +
    formatTable([
      ["", "FILES", "SIZE", "OF DISK"],
      row("images", images),
      row("converted layers", packs),
      row("unfinished", partials),
      row("database", database),
      row("all", { files, bytes: total }),
    ]) +
    `file system: ${formatSize(fileSystem.available)} of ${formatSize(fileSystem.size)} free\n` +
    `journal: ${traits.journal}, claims: ${traits.claims}\n`
  );
}

function share(bytes: number, all: number): string {
  return all === 0 ? "-" : `${((bytes / all) * 100).toFixed(1)} %`;
}
