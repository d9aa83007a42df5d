import { cacheDirectory } from "../config/index.ts";
import { partialsDirectory } from "../pull/index.ts";
import { checkStore, type StoreCheck, type StoreFault } from "../upkeep/index.ts";
import { EXIT } from "./exit-codes.ts";
import { counted, formatSize } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { openStoreToChange, openStoreToRead } from "./session-store.ts";
import type { Session } from "./session.ts";
import { trustGate } from "./trust-of.ts";

export interface FsckFlags {
  readonly deep?: boolean;
  readonly repair?: boolean;
  readonly json?: boolean;
}

const CLEAN: StoreCheck = { images: 0, bytesHashed: 0, faults: [] };

/** `siflet fsck`: exits with the store's code where something is left that is wrong. */
export async function fsckCommand(flags: FsckFlags, session: Session): Promise<void> {
  const { deep = false, repair = false, json = false } = flags;
  const open = repair ? openStoreToChange : openStoreToRead;
  await using store = await open(session);
  const config = await session.config();
  const partials = partialsDirectory(cacheDirectory(config));
  const trust = trustGate(config, session);
  const options = { deep, repair, now: session.environment.now(), trust, partials };
  const check = store === undefined ? CLEAN : await checkStore(store, options, session.signal);
  if (check.faults.some(isLeft)) session.exitWith(EXIT.store);
  await session.print(json ? `${jsonText(check)}\n` : checkText(check, flags));
}

/** A local file that changed is its owner's affair, and seen to when it is used. */
function isLeft({ kind, repaired }: StoreFault): boolean {
  return repaired === undefined && kind !== "local-file-changed";
}

function checkText({ images, bytesHashed, faults }: StoreCheck, flags: FsckFlags): string {
  const lines = faults.map(({ path, text, repaired }) => {
    const done = repaired === undefined ? "" : `: ${repaired}`;
    return `${printable(path)}: ${printable(text)}${done}\n`;
  });
  const left = faults.filter(isLeft).length;
  const hashed = bytesHashed > 0 ? `, ${formatSize(bytesHashed)} hashed` : "";
  const hint = left > 0 && flags.repair !== true ? "; --repair puts right what it can" : "";
  return `${lines.join("")}${counted(images, "image")}${hashed}, ${counted(left, "fault")} left${hint}\n`;
}
