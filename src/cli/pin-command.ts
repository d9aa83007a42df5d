import { shortId } from "./format.ts";
import { printable } from "./printable.ts";
import { findImage, openStoreToChange } from "./session-store.ts";
import type { Session } from "./session.ts";

/** `siflet pin` and `siflet unpin`: all are tried; the first failure decides the exit code. */
export async function pinCommand(
  texts: readonly string[],
  pinned: boolean,
  session: Session,
): Promise<void> {
  await using opened = await openStoreToChange(session);
  for (const text of texts) {
    try {
      const { store, image } = await findImage(opened, text, session);
      await store.setPinned(image.id, pinned);
      const done = pinned ? "pinned" : "unpinned";
      await session.print(`${done} ${shortId(image.id)} (${printable(text)})\n`);
    } catch (error) {
      session.signal.throwIfAborted();
      session.report(error);
    }
  }
}
