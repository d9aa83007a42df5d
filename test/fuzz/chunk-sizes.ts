import fc from "fast-check";
import type { ChunkSizes } from "../fixtures/in-chunks.ts";

/** From single bytes to more than a tar block, alike and mixed. */
export const chunkSizes: fc.Arbitrary<ChunkSizes> = fc.oneof(
  fc.constantFrom([1], [511], [512], [513], [1024, 1]),
  fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2000 })), {
    minLength: 1,
    maxLength: 6,
  }),
);
