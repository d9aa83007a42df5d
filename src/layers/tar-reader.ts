import type { Limits } from "../base/index.ts";
import { FileBody } from "./file-body.ts";
import { checkSparseMap, readGnuSegments, SparseLines, type SparseMap } from "./sparse-map.ts";
import { quoteBytes, tarError, type TarContext } from "./tar-context.ts";
import { readEntryHeader, storedSize } from "./tar-entry-header.ts";
import type { EntryHeader } from "./tar-entry-header.ts";
import {
  checkNothingAnnounced,
  ExtensionBody,
  isExtension,
  noExtensions,
  type EntryExtensions,
} from "./tar-extensions.ts";
import type { TarSink } from "./tar-entry.ts";
import { BLOCK_BYTES, FIELDS, judgeBlock, numberField, paddingOf, TYPE_AT } from "./tar-header.ts";

/** What the next bytes of the archive are. */
type State =
  | { readonly next: "header" }
  | { readonly next: "second end block" }
  | { readonly next: "anything" }
  | { readonly next: "skipped" }
  | { readonly next: "data" }
  | { readonly next: "extension"; readonly body: ExtensionBody; readonly size: number }
  | { readonly next: "sparse lines"; readonly header: EntryHeader; readonly lines: SparseLines }
  | { readonly next: "sparse blocks"; readonly header: EntryHeader; readonly map: GrowingMap };

interface GrowingMap extends SparseMap {
  readonly segments: number[];
}

const HEADER: State = { next: "header" };
const SECOND_END_BLOCK: State = { next: "second end block" };
const ANYTHING: State = { next: "anything" };
const SKIPPED: State = { next: "skipped" };
const DATA: State = { next: "data" };

/** Volume labels, parts of volumes, dumps of directories: notes of an archiver, and no files. */
const VENDOR_TYPES = "VMDNAI";

