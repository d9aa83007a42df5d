/**
 * Gives the memory of `bytes` back at once, which nobody may use any more. Left to the garbage collector, the
 * buffers of a network pile up until it looks at everything that there is, and whoever waits for an answer
 * meanwhile waits for that, too. Bytes that share their buffer with others stay: those of Node's pool do.
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  if (buffer.byteLength === byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
