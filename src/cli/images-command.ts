import { formatPlatform } from "../image/index.ts";
import { isPinned, type Store, type StoredImage } from "../store/index.ts";
import { formatAge, formatSize, shortId } from "./format.ts";
import { imageJson } from "./image-json.ts";
import { shownNames, stateText } from "./image-text.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { openStoreToRead } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface ImagesFlags {
  readonly json?: boolean;
}

/** `siflet images`: what the store holds, the image used last first. */
export async function imagesCommand(flags: ImagesFlags, session: Session): Promise<void> {
  await using store = await openStoreToRead(session);
  const { pins } = (await session.config()).values;
  if (flags.json === true) {
    await printJson(store, pins, session);
    return;
  }
  const images = (await store?.list()) ?? [];
  const now = session.environment.now();
  await session.print(
    formatTable([
      ["NAME", "ID", "SIZE", "PLATFORM", "CREATED", "STATE"],
      ...images.flatMap((image) => rowsOf(image, pins, now)),
    ]),
  );
}

/** One array, of which the first images are printed while the last are still looked up. */
async function printJson(
  store: Store | undefined,
  pins: readonly string[],
  session: Session,
): Promise<void> {
  let separator = "[";
  for await (const part of store?.listInParts() ?? []) {
    const items = part.map((image) => imageJson(image, pins));
    if (items.length === 0) continue;
    await session.print(separator + jsonText(items).slice(1, -1));
    separator = ",";
    if (session.isReaderGone) return;
  }
  await session.print(separator === "[" ? "[]\n" : "]\n");
}

/** One row, and one more for each further name. */
function rowsOf(image: StoredImage, pins: readonly string[], now: number): string[][] {
  const [first = "-", ...others] = shownNames(image);
  return [
    [
      first,
      shortId(image.id),
      formatSize(image.size),
      printable(formatPlatform(image.platform)),
      formatAge(image.createdAt, now),
      stateText({ ...image, pinned: isPinned(image, pins) }),
    ],
    ...others.map((name) => [name]),
  ];
}
