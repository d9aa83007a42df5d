import assert from "node:assert/strict";
import { deliver, type Delivered } from "../../src/archive/archive-fixture.ts";
import { CodedError } from "../../src/base/index.ts";
import { inChunks } from "../fixtures/in-chunks.ts";
import { digestOf } from "../fixtures/registry/index.ts";
import { archiveInput } from "./archive-inputs.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";

/** Chunks of an input at most: single bytes of a large one take too long. */
const MOST_CHUNKS = 1000;

/**
 * Archives on standard input: one image with bytes that fit its manifest, or a refusal with a code.
 * Twice read, however cut, the answer is the same.
 */
export const archiveTarget: FuzzTarget = fuzzTarget({
  inputs: archiveInput,
  async answer({ kind, choice, bytes, chunks, limits }) {
    const read = async (sizes: readonly number[]): Promise<Delivered | string> => {
      async function* standardInput(): AsyncGenerator<Uint8Array, void> {
        for (const chunk of inChunks(bytes, sizes)) yield await Promise.resolve(chunk);
      }
      try {
        return await deliver(`${kind}:-${choice}`, { standardInput, limits });
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        return String(error.code);
      }
    };
    const whole = await read([Math.max(1, bytes.length)]);
    const least = Math.ceil(bytes.length / MOST_CHUNKS);
    const cut = await read(chunks.map((size) => Math.max(size, least)));
    if (typeof whole === "string") {
      assert.equal(cut, alike(whole, cut));
      return whole;
    }
    assert.deepEqual(cut, whole, "another answer in chunks");
    assert.match(whole.root.digest, /^sha256:[0-9a-f]{64}$/);
    assert.ok(whole.names.every((name) => !name.includes("@")));
    for (const { mediaType, bytes: layer } of whole.layers) {
      assert.ok(mediaType.startsWith("application/vnd."), digestOf(layer));
    }
    return "read";
  },
  show: ({ kind, choice, bytes, chunks, limits }) =>
    `${kind}:-${choice} ${JSON.stringify({ chunks, limits })} ${Buffer.from(bytes).toString("base64")}`,
  batch: 200,
});

/** As with `decompressTarget`: damage and a limit in one buffer of a decoder are met in any order. */
function alike(whole: string, cut: Delivered | string): Delivered | string {
  const isLimit = [whole, cut].includes("LIMIT_ARCHIVE_BYTES");
  return isLimit && typeof cut === "string" ? cut : whole;
}
