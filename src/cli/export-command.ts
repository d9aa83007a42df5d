import { resolve } from "node:path";
import { copyToOutput } from "../pull/index.ts";
import { formatSize } from "./format.ts";
import { requireOutputPlace } from "./output-place.ts";
import { printable } from "./printable.ts";
import { findImageToUse, openStoreToUse } from "./session-store.ts";
import type { Session } from "./session.ts";

export interface ExportFlags {
  readonly force?: boolean;
}

/** `siflet export`: copies the file of one image out of the store. */
export async function exportCommand(
  text: string,
  file: string,
  flags: ExportFlags,
  session: Session,
): Promise<void> {
  const path = resolve(session.environment.workingDirectory, file);
  const force = flags.force ?? false;
  await requireOutputPlace(path, force);
  await using opened = await openStoreToUse(session);
  const { store, image } = await findImageToUse(opened, text, session);
  const options = { force, now: session.environment.now() };
  await copyToOutput(image.path, path, image.id, options, session.signal);
  await store.touch(image.id);
  await session.print(`${printable(path)}: ${formatSize(image.size)}\n`);
}
