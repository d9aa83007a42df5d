import { join } from "node:path";
import { exists } from "../base/index.ts";
import { findBarriers, StoreError, type Readers } from "../store/index.ts";
import { CliError, usageError } from "./cli-error.ts";
import { groupId } from "./group-id.ts";
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
  for (const { path, mode } of await findBarriers(directory, readers)) {
    session.warn(`${path} has mode ${mode}: not all who are to read the store can pass it`);
  }
  const { journal, claims } = store.traits;
  await session.print(
    `made ${printable(directory)} for ${readersText(readers)} to read\n` +
      `journal: ${journal}, claims: ${claims}\n`,
  );
}

async function readersOf({ shared, group }: StoreInitFlags): Promise<Readers> {
  if (group === undefined) return { kind: shared === true ? "everyone" : "owner" };
  if (shared !== true) throw usageError("store init: expected --shared with --group");
  return { kind: "group", gid: await requireGroup(group) };
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
async function requireGroup(text: string): Promise<number> {
  const id = await groupId(text);
  if (id !== undefined) return id;
  const message = `--group ${text}: expected a number or a group of /etc/group`;
  throw new CliError("USAGE", message);
}
