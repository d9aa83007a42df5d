import type { PullEvent } from "./pull-events.ts";

/** What a pull spends its time with; fetching and converting overlap. */
export const STAGES = ["resolve", "fetch", "convert", "verify", "publish"] as const;
export type Stage = (typeof STAGES)[number];

/** How long one pull was at each stage, and how much it moved, out of what it tells. */
export class PullStages {
  readonly #now: () => number;
  readonly #startedMs: number;
  readonly #begunMs = new Map<Stage, number>();
  readonly #tookMs = new Map<Stage, number>();
  readonly #fetched = new Map<number, number>();
  readonly #resumed = new Map<number, number>();
  #resolvedMs: number | undefined;
  #layers = 0;
  #reused = 0;
  #isPresent = false;

  /** @param now - milliseconds of a clock that never goes back */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedMs = now();
  }

  /** Milliseconds since the pull began. */
  get elapsedMs(): number {
    return this.#now() - this.#startedMs;
  }

  /** Stages that were there, with milliseconds from where each began to where it was last seen. */
  get tookMs(): ReadonlyMap<Stage, number> {
    return this.#tookMs;
  }

  /** Bytes of blobs that came. */
  get fetchedBytes(): number {
    return sum(this.#fetched);
  }

  /** Bytes of blobs that an earlier pull had left. */
  get resumedBytes(): number {
    return sum(this.#resumed);
  }

  /** Layers that were fetched, and those that were not, because they had been converted before. */
  get layers(): { readonly fetched: number; readonly reused: number } {
    return { fetched: this.#layers - this.#reused, reused: this.#reused };
  }

  /** Whether the image was there already. */
  get isPresent(): boolean {
    return this.#isPresent;
  }

  apply(event: PullEvent): void {
    switch (event.kind) {
      case "resolved":
        this.#resolvedMs = this.#now();
        this.#tookMs.set("resolve", this.#resolvedMs - this.#startedMs);
        break;
      case "fetched":
        this.#fetched.set(event.layer, event.bytes - (event.resumed ?? 0));
        this.#resumed.set(event.layer, event.resumed ?? 0);
        this.#seen("fetch", this.#resolvedMs);
        break;
      case "converted":
      case "written":
        this.#seen("convert");
        break;
      case "layer-done":
        this.#layers += 1;
        if (!this.#fetched.has(event.layer)) this.#reused += 1;
        break;
      case "step":
        if (event.at === "begin") this.#begunMs.set(event.step, this.#now());
        else this.#ended(event.step);
        break;
      case "present":
        this.#isPresent = true;
        break;
      case "warning":
        break;
    }
  }

  /** A stage that says of itself only that it goes on. */
  #seen(stage: Stage, sinceMs: number | undefined = this.#begunMs.get(stage)): void {
    const begunMs = sinceMs ?? this.#now();
    this.#begunMs.set(stage, begunMs);
    this.#tookMs.set(stage, this.#now() - begunMs);
  }

  /** One that may come several times. */
  #ended(stage: Stage): void {
    const begunMs = this.#begunMs.get(stage) ?? this.#now();
    this.#tookMs.set(stage, (this.#tookMs.get(stage) ?? 0) + this.#now() - begunMs);
  }
}

function sum(bytesOfLayers: ReadonlyMap<number, number>): number {
  return bytesOfLayers.values().reduce((all, bytes) => all + bytes, 0);
}
