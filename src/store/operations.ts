import type { ImageErrorCode } from "../image/index.ts";
import type { StoreChanges } from "./change-log.ts";
import type { FileFacts } from "./file-facts.ts";
import type { StoreErrorCode } from "./store-error.ts";
import type {
  BorrowOptions,
  DeliveredLayer,
  ImageRecord,
  ManifestKey,
  ManifestRecord,
  Names,
  NewImage,
} from "./stored-image.ts";
import type { UsagePart } from "./usage-walk.ts";

/** Decided when a store is made, and kept for its life. */
export interface StoreTraits {
  /** `rollback` works on every file system and for readers that may not write. */
  readonly journal: "wal" | "rollback";
  /** How processes exclude each other: `socket` reaches one machine, `lock-file` all. */
  readonly claims: "socket" | "lock-file";
}

export interface OpenRequest {
  /** The store's directory. */
  readonly root: string;
  readonly readOnly: boolean;
  /** With what to make the database where there is none; absent: it is not made. */
  readonly traits?: StoreTraits;
  /** Puts a damaged database aside and makes another one with `traits`. */
  readonly replaces?: boolean;
}

/**
 * How the database came to be that was opened: `made` with a new store, or `rebuilt` for a store
 * that was there before.
 */
export type DatabaseStart = "found" | "made" | "rebuilt";

export interface OpenAnswer {
  readonly traits: StoreTraits;
  readonly start: DatabaseStart;
}

/** Text as a user typed it, with the canonical names it may stand for. */
export interface Lookup {
  readonly text: string;
  readonly names: readonly string[];
}

interface At {
  /** Milliseconds since 1970. */
  readonly now: number;
}

interface ById extends At {
  readonly id: string;
}

/** An image as it crosses the border: `source` still is the text of the database. */
export interface RecordedImage extends Omit<ImageRecord, "source"> {
  readonly sourceJson: string;
}

/** One message and its answer, both plain data. */
interface Call<A, R> {
  readonly argument: A;
  readonly result: R;
}

/** All that can be asked of the database thread. Each is one transaction. */
export interface Operations {
  /** First of all; opens the database, making it where there is none. */
  open: Call<OpenRequest, OpenAnswer>;
  /** Puts the open database aside and makes another one out of the backup, where it is damaged. */
  rebuild: Call<{ readonly traits: StoreTraits }, OpenAnswer>;
  /** Last of all; writes the use times that wait, and the backup where names or images changed. */
  close: Call<undefined, void>;

  find: Call<Lookup & At, RecordedImage>;
  /** The same, with what lies where its file should. */
  findFile: Call<
    Lookup & At,
    { readonly image: RecordedImage; readonly facts: FileFacts | undefined }
  >;
  findById: Call<ById, RecordedImage | undefined>;
  findByContent: Call<{ readonly contentKey: string } & At, readonly RecordedImage[]>;
  /** Of all images, the one used last first. */
  listIds: Call<undefined, readonly string[]>;
  /** Those of the images that are there, in the order of `ids`. */
  listSome: Call<{ readonly ids: readonly string[] } & At, readonly RecordedImage[]>;
  /** What changed after a position of the log of changes; without one, where it ends. */
  changesSince: Call<{ readonly position: number | undefined }, StoreChanges>;
  /** What lies at each of the paths. */
  fileFacts: Call<{ readonly paths: readonly string[] }, readonly (FileFacts | undefined)[]>;
  /** Begins to measure what a directory and all below it take up; `nextUsage` tells it in parts. */
  beginUsage: Call<{ readonly directory: string }, number>;
  nextUsage: Call<{ readonly walk: number }, UsagePart>;
  endUsage: Call<{ readonly walk: number }, undefined>;

