/** The two block codecs that images are written with. */
export type Compression = "gzip" | "zstd";

/** Whose the files are: as the image says, or all 0:0. */
export type Owners = "image" | "root";

/**
 * Everything besides the content that the bytes of a SIF depend on. Equal content key and equal
 * profile mean equal bytes.
 *
 * @see design decision 2
 */
export interface Profile {
  /** `gzip/1`, `zstd/1`; `gzip/1+<hash>` where this machine's codec failed its golden vectors. */
  readonly codec: string;
  readonly compression: Compression;
  readonly owners: Owners;
  /** `layout/1`. */
  readonly layout: string;
}
