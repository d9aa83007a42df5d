import type { Limits } from "../base/index.ts";
import type { Compression, Digest, FilePart, Layout, OciConfig } from "../image/index.ts";
import type { TransferredError } from "./error-transfer.ts";

/** What a conversion thread is started with. */
export interface ThreadSettings {
  readonly compression: Compression;
  /** URL of the module of block compressors. */
  readonly compressors: string;
  /** Whether it is still to be found out what the codec makes of the golden vectors. */
  readonly checksCodec: boolean;
  readonly jobs: number;
  readonly limits: Limits;
  /** Counter of the byte budget. */
  readonly budget: SharedArrayBuffer;
  readonly budgetBytes: number;
}

/** A file that is made of the blob as it comes, or one that it lies in already. */
export type BlobFile =
  { readonly kind: "spool"; readonly path: string } | ({ readonly kind: "part" } & FilePart);

/** A layer that is going to be converted. */
export interface LayerTask {
  readonly id: number;
  /** The layer, as messages name it. */
  readonly what: string;
  readonly digest: Digest;
  /** Bytes of the blob. */
  readonly size: number;
  readonly diffId: Digest;
  readonly mediaType: string;
  /** File that the pack is written to. */
  readonly packPath: string;
  /** Where the blob is read from, or undefined where it comes in messages. */
  readonly spool: BlobFile | undefined;
}

/** An image whose layers are converted. */
export interface AssembleTask {
  /** Packs of the layers, lowest first, with those merged ahead; one may stand more than once. */
  readonly packPaths: readonly string[];
  /** File that the pack of what siflet itself adds is written to. */
  readonly additionsPath: string;
  readonly outputPath: string;
  readonly config: OciConfig;
  readonly architecture: string;
  readonly variant: string;
  readonly rootOwns: boolean;
  readonly layout: Layout;
}

export interface AssembledImage {
  /** SHA-256 of the file, 64 hex digits. */
  readonly id: string;
  readonly size: number;
  readonly partition: { readonly offset: number; readonly size: number };
  readonly files: number;
}

export type ToThread =
  | { readonly kind: "layer"; readonly task: LayerTask }
  /** The next bytes of a blob that is not spooled: the first `bytes` of `buffer`. */
  | {
      readonly kind: "chunk";
      readonly id: number;
      readonly buffer: ArrayBuffer;
      readonly bytes: number;
    }
  /** The first `bytes` bytes can be read from the file of the blob now. */
  | { readonly kind: "spooled"; readonly id: number; readonly bytes: number }
  | { readonly kind: "end"; readonly id: number }
  /** The blob will not be completed. */
  | { readonly kind: "abandon"; readonly id: number }
  /** The pack of the next layer, lowest first, is whole. */
  | { readonly kind: "merge"; readonly packPath: string }
  | { readonly kind: "assemble"; readonly task: AssembleTask };

export type FromThread =
  | { readonly kind: "buffer"; readonly buffer: ArrayBuffer }
  /** What the golden vectors came out as. */
  | { readonly kind: "fingerprint"; readonly fingerprint: string }
  | { readonly kind: "layer-progress"; readonly id: number; readonly bytes: number }
  | { readonly kind: "layer-done"; readonly id: number }
  | { readonly kind: "layer-failed"; readonly id: number; readonly error: TransferredError }
  | { readonly kind: "assemble-progress"; readonly bytes: number; readonly total: number }
  | {
      readonly kind: "assembled";
      readonly image: AssembledImage;
    }
  | { readonly kind: "assemble-failed"; readonly error: TransferredError }
  | { readonly kind: "warning"; readonly message: string };