  commitImage: Call<{ readonly image: NewImage } & At, RecordedImage>;
  addNames: Call<{ readonly names: Names } & ById, RecordedImage>;
  untag: Call<{ readonly name: string } & At, RecordedImage>;
  /** As `removeImage`, but undefined where it is borrowed, pinned, or used since then. */
  removeIdle: Call<{ readonly usedBefore: number } & ById, RecordedImage | undefined>;
  setPinned: Call<{ readonly pinned: boolean } & ById, RecordedImage>;
  setRuntimeHandler: Call<{ readonly handler: string } & ById, RecordedImage>;
  /** Deletes the record and leaves a tombstone of the file. */
  removeImage: Call<ById, RecordedImage>;
  /** Files in `images/` that are still to be deleted; never one that a live image owns. */
  tombstones: Call<undefined, readonly string[]>;
  dropTombstone: Call<{ readonly file: string }, void>;

  borrow: Call<Lookup & BorrowOptions & { readonly who: string } & At, RecordedImage>;
  /** The images whose borrow ended, as they are now. */
  giveBack: Call<Lookup & { readonly who: string } & At, readonly RecordedImage[]>;
  usedBy: Call<ById, readonly string[]>;
  counts: Call<At, StoreCounts>;
  /** Remembers a use; written with the next write, after a delay or at the close. */
  touch: Call<ById, void>;

  recordDeliveries: Call<Deliveries, void>;
  delivered: Call<Deliveries, boolean>;
  recordManifest: Call<ManifestRecord, void>;
  manifestContent: Call<ManifestKey, string | undefined>;
  recordObjectDigests: Call<{ readonly id: string; readonly digests: ObjectDigestMap }, void>;
  objectDigests: Call<{ readonly id: string }, ObjectDigestMap>;
  recordSignatures: Call<{ readonly id: string; readonly kept: KeptSignatures }, void>;
  keptSignatures: Call<{ readonly id: string }, KeptSignatures>;

  /** Files in `images/` that a record or a tombstone owns. */
  ownedFiles: Call<undefined, readonly string[]>;
  /** What SQLite finds wrong with the database, in its own words. */
  integrity: Call<undefined, readonly string[]>;

  /** Takes the lock of an SQLite file of its own without waiting; whether it was free. */
  tryLock: Call<{ readonly path: string }, boolean>;
  /** Gives the lock back; `forget` also deletes the file of a lock that nobody uses again. */
  unlock: Call<{ readonly path: string; readonly forget: boolean }, void>;
}

/** Digests of a file's objects as hex, by which they are and by what. */
export type ObjectDigestMap = ReadonlyMap<string, string>;

/** How much of what a store holds. */
export interface StoreCounts {
  readonly images: number;
  /** Those that have not ended. */
  readonly borrows: number;
}

/** What is kept of the signatures beside an image, by its names: text of whoever judges them. */
export type KeptSignatures = ReadonlyMap<string, string>;

export interface Deliveries {
  readonly host: string;
  readonly layers: readonly DeliveredLayer[];
}

export type Operation = keyof Operations;
/** Those that the open database answers; the others belong to the thread itself. */
export type DatabaseOperation = Exclude<
  Operation,
  "open" | "rebuild" | "close" | "tryLock" | "unlock"
>;
export type Argument<O extends Operation> = Operations[O]["argument"];
export type Result<O extends Operation> = Operations[O]["result"];

/** Who answers those operations: one method each. */
export type Answers<O extends Operation> = {
  readonly [P in O]: (argument: Argument<P>) => Result<P>;
};

/** One message to the thread; `key` comes back with its answer. */
export type Request<O extends Operation = Operation> = {
  readonly [P in O]: {
    readonly key: number;
    readonly operation: P;
    readonly argument: Argument<P>;
  };
}[O];

/** A thrown error as it crosses the border between threads. */
export type Fault =
  | { readonly kind: "store"; readonly code: StoreErrorCode; readonly message: string }
  | {
      readonly kind: "image";
      readonly code: ImageErrorCode;
      readonly message: string;
      readonly candidates: readonly string[];
    }
  | { readonly kind: "bug"; readonly message: string };

export type Reply =
  | { readonly key: number; readonly value: Result<Operation> }
  | { readonly key: number; readonly fault: Fault };