/**
 * Reads a tar archive of any dialect (v7, ustar, star, GNU, PAX) as it comes, and tells `sink` its
 * entries. Holds one header at a time and copies no byte of a file.
 *
 * Any call may throw what is listed here, or what the sink throws; the reader is of no use then.
 *
 * @throws LayerError `TAR_*`
 * @throws LimitError `LIMIT_HEADER_BYTES`, `LIMIT_PATH_BYTES`, `LIMIT_PATH_DEPTH`,
 *   `LIMIT_LINK_TARGET_BYTES`, `LIMIT_XATTR_BYTES`, `LIMIT_SPARSE_SEGMENTS`
 * @see layers.md §3, §4
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #body: FileBody;
  readonly #context: TarContext;
  #state: State = HEADER;
  /** Bytes of the archive before the chunk that is being pushed. */
  #passed = 0;
  /** Position within that chunk. */
  #at = 0;
  /** A block that straddles chunks, and how much of it is there. */
  readonly #partial = new Uint8Array(BLOCK_BYTES);
  #partialBytes = 0;
  #headerAt = 0;
  #extensions: EntryExtensions = noExtensions();
  /** Bytes to pass over in state "skipped", before the next header. */
  #skip = 0;
  /** Padding behind the data of the current file. */
  #padding = 0;
  /** The entry before, where it claims a body that its kind cannot have; for the message only. */
  #bodiless = "";

  /** @param options - `what` names the archive in messages */
  constructor(sink: TarSink, options: { readonly limits: Limits; readonly what: string }) {
    this.#sink = sink;
    this.#body = new FileBody(sink);
    const warned = new Set<string>();
    this.#context = {
      limits: options.limits,
      what: options.what,
      where: () => `${options.what}: tar header at byte ${this.#headerAt}`,
      warnOnce(kind, message) {
        if (warned.has(kind)) return;
        warned.add(kind);
        sink.warn(message);
      },
    };
  }

  /** Reads the next bytes of the archive; keeps none of them. */
  push(chunk: Uint8Array): void {
    // A view of a Buffer is a Buffer, whose `slice` copies nothing: sinks are given plain arrays.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
    while (this.#at < bytes.length) this.#step(bytes);
    this.#passed += bytes.length;
    this.#at = 0;
  }

  /** Bytes of the archive before the next that is read: in `sink.entry` of a plain file, before its data. */
  get position(): number {
    return this.#passed + this.#at;
  }

  /**
   * Passes over what the sink can do without, so that it need not be pushed: the rest of a plain
   * file's data, of which the sink is told the end alone, padding, and all behind the end marker.
   * To be called between two pushes.
   *
   * @param most - bytes that the archive still has
   * @returns bytes of the archive, from the next on, that the caller leaves out
   */
  leaveOut(most: number): number {
    let count = this.#state === ANYTHING ? most : 0;
    if (this.#state === DATA) {
      count = this.#body.leaveOut(most);
      if (this.#body.missing === 0) this.#skipOver(this.#padding);
    }
    if (this.#state === SKIPPED) {
      const skipped = Math.min(this.#skip, most - count);
      this.#skip -= skipped;
      count += skipped;
      if (this.#skip === 0) this.#state = HEADER;
    }
    this.#passed += count;
    return count;
  }

  /**
   * Checks that the archive may end here: at its end marker, or without one between two entries.
   *
   * @throws LayerError `TAR_TRUNCATED`
   */
  finish(): void {
    const state = this.#state;
    checkNothingAnnounced(this.#extensions, this.#context);
    if (state.next === "anything") return;
    const isZeros = !this.#partial.subarray(0, this.#partialBytes).some((byte) => byte !== 0);
    if (state.next === "second end block" && isZeros) return;
    if (state.next === "header" && this.#partialBytes === 0) return;
    const end = this.#passed;
    const message = `expected the rest of the entry (${state.next}), got the end at byte ${end}`;
    throw tarError(this.#context, "TAR_TRUNCATED", message);
  }

  #step(bytes: Uint8Array): void {
    const state = this.#state;
    switch (state.next) {
      case "data":
        this.#at = this.#body.take(bytes, this.#at);
        if (this.#body.missing === 0) this.#skipOver(this.#padding);
        return;
      case "skipped": {
        const end = Math.min(bytes.length, this.#at + this.#skip);
        this.#skip -= end - this.#at;
        this.#at = end;
        if (this.#skip === 0) this.#state = HEADER;
        return;
      }
      case "anything":
        this.#at = bytes.length;
        return;
      case "extension":
        this.#at = state.body.take(bytes, this.#at);
        if (state.body.missing === 0) this.#endExtension(state.body, state.size);
        return;
      case "sparse lines":
        this.#takeSparseLines(bytes, state.header, state.lines);
        return;
      case "header":
      case "second end block":
      case "sparse blocks": {
        const block = this.#takeBlock(bytes);
        if (block !== undefined) this.#block(block, state);
      }
    }
  }

  /** The next block, in place where the chunk holds all of it; undefined until it is complete. */
  #takeBlock(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#partialBytes === 0 && bytes.length - this.#at >= BLOCK_BYTES) {
      const start = this.#at;
      this.#at += BLOCK_BYTES;
      return bytes.subarray(start, this.#at);
    }
    const end = Math.min(bytes.length, this.#at + BLOCK_BYTES - this.#partialBytes);
    this.#partial.set(bytes.subarray(this.#at, end), this.#partialBytes);
    this.#partialBytes += end - this.#at;
    this.#at = end;
    if (this.#partialBytes < BLOCK_BYTES) return undefined;
    this.#partialBytes = 0;
    return this.#partial;
  }

  #block(
    block: Uint8Array,
    state: State & { next: "header" | "second end block" | "sparse blocks" },
  ): void {
    if (state.next === "sparse blocks") {
      const { header, map } = state;
      if (readGnuSegments(block, "block", map.segments, this.#context)) return;
      this.#beginSparse(header, map, header.stored);
      return;
    }
    this.#headerAt = this.#passed + this.#at - BLOCK_BYTES;
    const verdict = judgeBlock(block);
    if (state.next === "second end block") {
      if (verdict !== "zeros") throw this.#loneZeros();
      this.#state = ANYTHING;
    } else if (verdict === "zeros") {
      checkNothingAnnounced(this.#extensions, this.#context);
      this.#state = SECOND_END_BLOCK;
    } else if (verdict === "header") {
      this.#header(block);
    } else {
      throw this.#badChecksum();
    }
  }

  #header(block: Uint8Array): void {
    this.#bodiless = "";
    const type = String.fromCharCode(block[TYPE_AT] ?? 0);
    if (isExtension(type)) {
      const size = storedSize(block, undefined, this.#context);
      const body = new ExtensionBody(type, size, this.#context);
      if (size === 0) this.#endExtension(body, size);
      else this.#state = { next: "extension", body, size };
      return;
    }
    const extensions = this.#extensions;
    this.#extensions = noExtensions();
    if (VENDOR_TYPES.includes(type)) {
      this.#skipVendorEntry(block, type, extensions);
    } else {
      this.#beginEntry(block, readEntryHeader(block, extensions, this.#context));
    }
  }

  #endExtension(body: ExtensionBody, size: number): void {
    body.applyTo(this.#extensions, this.#context);
    this.#skipOver(paddingOf(size));
  }

  #skipVendorEntry(block: Uint8Array, type: string, extensions: EntryExtensions): void {
    const size = storedSize(block, extensions.pax, this.#context);
    const message = `left out an entry of type ${type}, which is no file`;
    this.#context.warnOnce(`type ${type}`, `${this.#context.where()}: ${message}`);
    this.#skipOver(size + paddingOf(size));
  }

  #beginEntry(block: Uint8Array, header: EntryHeader): void {
    const { entry, stored, sparse } = header;
    if (entry.kind !== "file") {
      // Such entries have no body whatever their size says (layers.md §3).
      const isSized = numberField(block, FIELDS.size, this.#context) !== 0;
      if (isSized) this.#bodiless = `${entry.kind} ${quoteBytes(entry.path)}`;
      this.#sink.entry(entry);
      this.#state = HEADER;
      return;
    }
    this.#padding = paddingOf(stored);
    if (sparse === undefined) {
      this.#sink.entry(entry);
      this.#body.beginPlain(stored);
      this.#toData();
    } else if (sparse.kind === "map") {
      this.#beginSparse(header, sparse.map, stored);
    } else if (sparse.kind === "blocks") {
      this.#state = { next: "sparse blocks", header, map: sparse };
    } else {
      const lines = new SparseLines(this.#context);
      if (stored === 0) throw this.#mapWithoutEnd();
      this.#state = { next: "sparse lines", header, lines };
    }
  }

  #takeSparseLines(bytes: Uint8Array, header: EntryHeader, lines: SparseLines): void {
    const left = header.stored - lines.consumed;
    this.#at = lines.take(bytes, this.#at, Math.min(bytes.length, this.#at + left));
    const data = header.stored - lines.consumed;
    if (lines.done) {
      const map = { realSize: header.entry.size, segments: lines.segments };
      this.#beginSparse(header, map, data);
    } else if (data === 0) {
      throw this.#mapWithoutEnd();
    }
  }

  /** @param stored - bytes of data behind the map */
  #beginSparse({ entry }: EntryHeader, map: SparseMap, stored: number): void {
    checkSparseMap(map, stored, this.#context);
    this.#sink.entry(entry);
    this.#body.beginSparse(map);
    this.#toData();
  }

  #toData(): void {
    if (this.#body.missing > 0) this.#state = DATA;
    else this.#skipOver(this.#padding);
  }

  #skipOver(bytes: number): void {
    this.#skip = bytes;
    this.#state = bytes === 0 ? HEADER : SKIPPED;
  }

  #loneZeros(): Error {
    const message = "expected a second block of zeros or the end after a first, got something else";
    return tarError(this.#context, "TAR_HEADER", message);
  }

  #badChecksum(): Error {
    const after = this.#bodiless === "" ? "" : ` (after ${this.#bodiless}, which claims a body)`;
    const message = `expected a header, got a block without a header's checksum${after}`;
    return tarError(this.#context, "TAR_CHECKSUM", message);
  }

  #mapWithoutEnd(): Error {
    const message = "sparse map: expected its end within the entry's size, got none";
    return tarError(this.#context, "TAR_SPARSE", message);
  }
}
