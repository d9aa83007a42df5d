import type { SignedImage } from "./signature-repository.ts";

/** A SIF file that came ready-made, and may hold signatures. */
export interface JudgedFile {
  readonly path: string;
  /** Where it lies or will lie, which lists go by; absent: where it is. */
  readonly directory?: string;
  /** Where a copy of it will lie, which lists go by as well; absent: there will be none. */
  readonly copyDirectory?: string;
  /** Digests of its objects that are known; those that are made are added. */
  readonly digests?: Map<string, string>;
}

/** An image that a policy shall judge. */
export interface JudgedImage {
  /** As messages call it. */
  readonly what: string;
  /** Those that it shall go by, canonical; none for an image without a name. */
  readonly names: readonly string[];
  /**
   * What it was pulled by or made of: a reference, an archive's, or the absolute path of a file. A
   * policy.json goes by it.
   */
  readonly from: string;
  /** Absent for an image that is converted here: no signature can be in it. */
  readonly file?: JudgedFile;
  /** Where signatures of it lie, by name; absent, or none for a name: nobody can be asked. */
  readonly beside?: (name: string) => SignedImage | undefined;
}
