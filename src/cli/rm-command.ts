import { familiarText } from "../image/index.ts";
import { shortId } from "./format.ts";
import { printable } from "./printable.ts";
import { findImage, openStoreToChange } from "./session-store.ts";
import type { Session } from "./session.ts";

/**
 * `siflet rm`: removes images with all their names. All are tried; the first failure decides the
 * exit code.
 */
export async function rmCommand(texts: readonly string[], session: Session): Promise<void> {
  const { signal } = session;
  await using store = await openStoreToChange(session);
  for (const text of texts) {
    try {
      const found = await findImage(store, text, session);
      const { id, names } = await found.store.remove(found.image.id, signal);
      const lines = [...names.tags, ...names.digests].map(familiarText);
      await session.print(
        [`removed ${shortId(id)}`, ...lines.map((name) => `  ${printable(name)}`), ""].join("\n"),
      );
    } catch (error) {
      signal.throwIfAborted();
      session.report(error);
    }
  }
}
