import { resolve } from "node:path";
import { storeTagOf } from "../image/index.ts";
import { addFile } from "../pull/index.ts";
import { infoOf } from "../store/index.ts";
import { usageError } from "./cli-error.ts";
import { formatSize } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { openStoreToWrite } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";
import { trustGate } from "./trust-of.ts";

export interface AddFlags {
  readonly name?: readonly string[];
  readonly json?: boolean;
}

/** `siflet add`: copies a SIF file into the store, marked as brought by hand. */
export async function addCommand(file: string, flags: AddFlags, session: Session): Promise<void> {
  const { environment, signal } = session;
  const path = resolve(environment.workingDirectory, file);
  const tags = (flags.name ?? []).map(tagOf);
  await using store = await openStoreToWrite(session);
  const image = await addFile(
    store,
    path,
    {
      names: { tags, digests: [] },
      origin: "sif",
      sideLoaded: true,
      trust: trustGate(await session.config(), session),
      now: environment.now(),
    },
    signal,
  );
  await session.print(
    flags.json === true
      ? `${jsonText(infoOf(image))}\n`
      : formatTable([
          ["id", image.id],
          ["size", formatSize(image.size)],
          ["file", printable(image.path)],
        ]),
  );
}

/** A file proves no digest of a registry: only tags can be given. */
function tagOf(text: string): string {
  const tag = storeTagOf(text);
  if (tag !== undefined) return tag;
  throw usageError(`add: --name: expected a name without a digest, got ${JSON.stringify(text)}`);
}
