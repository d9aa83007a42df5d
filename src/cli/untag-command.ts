import { familiarText, parseRef, storeNamesOf } from "../image/index.ts";
import { counted, shortId } from "./format.ts";
import { printable } from "./printable.ts";
import { openStoreToChange, requireStore } from "./session-store.ts";
import type { Session } from "./session.ts";

/** `siflet untag`: takes one name away from its image, which stays. */
export async function untagCommand(text: string, session: Session): Promise<void> {
  // Throws for what is no name at all, and says why.
  parseRef(text);
  const [name = text] = storeNamesOf(text);
  await using opened = await openStoreToChange(session);
  const store = await requireStore(opened, text, session);
  const { id, names } = await store.untag(name);
  const left = counted(names.tags.length + names.digests.length, "name");
  await session.print(
    `untagged ${printable(familiarText(name))}; image ${shortId(id)} has ${left} left\n`,
  );
}
