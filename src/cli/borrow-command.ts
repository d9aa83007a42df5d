import { storeNamesOf } from "../image/index.ts";
import type { BorrowOptions, StoredImage } from "../store/index.ts";
import { usageError } from "./cli-error.ts";
import { DURATION_FORM, parseDuration } from "./duration.ts";
import { shortId } from "./format.ts";
import { printable } from "./printable.ts";
import {
  findImage,
  findImageToUse,
  openStoreToChange,
  requireStore,
  withShownCandidates,
} from "./session-store.ts";
import type { Session } from "./session.ts";

export interface BorrowFlags {
  readonly by: string;
  readonly for?: string;
  readonly note?: string;
}

/** `siflet borrow`: keeps an image from being removed, and prints its file. */
export async function borrowCommand(
  text: string,
  flags: BorrowFlags,
  session: Session,
): Promise<void> {
  const who = nameOf("borrow", flags.by);
  const options = borrowOptions(flags, session.environment.now());
  await using opened = await openStoreToChange(session);
  const store = await requireStore(opened, text, session);
  // Looked at first, for a file outside the store may be another image by now.
  const { image } = await findImageToUse(store, text, session);
  const names = storeNamesOf(text);
  const { id, path } = await withShownCandidates(store.borrow(text, names, who, options));
  await session.print(`${id === image.id ? image.path : path}\n`);
}

/** `siflet return`: ends a borrow; fine where there is none. */
export async function returnCommand(
  text: string,
  flags: Pick<BorrowFlags, "by">,
  session: Session,
): Promise<void> {
  const who = nameOf("return", flags.by);
  await using opened = await openStoreToChange(session);
  const store = await requireStore(opened, text, session);
  const returned = await withShownCandidates(store.return(text, storeNamesOf(text), who));
  if (returned.length > 0) {
    await session.print(returned.map(usersText).join(""));
    return;
  }
  const { image } = await findImage(opened, text, session);
  session.warn(`image ${shortId(image.id)} was not borrowed by ${who}`);
  await session.print(usersText(image));
}

function usersText({ id, borrowers }: StoredImage): string {
  const users = borrowers.map(({ who }) => printable(who)).join(", ");
  return `image ${shortId(id)} is used by ${users === "" ? "nobody" : users}\n`;
}

function nameOf(command: string, by: string): string {
  if (by === "") throw usageError(`${command}: --by: expected a name, got an empty one`);
  return by;
}

function borrowOptions(flags: BorrowFlags, now: number): BorrowOptions {
  const note = flags.note === undefined ? {} : { note: flags.note };
  if (flags.for === undefined) return note;
  const duration = parseDuration(flags.for);
  if (duration === undefined || duration === 0) {
    throw usageError(`borrow: --for: expected ${DURATION_FORM}, got ${JSON.stringify(flags.for)}`);
  }
  return { ...note, expiresAt: now + duration };
}
