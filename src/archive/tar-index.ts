import { limitError, type ByteSource, type Limits } from "../base/index.ts";
import { TarReader, type TarEntry, type TarSink } from "../layers/index.ts";

/** What an archive has under one name, but for directories. */
export type TarMember =
  | { readonly kind: "file"; readonly offset: number; readonly size: number }
  /** To another name in the archive. */
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "unusable"; readonly why: string };

/** Members by their names, whose bytes stand as characters of Latin-1. */
export type TarIndex = ReadonlyMap<string, TarMember>;

const WINDOW_BYTES = 64 * 1024;
const BLOCK_BYTES = 512;
/** Nobody asks for longer ones; it keeps the index of a hostile archive small. */
const NAME_BYTES = 1024;

/**
 * Finds the files of a tar archive by their headers; their data is passed over unread. Names are
 * cleaned: `./a`, `/a` and `../a` are `a`. Two entries of one name are both of no use, for readers
 * disagree on which one counts.
 *
 * @throws LayerError `TAR_*`; LimitError `LIMIT_ARCHIVE_ENTRIES` and those of tar headers; and as
 *   `archive.read`
 */
export async function indexTar(
  archive: ByteSource,
  options: { readonly limits: Limits; readonly what: string },
  signal: AbortSignal,
): Promise<TarIndex> {
  const index = new IndexSink(options);
  const reader = new TarReader(index, options);
  index.positionOf = () => reader.position;
  for (let position = 0; position < archive.size;) {
    signal.throwIfAborted();
    const left = archive.size - position;
    const window = await archive.read(position, Math.min(WINDOW_BYTES, left));
    let at = 0;
    while (at < window.length) {
      const block = window.subarray(at, at + BLOCK_BYTES);
      reader.push(block);
      at += block.length;
      at += reader.leaveOut(left - at);
    }
    position += at;
  }
  reader.finish();
  return index.members;
}

class IndexSink implements TarSink {
  readonly members = new Map<string, TarMember>();
  positionOf: () => number = () => 0;
  readonly #limits: Limits;
  readonly #what: string;
  #entries = 0;
  #file = "";

  constructor({ limits, what }: { readonly limits: Limits; readonly what: string }) {
    this.#limits = limits;
    this.#what = what;
  }

  entry(entry: TarEntry): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.archiveEntries) {
      throw limitError(this.#limits, "archiveEntries", `entries of ${this.#what}`);
    }
    this.#file = "";
    if (entry.kind === "directory" || entry.path.length > NAME_BYTES) return;
    const name = latin1(entry.path);
    this.#file = name;
    const twice: TarMember = { kind: "unusable", why: "two entries of that name" };
    this.members.set(name, this.members.has(name) ? twice : this.#memberOf(entry, name));
  }

  data(): void {
    // Nothing here reads it; whoever opens the file does.
  }

  hole(): void {
    if (this.#file === "") return;
    this.members.set(this.#file, { kind: "unusable", why: "a sparse file" });
  }

  end(): void {
    this.#file = "";
  }

  warn(): void {
    // What is left out of an archive is nothing that an image needs, or it will be missed.
  }

  #memberOf(entry: TarEntry, name: string): TarMember {
    switch (entry.kind) {
      case "file":
        return { kind: "file", offset: this.positionOf(), size: entry.size };
      case "hardlink":
        return { kind: "link", target: latin1(entry.linkTarget) };
      case "symlink":
        return linkMember(name, latin1(entry.linkTarget));
      case "directory":
      case "character":
      case "block":
      case "fifo":
        return { kind: "unusable", why: `a ${entry.kind}` };
    }
  }
}

function linkMember(name: string, target: string): TarMember {
  const leadsOut: TarMember = { kind: "unusable", why: "a link that leads out of the archive" };
  if (target.startsWith("/")) return leadsOut;
  const parts = name.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return leadsOut;
    } else if (part !== "" && part !== ".") {
      parts.push(part);
    }
  }
  return { kind: "link", target: parts.join("/") };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
