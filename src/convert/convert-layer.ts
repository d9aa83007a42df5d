import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Limits } from "../base/index.ts";
import type { CodecSettings, CompressorPool } from "../codec/index.ts";
import { ContentError, digestHex, verified } from "../image/index.ts";
import { decompressLayer, LayerError, TarReader } from "../layers/index.ts";
import { PackBuilder, PackWriter, type BatchBuffers } from "../packs/index.ts";
import type { LayerTask } from "./messages.ts";

export interface LayerContext {
  readonly settings: CodecSettings;
  readonly pool: CompressorPool;
  readonly buffers: BatchBuffers;
  readonly limits: Limits;
  readonly warn: (message: string) => void;
  /** Told of every decompressed chunk; throws when the image has become too large. */
  readonly count: (bytes: number) => void;
  /** Told the decompressed bytes so far, now and then. */
  readonly progress: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Decompressed bytes between two reports of progress. */
const PROGRESS_BYTES = 8 * 1024 * 1024;

/**
 * Converts the blob of one layer into a pack at `task.packPath`: hashed as it is stored and as it
 * is decompressed, to the very end of both, before the pack is complete.
 *
 * @throws ContentError when blob or tar are not what the image promises
 * @throws LayerError, LimitError for what is in them
 */
export async function convertLayer(
  task: LayerTask,
  blob: AsyncIterable<Uint8Array>,
  context: LayerContext,
): Promise<void> {
  const { limits, warn, signal } = context;
  await using file = await open(task.packPath, "wx", 0o600);
  const writer = new PackWriter(file);
  const builder = new PackBuilder({
    ...context,
    writer,
    diffId: task.diffId,
    what: task.what,
  });
  const reader = new TarReader(builder, { limits, what: task.what });
  const bytes = verified(blob, task, task.what)[Symbol.asyncIterator]();
  const tar = decompressLayer(withoutReturn(bytes), {
    limits,
    what: task.what,
    warn,
    mediaType: task.mediaType,
    signal,
  });
  try {
    const diffId = await readTar(tar, reader, builder, context);
    if (diffId !== digestHex(task.diffId)) {
      throw new ContentError(
        "CONTENT_DIGEST_MISMATCH",
        `${task.what}: decompressed, expected diffID ${task.diffId}, got sha256:${diffId}`,
      );
    }
    await builder.finish();
  } catch (error) {
    await builder.abandon();
    // Bytes that are not those that were promised explain whatever seemed wrong with them.
    if (error instanceof LayerError) await drain(bytes);
    throw error;
  } finally {
    await bytes.return?.();
  }
}

/** The same bytes, for a consumer that would otherwise end them when it fails. */
function withoutReturn(bytes: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: async () => await bytes.next() }) };
}

async function drain(bytes: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await bytes.next()).done !== true);
}

/** Reads to the end of the stream, also behind the end of the archive; answers its SHA-256. */
async function readTar(
  tar: AsyncIterable<Uint8Array>,
  reader: TarReader,
  builder: PackBuilder,
  context: Pick<LayerContext, "count" | "progress">,
): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  let reported = 0;
  for await (const chunk of tar) {
    context.count(chunk.length);
    hash.update(chunk);
    reader.push(chunk);
    bytes += chunk.length;
    if (bytes - reported >= PROGRESS_BYTES) context.progress((reported = bytes));
    await builder.drain();
  }
  reader.finish();
  context.progress(bytes);
  return hash.digest("hex");
}
