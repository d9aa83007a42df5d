import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import type { Limits } from "../base/index.ts";
import { loadCompressorOf, type CodecSettings, type CompressorPool } from "../codec/index.ts";
import { LAYOUTS } from "../layout/index.ts";
import type { BatchBuffers } from "../packs/index.ts";
import {
  DATA_TYPES,
  FILE_SYSTEMS,
  goArchCode,
  PARTITION_TYPES,
  partitionExtra,
  planSif,
  type SifPlan,
} from "../sif/index.ts";
import { planSquashfs, type SquashfsImage } from "../squashfs/index.ts";
import { applyAdditions, sortTree } from "../tree/index.ts";
import { convertAdditions } from "./additions-pack.ts";
import type { MergedLayers } from "./merged-layers.ts";
import type { AssembledImage, AssembleTask } from "./messages.ts";

export interface AssembleContext {
  readonly settings: CodecSettings;
  readonly pool: CompressorPool;
  readonly buffers: BatchBuffers;
  readonly limits: Limits;
  readonly warn: (message: string) => void;
}

/** Bytes written between two reports of progress. */
const PROGRESS_BYTES = 8 * 1024 * 1024;

/**
 * Merges converted layers and writes the SIF at `task.outputPath`, from its first byte to its last.
 *
 * @throws TreeError, LimitError when the layers do not make an image
 * @throws PackError when a pack on disk is not what was written
 */
export async function assembleImage(
  task: AssembleTask,
  context: AssembleContext & {
    /** URL of the module of block compressors. */
    readonly compressors: string;
    /** The lowest of `task.packPaths`, as many as were merged ahead. */
    readonly layers: MergedLayers;
    /** Called when no more blocks will be compressed. */
    readonly compressed: () => Promise<void>;
    readonly progress: (bytes: number, total: number) => void;
  },
): Promise<AssembledImage> {
  const { layers } = context;
  for (const path of task.packPaths.slice(layers.count)) layers.add(path);
  const merged = layers.result();
  const entries = LAYOUTS[task.layout].entries(task);
  using added = await convertAdditions(entries, task.additionsPath, context);
  await context.compressed();
  applyAdditions(merged.tree, added.additions(), layers.count + 1);
  const tree = sortTree(merged.tree);
  const squashfs = planSquashfs({
    tree,
    layers: [...merged.packs, added.pack],
    settings: context.settings,
    compress: await loadCompressorOf(context.compressors, context.settings),
    rootOwns: task.rootOwns,
    limits: context.limits,
  });
  const { plan, texts, partition } = planFile(task, squashfs);
  const id = writeFile(task.outputPath, filePieces(plan, texts, squashfs), plan.size, context);
  return { id, size: plan.size, partition, files: tree.nameCount };
}

interface PlannedFile {
  readonly plan: SifPlan;
  /** Contents of the objects before the partition, in their order. */
  readonly texts: readonly Uint8Array[];
  readonly partition: { readonly offset: number; readonly size: number };
}

function planFile(task: AssembleTask, squashfs: SquashfsImage): PlannedFile {
  const architecture = goArchCode(task.architecture, task.variant);
  const objects = LAYOUTS[task.layout].objects(task);
  const plan = planSif({
    architecture,
    objects: [
      ...objects.map(({ kind, name, content }) => ({
        dataType: DATA_TYPES[kind],
        groupId: 1,
        name,
        size: content.length,
      })),
      {
        dataType: DATA_TYPES.partition,
        groupId: 1,
        size: squashfs.size,
        extra: partitionExtra({
          fileSystem: FILE_SYSTEMS.squashfs,
          partitionType: PARTITION_TYPES.primarySystem,
          architecture,
        }),
      },
    ],
  });
  const placed = plan.objects.at(-1);
  if (placed === undefined) throw new Error("a file without a partition");
  return {
    plan,
    texts: objects.map(({ content }) => content),
    partition: { offset: placed.offset, size: squashfs.size },
  };
}

/** The file from its first byte to its last; a piece is valid until the next one. */
function* filePieces(
  plan: SifPlan,
  texts: readonly Uint8Array[],
  squashfs: SquashfsImage,
): Iterable<Uint8Array> {
  yield plan.head;
  let position = plan.head.length;
  for (const [index, { offset, size }] of plan.objects.entries()) {
    if (offset > position) yield new Uint8Array(offset - position);
    const text = texts[index];
    if (text === undefined) yield* squashfs.chunks();
    else yield text;
    position = offset + size;
  }
}

/** Writes and hashes; synchronously, because this thread has nothing else to do meanwhile. */
function writeFile(
  path: string,
  pieces: Iterable<Uint8Array>,
  total: number,
  context: { readonly progress: (bytes: number, total: number) => void },
): string {
  const hash = createHash("sha256");
  const fd = openSync(path, "wx", 0o600);
  try {
    let bytes = 0;
    let reported = 0;
    for (const piece of pieces) {
      hash.update(piece);
      for (let done = 0; done < piece.length;) {
        done += writeSync(fd, piece, done, piece.length - done, bytes + done);
      }
      bytes += piece.length;
      if (bytes - reported >= PROGRESS_BYTES) context.progress((reported = bytes), total);
    }
    if (bytes !== total) throw new Error(`wrote ${bytes} bytes of a file of ${total}`);
    context.progress(bytes, total);
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}
