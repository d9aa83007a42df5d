import type { StoreChanges } from "./change-log.ts";
import type { Claim } from "./claims.ts";
import type { DatabaseClient } from "./database-client.ts";
import type { DatabaseStart, RecordedImage, StoreCounts, StoreTraits } from "./operations.ts";
import type { FileFacts } from "./file-facts.ts";
import { publishImage, removeIdleImage, removeImage, type StoreParts } from "./publication.ts";
import type { StagingArea, Staging } from "./staging.ts";
import type { StorePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";
import { StoreEvidence } from "./store-evidence.ts";
import { StoreRepair } from "./store-repair.ts";
import type { BorrowOptions, Names, NewImage, Publication, StoredImage } from "./stored-image.ts";
import { storedOf } from "./stored-of.ts";
import type { UsagePart } from "./usage-walk.ts";

/** What only a store that may be written has. */
export interface StoreWriter {
  readonly parts: StoreParts;
  readonly staging: StagingArea;
  /** Clears away what dead processes left of their claims. */
  readonly sweepLocks: () => Promise<void>;
}

/**
 * Images that are looked up at a time. Few enough to be still young in memory when they are done with:
 * in parts of 250 the collector moves most of them, which is 8 % of what a list of 10,000 costs.
 */
const PART = 64;
/** Parts that are looked up while the caller works on one: neither of the two is to wait. */
const PARTS_AHEAD = 3;

/** What an open store consists of. */
export interface OpenedParts {
  readonly paths: StorePaths;
  readonly traits: StoreTraits;
  readonly client: DatabaseClient;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Absent for a store that is only read. */
  readonly writer?: StoreWriter;
  /** Absent: it was found. */
  readonly start?: DatabaseStart;
}

/**
 * An open store; any number of processes may have the same one open. Names are canonical texts,
 * parsed by the caller. Beside what stands at each method, all throw StoreError: `NO_SPACE`,
 * `STORE_BUSY` (others kept the database locked for 30 s), `STORE_DAMAGED`, `STORE_UNAVAILABLE`,
 * and, where they write to a store opened to be read, `STORE_READ_ONLY`. After any failure the
 * store is as it was.
 *
 * @see design decision 7
 */
export class Store implements AsyncDisposable {
  /** Absolute path of the store. */
  readonly directory: string;
  /** Absolute path of the directory that its SIF files lie in. */
  readonly imagesDirectory: string;
  readonly traits: StoreTraits;
  /** Whether there was no store here, and this one was made as it was opened. */
  readonly wasMade: boolean;
  /**
   * Whether the database was lost or damaged and made again as this store was opened: out of its last
   * backup, which may know less than the files do.
   */
  readonly wasRebuilt: boolean;
  readonly evidence: StoreEvidence;
  readonly repair: StoreRepair;
  readonly #paths: StorePaths;
  readonly #client: DatabaseClient;
  readonly #now: () => number;
  readonly #writer: StoreWriter | undefined;

  /** For `openStore`: everything is open already, and is closed with the store. */
  constructor({ paths, traits, client, now, writer, start }: OpenedParts) {
    this.directory = paths.root;
    this.imagesDirectory = paths.images;
    this.traits = traits;
    this.wasMade = start === "made";
    this.wasRebuilt = start === "rebuilt";
    this.#paths = paths;
    this.#client = client;
    this.#now = now;
    this.#writer = writer;
    this.evidence = new StoreEvidence(client, (what) => this.#write(what));
    this.repair = new StoreRepair(paths, traits, client, (what) => this.#write(what).parts);
  }

  /**
   * The image that a user's `text` means: one of `names`, in their order, or else the image with
   * this id, or the only one whose id begins so (3 to 64 lower-case hex digits).
   *
   * @throws ImageError `NOT_FOUND`, with the ids as `candidates` where several begin so
   */
  async find(text: string, names: readonly string[]): Promise<StoredImage> {
    return this.#stored(await this.#client.call("find", { text, names, now: this.#now() }));
  }

  /**
   * The same in one step with what lies where its file should, looked at in the database's thread; undefined
   * where nothing does.
   *
   * @throws as `find`
   */
  async findFile(
    text: string,
    names: readonly string[],
  ): Promise<{ readonly image: StoredImage; readonly facts: FileFacts | undefined }> {
    const request = { text, names, now: this.#now() };
    const { image, facts } = await this.#client.call("findFile", request);
    return { image: this.#stored(image), facts };
  }

  /** The image with exactly this id. */
  async findById(id: string): Promise<StoredImage | undefined> {
    const record = await this.#client.call("findById", { id, now: this.#now() });
    return record && this.#stored(record);
  }

  /** Images of this content, in whatever profile; the one used last first. */
  async findByContent(contentKey: string): Promise<readonly StoredImage[]> {
    const request = { contentKey, now: this.#now() };
    const records = await this.#client.call("findByContent", request);
    return records.map((record) => this.#stored(record));
  }

  /** All images, the one used last first. */
  async list(): Promise<readonly StoredImage[]> {
    const images: StoredImage[] = [];
    for await (const part of this.listInParts()) images.push(...part);
    return images;
  }

  /**
   * All images, the one used last first, some dozen at a time: while the caller works on some, the
   * database looks for the next ones. What is removed meanwhile may be left out.
   */
  async *listInParts(): AsyncIterable<readonly StoredImage[]> {
    const now = this.#now();
    const ids = await this.#client.call("listIds", undefined);
    const ask = (start: number): Promise<readonly RecordedImage[]> => {
      const part = this.#client.call("listSome", { ids: ids.slice(start, start + PART), now });
      // Heard when its turn comes, unless the caller has left by then.
      part.catch(() => undefined);
      return part;
    };
    const asked = Array.from({ length: PARTS_AHEAD }, (_, number) => ask(number * PART));
    for (let start = 0; start < ids.length; start += PART) {
      asked.push(ask(start + PARTS_AHEAD * PART));
      const records = (await asked.shift()) ?? [];
      yield records.map((record) => this.#stored(record));
    }
  }

  /** Those of the images with these ids that are there, in the order of `ids`. */
  async findSome(ids: readonly string[]): Promise<readonly StoredImage[]> {
    const records = await this.#client.call("listSome", { ids, now: this.#now() });
    return records.map((record) => this.#stored(record));
  }

  /**
   * What any process changed about images and their names since `position`, as an earlier answer had it.
   *
   * @param position - absent: nothing is told but where the log of changes ends now
   */
  async changesSince(position?: number): Promise<StoreChanges> {
    return await this.#client.call("changesSince", { position });
  }

  /**
   * What lies at each of `paths`, looked at in the database's thread: neither the caller's event loop nor
   * whatever keeps the process's other file operations busy can hold it up.
   */
  async fileFacts(paths: readonly string[]): Promise<readonly (FileFacts | undefined)[]> {
    return await this.#client.call("fileFacts", { paths });
  }

  /** What a directory and all below it take up, looked at in the same place, some entries at a time. */
  async *usageOf(directory: string): AsyncGenerator<UsagePart, void> {
    const walk = await this.#client.call("beginUsage", { directory });
    try {
      for (;;) {
        const part = await this.#client.call("nextUsage", { walk });
        yield part;
        if (part.isDone) return;
      }
    } finally {
      await this.#client.call("endUsage", { walk });
    }
  }

  /**
   * A directory on the store's file system, 0700, in which to make what `publish` takes; the
   * caller disposes of it. What a killed process leaves there is swept by the next `openStore`.
   */
  async stage(): Promise<Staging> {
    return await this.#write("stage").staging.make();
  }

  /**
   * Makes a file that the caller has verified an image of this store, durably: once this returns
   * it survives a loss of power. The names leave the images that had them. Where the image is
   * stored already it gains the names, and its file is replaced only if it is damaged.
   *
   * @throws ContentError `CONTENT_SIZE_MISMATCH` when the file has another size than stated; the
   *   signal's reason
   */
  async publish(publication: Publication, signal: AbortSignal): Promise<StoredImage> {
    const { parts } = this.#write("publish");
    return this.#stored(await publishImage(parts, publication, signal));
  }

  /**
   * Records a SIF file that stays where it is: `image.localFile`. Its names leave the images that
   * had them.
   */
  async recordLocal(image: NewImage): Promise<StoredImage> {
    this.#write("record a local file");
    return this.#stored(await this.#client.call("commitImage", { image, now: this.#now() }));
  }

  /**
   * Keeps image `id` from being removed to make room, or no longer.
   *
   * @throws ImageError `NOT_FOUND`
   */
  async setPinned(id: string, pinned: boolean): Promise<StoredImage> {
    this.#write(pinned ? "pin an image" : "unpin an image");
    return this.#stored(await this.#client.call("setPinned", { id, pinned, now: this.#now() }));
  }

  /**
   * Records for which of Kubernetes' runtime handlers image `id` was pulled; "" is the usual one.
   *
   * @throws ImageError `NOT_FOUND`
   */
  async setRuntimeHandler(id: string, handler: string): Promise<StoredImage> {
    this.#write("record a runtime handler");
    const request = { id, handler, now: this.#now() };
    return this.#stored(await this.#client.call("setRuntimeHandler", request));
  }

  /**
   * Gives image `id` more names, which leave the images that had them, and counts as a use.
   *
   * @throws ImageError `NOT_FOUND`
   */
  async addNames(id: string, names: Names): Promise<StoredImage> {
    this.#write("name an image");
    return this.#stored(await this.#client.call("addNames", { id, names, now: this.#now() }));
  }

  /**
   * Takes `name` away from its image, which stays, and returns that image.
   *
   * @throws ImageError `NOT_FOUND` when no image has the name
   */
  async untag(name: string): Promise<StoredImage> {
    this.#write("untag");
    return this.#stored(await this.#client.call("untag", { name, now: this.#now() }));
  }

  /**
   * Removes image `id` with all its names and its file, and returns what it was.
   *
   * @throws ImageError `NOT_FOUND`, or `IS_USED` with the borrowers as `candidates`; the signal's
   *   reason, while another process publishes or removes
   */
  async remove(id: string, signal: AbortSignal): Promise<StoredImage> {
    const { parts } = this.#write("remove an image");
    return this.#stored(await removeImage(parts, id, signal));
  }

  /**
   * Removes image `id` unless it is borrowed, pinned, gone, or used at `usedBefore` (milliseconds
   * since 1970) or later; undefined where it stays.
   */
  async removeIdle(
    id: string,
    usedBefore: number,
    signal: AbortSignal,
  ): Promise<StoredImage | undefined> {
    const { parts } = this.#write("remove an image");
    const record = await removeIdleImage(parts, id, usedBefore, signal);
    return record && this.#stored(record);
  }

  /** Whether it was opened to be read alone. */
  get isReadOnly(): boolean {
    return this.#writer === undefined;
  }

  /**
   * Finds an image as `find` does and keeps it from being removed until `who` returns it, in one
   * transaction. A second borrow of an image by the same `who` replaces the first. It remembers the name
   * that it was taken under.
   *
   * @throws ImageError `NOT_FOUND`
   */
  async borrow(
    text: string,
    names: readonly string[],
    who: string,
    options: BorrowOptions = {},
  ): Promise<StoredImage> {
    this.#write("borrow an image");
    const request = { text, names, who, now: this.#now(), ...options };
    return this.#stored(await this.#client.call("borrow", request));
  }

  /**
   * Ends what `who` borrowed under one of `names`, whichever images have these names now; where that is
   * nothing, the borrow by `who` of the image that `text` and `names` mean, as `find` has it.
   *
   * @returns the images that `who` had borrowed until now; none is fine
   * @throws ImageError `NOT_FOUND` where nothing was borrowed under these names and they mean no image
   */
  async return(
    text: string,
    names: readonly string[],
    who: string,
  ): Promise<readonly StoredImage[]> {
    this.#write("return an image");
    const records = await this.#client.call("giveBack", { text, names, who, now: this.#now() });
    return records.map((record) => this.#stored(record));
  }

  /**
   * Who borrows image `id` now, sorted.
   *
   * @throws ImageError `NOT_FOUND`
   */
  async usedBy(id: string): Promise<readonly string[]> {
    return await this.#client.call("usedBy", { id, now: this.#now() });
  }

  /**
   * Notes that image `id` is used now. Use times are written together, at the latest by `close`;
   * a crash loses those of half a minute. Without effect on a store opened to be read.
   */
  async touch(id: string): Promise<void> {
    await this.#client.call("touch", { id, now: this.#now() });
  }

  /** How many images there are, and borrows that have not ended. */
  async counts(): Promise<StoreCounts> {
    return await this.#client.call("counts", { now: this.#now() });
  }

  /**
   * Waits until no other caller, thread or process holds `key`, and holds it until disposed of.
   * Ends with the process that holds it: waiters learn of its death in milliseconds, or with lock
   * files in a tenth of a second.
   *
   * @throws the signal's reason when aborted
   */
  async claim(key: string, signal: AbortSignal): Promise<Claim> {
    return await this.#write("claim").parts.claims.claim(`key ${key}`, signal);
  }

  /** Writes the use times that wait and gives everything back, claims that are still held too. */
  async close(): Promise<void> {
    try {
      await this.#writer?.staging.close();
      await this.#writer?.parts.claims.close();
    } finally {
      await this.#client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #write(what: string): StoreWriter {
    if (this.#writer !== undefined) return this.#writer;
    throw new StoreError(
      "STORE_READ_ONLY",
      `store ${this.directory}: expected a store opened to be written in order to ${what}, ` +
        "got one opened to be read",
    );
  }

  #stored(record: RecordedImage): StoredImage {
    return storedOf(this.#paths, record);
  }
}
