import { openImageTree } from "../pull/index.ts";
import { findImageToUse, openStoreToLookInto } from "./session-store.ts";
import type { Session } from "./session.ts";

/**
 * `siflet cat`: the content of files of an image, one after another, read from its SIF. All are
 * tried; the first failure decides the exit code.
 */
export async function catCommand(
  text: string,
  paths: readonly string[],
  session: Session,
): Promise<void> {
  const { signal } = session;
  const { limits } = (await session.config()).values;
  await using store = await openStoreToLookInto(text, session);
  const { image } = await findImageToUse(store, text, session);
  await using opened = await openImageTree(image.path, limits, signal);
  for (const path of paths) {
    try {
      for await (const chunk of opened.tree.read(path, {}, signal)) {
        await session.print(chunk);
        if (session.isReaderGone) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      session.report(error);
    }
  }
}
