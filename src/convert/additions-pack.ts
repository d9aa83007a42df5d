import { open } from "node:fs/promises";
import type { RuntimeEntry } from "../layout/index.ts";
import type { TarEntry } from "../layers/index.ts";
import { Pack, PackBuilder, PackWriter, readLayerRecords } from "../packs/index.ts";
import type { Addition } from "../tree/index.ts";
import type { AssembleContext } from "./assemble-image.ts";

const NO_BYTES = new Uint8Array(0);

/** What siflet adds, converted as a layer of its own. */
export interface AdditionsPack extends Disposable {
  readonly pack: Pack;
  additions(): Iterable<Addition>;
}

/** Converts `entries`, in their order, to a pack at `path`. */
export async function convertAdditions(
  entries: readonly RuntimeEntry[],
  path: string,
  context: AssembleContext,
): Promise<AdditionsPack> {
  {
    await using file = await open(path, "wx", 0o600);
    const writer = new PackWriter(file);
    const identity = { diffId: "", what: "what siflet adds" };
    const builder = new PackBuilder({ ...context, ...identity, writer, count: () => undefined });
    for (const entry of entries) {
      builder.entry(tarEntryOf(entry));
      if (entry.kind !== "file") continue;
      if (entry.content.length > 0) builder.data(entry.content);
      builder.end();
    }
    await builder.finish();
  }
  const pack = new Pack(path);
  return {
    pack,
    *additions() {
      let index = 0;
      for (const log of pack.log()) {
        for (const record of readLayerRecords(log)) {
          const entry = entries[index++];
          if (entry === undefined) throw new Error("more records than entries");
          yield { record, policy: entry.policy };
        }
      }
    },
    [Symbol.dispose]() {
      pack[Symbol.dispose]();
    },
  };
}

function tarEntryOf(entry: RuntimeEntry): TarEntry {
  return {
    kind: entry.kind,
    path: Buffer.from(entry.path),
    mode: entry.mode,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: entry.kind === "file" ? entry.content.length : 0,
    linkTarget: entry.kind === "symlink" ? Buffer.from(entry.target) : NO_BYTES,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [],
  };
}
