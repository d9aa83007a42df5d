import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../base/index.ts";
import { StoreError, type Readers } from "../store/index.ts";
import { CliError, usageError } from "./cli-error.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";

export interface StoreInitFlags {
  readonly shared?: boolean;
  readonly group?: string;
}

/** `siflet store init`: makes the store, private or for others to read. */
export async function storeInitCommand(flags: StoreInitFlags, session: Session): Promise<void> {
  const directory = await session.storeDirectory();
  const readers = await readersOf(flags);
  if (await exists(join(directory, "siflet.db"))) {
    throw new StoreError("STORE_EXISTS", `store ${directory}: there is one already`);
  }
  const { environment } = session;
  await using store = await environment.openStore(directory, { readOnly: false, readers });
  const { journal, claims } = store.traits;
  await session.print(
    `made ${printable(directory)} for ${readersText(readers)} to read\n` +
      `journal: ${journal}, claims: ${claims}\n`,
  );
}

async function readersOf({ shared, group }: StoreInitFlags): Promise<Readers> {
  if (group === undefined) return { kind: shared === true ? "everyone" : "owner" };
  if (shared !== true) throw usageError("store init: expected --shared with --group");
  return { kind: "group", gid: await groupId(group) };
}

function readersText(readers: Readers): string {
  switch (readers.kind) {
    case "owner":
      return "its owner";
    case "group":
      return `group ${readers.gid}`;
    case "everyone":
      return "everyone";
  }
}

/** @throws CliError `USAGE` */
async function groupId(text: string): Promise<number> {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  const line = (await readFile("/etc/group", "utf8"))
    .split("\n")
    .find((each) => each.startsWith(`${text}:`));
  const gid = line?.split(":")[2];
  if (text !== "" && gid !== undefined && /^[0-9]+$/.test(gid)) return Number(gid);
  const message = `--group ${text}: expected a number or a group of /etc/group`;
  throw new CliError("USAGE", message);
}
