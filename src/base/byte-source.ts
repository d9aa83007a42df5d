/** Random-access bytes: a file, a part of one, or a buffer in a test. */
export interface ByteSource {
  /** Bytes from the first to the end. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `position` on.
   *
   * @throws RangeError when that reaches past `size`: callers check lengths before they ask
   */
  read(position: number, length: number): Promise<Uint8Array>;
}
