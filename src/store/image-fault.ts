import type { ImageErrorCode } from "../image/index.ts";

/**
 * What becomes an ImageError on the other side of the thread's border. The thread does not load
 * image/ itself: that costs more time than starting the database.
 */
export class ImageFault extends Error {
  readonly code: ImageErrorCode;
  readonly candidates: readonly string[];

  constructor(code: ImageErrorCode, message: string, candidates: readonly string[] = []) {
    super(message);
    this.code = code;
    this.candidates = candidates;
  }
}
