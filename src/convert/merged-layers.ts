import { randomInt } from "node:crypto";
import type { Limits } from "../base/index.ts";
import { Pack, readLayerRecords, type LayerRecord } from "../packs/index.ts";
import { LayerMerge, type FileTree, type LayerLog } from "../tree/index.ts";

/**
 * The converted layers of one image, lowest first, each merged when it is added: layers that are
 * known already are merged while new ones still come. Disposing closes the packs.
 */
export class MergedLayers implements Disposable {
  readonly #packs = new DisposableStack();
  readonly #opened: Pack[] = [];
  readonly #merge: LayerMerge;
  #count = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(limits: Limits, warn: (message: string) => void) {
    this.#merge = new LayerMerge(limits, warn, randomInt(2 ** 31));
  }

  /** How many layers were added. */
  get count(): number {
    return this.#count;
  }

  /** Merges the pack at `path`; what is wrong with it, or with the layers together, `result` throws. */
  add(path: string): void {
    this.#count += 1;
    if (this.#failure !== undefined) return;
    try {
      const pack = this.#packs.use(new Pack(path));
      this.#opened.push(pack);
      this.#merge.apply(layerLog(pack));
    } catch (error) {
      this.#failure = { error };
    }
  }

  /**
   * All that was added.
   *
   * @throws TreeError, LimitError when the layers do not make an image
   * @throws PackError when a pack is not what was written
   */
  result(): { readonly tree: FileTree; readonly packs: readonly Pack[] } {
    if (this.#failure !== undefined) throw this.#failure.error;
    return { tree: this.#merge.tree, packs: this.#opened };
  }

  [Symbol.dispose](): void {
    this.#packs.dispose();
  }
}

function layerLog(pack: Pack): LayerLog {
  return {
    hasWhiteouts: pack.tables.hasWhiteouts,
    *records(): Iterable<LayerRecord> {
      for (const log of pack.log()) yield* readLayerRecords(log);
    },
  };
}
