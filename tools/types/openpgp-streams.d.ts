/**
 * What the types of `openpgp` take from a package that it does not bring: its streams, which siflet does not use. The
 * package itself would bring the types of browsers along, whose globals are not Node's.
 */
declare module "@openpgp/web-stream-tools" {
  export type WebStream<T> = AsyncIterable<T>;
  export type NodeWebStream<T> = AsyncIterable<T>;
}
