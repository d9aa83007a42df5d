import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { assertNever } from "../base/index.ts";
import type { ObservedPull, Observer, PullObserver } from "../cri/index.ts";
import type { PullEvent, PullStep } from "../pull/index.ts";
import { adminSchema, type AdminMessage } from "../wire/index.ts";
import { Changes } from "./changes.ts";

/** More often nobody can read it. */
const LEAST_INTERVAL_MS = 100;

/** What a pull is at while it does a step. */
const STEP_STAGES: Readonly<Record<PullStep, string>> = {
  verify: "verifying",
  publish: "publishing",
};

/** The pulls that a daemon is at, with how far each is. */
export class RunningPulls implements Observer {
  readonly #pulls = new Map<bigint, AdminMessage<"Pull">>();
  readonly #changes = new Changes();
  #last = 0n;

  called(): () => void {
    return () => undefined;
  }

  note(): void {
    // Told by the log.
  }

  warn(): void {
    // Told by the log.
  }

  pulling({ reference, startedAt }: ObservedPull): PullObserver {
    const number = (this.#last += 1n);
    const pull = create(adminSchema("Pull"), {
      number,
      reference,
      startedAtMs: BigInt(startedAt),
      stage: "resolving",
    });
    this.#pulls.set(number, pull);
    this.#changes.tell();
    return {
      onEvent: (event) => {
        apply(pull, event);
        this.#changes.tell();
      },
      ended: () => {
        this.#pulls.delete(number);
        this.#changes.tell();
      },
    };
  }

  /** All of them now, the oldest first. */
  list(): AdminMessage<"Pull">[] {
    return [...this.#pulls.values()];
  }

  /** All of them at once, and again whenever something has changed, until `signal` is aborted. */
  async *watch(signal: AbortSignal): AsyncGenerator<AdminMessage<"Pull">[], void> {
    while (!signal.aborted) {
      const { count } = this.#changes;
      yield this.list();
      await delay(LEAST_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      await this.#changes.since(count, signal);
    }
  }
}

function apply(pull: AdminMessage<"Pull">, event: PullEvent): void {
  switch (event.kind) {
    case "resolved":
      pull.stage = "fetching";
      pull.layers = event.layers.map(({ digest, size }) =>
        create(adminSchema("Layer"), { digest, size: BigInt(size) }),
      );
      return;
    case "fetched":
      change(pull, event.layer, { fetchedBytes: BigInt(event.bytes) });
      return;
    case "converted":
      change(pull, event.layer, { convertedBytes: BigInt(event.bytes) });
      return;
    case "layer-done":
      change(pull, event.layer, { done: true });
      return;
    case "written":
      pull.stage = "writing";
      pull.writtenBytes = BigInt(event.bytes);
      pull.totalBytes = BigInt(event.total);
      return;
    case "step":
      pull.stage = event.at === "begin" ? STEP_STAGES[event.step] : "fetching";
      return;
    case "present":
      pull.stage = "present";
      return;
    case "warning":
      return;
    default:
      assertNever(event);
  }
}

function change(
  pull: AdminMessage<"Pull">,
  index: number,
  what: Partial<Pick<AdminMessage<"Layer">, "fetchedBytes" | "convertedBytes" | "done">>,
): void {
  const layer = pull.layers[index];
  if (layer !== undefined) Object.assign(layer, what);
}
