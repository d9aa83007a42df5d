import { formatPlatform } from "../image/index.ts";
import { familiarText } from "../pull/index.ts";
import type { StoredImage } from "../store/index.ts";
import { formatAge, formatSize, shortId } from "./format.ts";
import { imageJson } from "./image-json.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { openStoreToRead } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface ImagesFlags {
  readonly json?: boolean;
}

/** What of a digest does not fit a table. */
const DIGEST_TAIL = /([@:]sha256[:.][0-9a-f]{12})[0-9a-f]{52}$/;

/** `siflet images`: what the store holds, the image used last first. */
export async function imagesCommand(flags: ImagesFlags, session: Session): Promise<void> {
  await using store = await openStoreToRead(session);
  const images = (await store?.list()) ?? [];
  if (flags.json === true) {
    await session.print(`${jsonText(images.map(imageJson))}\n`);
    return;
  }
  const now = session.environment.now();
  await session.print(
    formatTable([
      ["NAME", "ID", "SIZE", "PLATFORM", "CREATED"],
      ...images.flatMap((image) => rowsOf(image, now)),
    ]),
  );
}

/** One row, and one more for each further name. */
function rowsOf(image: StoredImage, now: number): string[][] {
  const [first = "-", ...others] = namesOf(image);
  return [
    [
      first,
      shortId(image.id),
      formatSize(image.size),
      printable(formatPlatform(image.platform)),
      formatAge(image.createdAt, now),
    ],
    ...others.map((name) => [name]),
  ];
}

/** Tags; where there are none, digests, cut short for they are no easier to type than the id. */
function namesOf({ names: { tags, digests } }: StoredImage): string[] {
  return (tags.length > 0 ? tags : digests)
    .map((name) => printable(familiarText(name)))
    .map((name) => name.replace(DIGEST_TAIL, "$1…"));
}
