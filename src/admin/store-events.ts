import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import type { Store, StoreChange } from "../store/index.ts";
import { adminSchema, type AdminMessage } from "../wire/index.ts";

type Event = AdminMessage<"WatchEventsResponse">;

/** How soon a change is told. */
const INTERVAL_MS = 250;

/**
 * What happens to the images of a store from now on, whichever process does it, until `signal` is
 * aborted. The first one says that it has begun.
 */
export async function* storeEvents(
  reader: Pick<Store, "changesSince">,
  signal: AbortSignal,
): AsyncGenerator<Event, void> {
  let { position } = await reader.changesSince();
  yield event({ kind: "watching" });
  while (!signal.aborted) {
    const next = await reader.changesSince(position);
    ({ position } = next);
    if (next.isComplete) yield* eventsOf(next.changes);
    else yield event({ kind: "lost" });
    await delay(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** What changes mean; a name that moved is two of them, in this order. */
export function* eventsOf(changes: readonly StoreChange[]): Generator<Event, void> {
  const gone = new Set(changes.filter(({ kind }) => kind === "went").map(({ id }) => id));
  /** Names that lost their image, until it is known what they mean next. */
  const left = new Map<string, string>();
  for (const { kind, id, name = "" } of changes) {
    switch (kind) {
      case "came":
        yield event({ kind: "pulled", imageId: id });
        break;
      case "went":
        yield event({ kind: "removed", imageId: id });
        break;
      case "unnamed":
        left.set(name, id);
        break;
      case "named":
        yield event({ kind: "moved", imageId: id, name, previousId: left.get(name) ?? "" });
        left.delete(name);
        break;
      case "changed":
        break;
    }
  }
  // Names of an image that is gone went with it.
  for (const [name, previousId] of left) {
    if (!gone.has(previousId)) yield event({ kind: "moved", name, previousId });
  }
}

function event(fields: {
  readonly kind: string;
  readonly imageId?: string;
  readonly name?: string;
  readonly previousId?: string;
}): Event {
  return create(adminSchema("WatchEventsResponse"), fields);
}
