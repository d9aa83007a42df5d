import type { Collection, CollectionPolicy } from "../upkeep/index.ts";

/** What a daemon does by itself; a reload makes another one. */
export interface HousekeepingPolicy {
  /** Absent: nothing is removed. */
  readonly collection?: CollectionPolicy | undefined;
  /** Absent: nothing is checked. */
  readonly checkEveryMs?: number | undefined;
}

/** What was found by a check of all files. */
export interface CheckResult {
  readonly images: number;
  /** Each as people are told it. */
  readonly faults: readonly string[];
}

export interface HousekeepingParts {
  /** That in force now. */
  readonly policy: () => HousekeepingPolicy;
  readonly collect: (policy: CollectionPolicy, signal: AbortSignal) => Promise<Collection>;
  /** Reads every file and compares it with what it shall be, beside everything else. */
  readonly check: (signal: AbortSignal) => Promise<CheckResult>;
  readonly onCollected: (collection: Collection) => void;
  readonly onChecked: (result: CheckResult) => void;
  /** What went wrong; it is tried again when it is due again. */
  readonly onFailure: (what: "collection" | "check", error: unknown) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** As often as the kubelet collects. */
const COLLECT_EVERY_MS = 5 * 60 * 1000;
/** After a start a node has other things to do. */
const FIRST_CHECK_MS = 60 * 60 * 1000;
/** How often it is looked whether something is due. */
const TICK_MS = 60_000;

/**
 * Removes what a policy says, and checks files, now and then: one thing at a time, and none twice at once.
 * What fails is told and does no harm.
 */
export class Housekeeping implements AsyncDisposable {
  readonly #parts: HousekeepingParts;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #collectedMs: number;
  #checkedMs: number | undefined;
  readonly #startedMs: number;
  #work: Promise<void> | undefined;

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
    this.#startedMs = parts.now();
    this.#collectedMs = this.#startedMs;
    this.#timer = setInterval(() => {
      this.tick();
    }, TICK_MS).unref();
  }

  /** Begins what is due, unless something is under way. */
  tick(): void {
    if (this.#work !== undefined || this.#stop.signal.aborted) return;
    this.#work = this.#doDue().finally(() => {
      this.#work = undefined;
    });
  }

  /** Waits until nothing is under way. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#work;
  }

  async #doDue(): Promise<void> {
    const { policy, now } = this.#parts;
    const { collection, checkEveryMs } = policy();
    if (collection !== undefined && now() - this.#collectedMs >= COLLECT_EVERY_MS) {
      this.#collectedMs = now();
      await this.#collect(collection);
    }
    if (checkEveryMs !== undefined && now() >= this.#checkDueMs(checkEveryMs)) {
      this.#checkedMs = now();
      await this.#check();
    }
  }

  #checkDueMs(everyMs: number): number {
    if (this.#checkedMs !== undefined) return this.#checkedMs + everyMs;
    return this.#startedMs + Math.min(everyMs, FIRST_CHECK_MS);
  }

  async #collect(policy: CollectionPolicy): Promise<void> {
    const { collect, onCollected, onFailure } = this.#parts;
    try {
      onCollected(await collect(policy, this.#stop.signal));
    } catch (error) {
      if (!this.#stop.signal.aborted) onFailure("collection", error);
    }
  }

  async #check(): Promise<void> {
    const { check, onChecked, onFailure } = this.#parts;
    try {
      onChecked(await check(this.#stop.signal));
    } catch (error) {
      if (!this.#stop.signal.aborted) onFailure("check", error);
    }
  }
}
