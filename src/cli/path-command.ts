import { findImageToUse, openStoreToUse } from "./session-store.ts";
import type { Session } from "./session.ts";

/** `siflet path`: the file of one image, for `apptainer run $(siflet path …)`. */
export async function pathCommand(text: string, session: Session): Promise<void> {
  await using opened = await openStoreToUse(session);
  const { store, image } = await findImageToUse(opened, text, session);
  await store.touch(image.id);
  // As it is, not made printable: a program opens it, and our own paths hold no surprises.
  await session.print(`${image.path}\n`);
}
