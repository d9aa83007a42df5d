import type { Digest } from "../image/index.ts";

/** A layer as progress speaks of it; `index` counts from 0, lowest first. */
export interface LayerProgress {
  readonly index: number;
  readonly digest: Digest;
  /** Bytes of the blob. */
  readonly size: number;
}

/** What a pull does at its end, and before it: asks its policy, makes the image one of the store. */
export type PullStep = "verify" | "publish";

/** What a pull tells while it runs; counts are bytes since the start, never differences. */
export type PullEvent =
  | {
      readonly kind: "resolved";
      readonly digest: Digest;
      readonly layers: readonly LayerProgress[];
    }
  /** Of `bytes`, `resumed` lay there from an earlier pull and did not come again; absent: none. */
  | {
      readonly kind: "fetched";
      readonly layer: number;
      readonly bytes: number;
      readonly resumed?: number;
    }
  /** Decompressed bytes read so far. */
  | { readonly kind: "converted"; readonly layer: number; readonly bytes: number }
  | { readonly kind: "layer-done"; readonly layer: number }
  | { readonly kind: "written"; readonly bytes: number; readonly total: number }
  | { readonly kind: "step"; readonly step: PullStep; readonly at: "begin" | "end" }
  /** The content was there already: nothing is converted. */
  | { readonly kind: "present"; readonly id: string }
  | { readonly kind: "warning"; readonly message: string };

export type OnPullEvent = (event: PullEvent) => void;

/** Does one step, and tells when it begins and when it has ended well. */
export async function inStep<Result>(
  step: PullStep,
  onEvent: OnPullEvent,
  work: () => Promise<Result>,
): Promise<Result> {
  onEvent({ kind: "step", step, at: "begin" });
  const result = await work();
  onEvent({ kind: "step", step, at: "end" });
  return result;
}
