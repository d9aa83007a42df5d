import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StoreChange, StoreChanges } from "../store/index.ts";
import { eventsOf, storeEvents } from "./store-events.ts";

interface Row {
  readonly name: string;
  readonly changes: readonly StoreChange[];
  readonly events: readonly string[];
}

const rows: readonly Row[] = [
  {
    name: "an image that comes with a name",
    changes: [
      { kind: "came", id: "a" },
      { kind: "named", id: "a", name: "x" },
    ],
    events: ["pulled a", "moved x a from "],
  },
  {
    name: "a name that moves",
    changes: [
      { kind: "came", id: "b" },
      { kind: "unnamed", id: "a", name: "x" },
      { kind: "named", id: "b", name: "x" },
    ],
    events: ["pulled b", "moved x b from a"],
  },
  {
    name: "a name that is taken away",
    changes: [{ kind: "unnamed", id: "a", name: "x" }],
    events: ["moved x  from a"],
  },
  {
    name: "an image that goes with its names",
    changes: [
      { kind: "unnamed", id: "a", name: "x" },
      { kind: "went", id: "a" },
    ],
    events: ["removed a"],
  },
  {
    name: "what is none of a watcher's business",
    changes: [{ kind: "changed", id: "a" }],
    events: [],
  },
  {
    name: "a name that moves twice",
    changes: [
      { kind: "unnamed", id: "a", name: "x" },
      { kind: "named", id: "b", name: "x" },
      { kind: "unnamed", id: "b", name: "x" },
      { kind: "named", id: "a", name: "x" },
    ],
    events: ["moved x b from a", "moved x a from b"],
  },
];

describe("what changes of a store mean", () => {
  for (const { name, changes, events } of rows) {
    test(name, () => {
      const told = [...eventsOf(changes)].map((event) =>
        event.kind === "moved"
          ? `moved ${event.name} ${event.imageId} from ${event.previousId}`
          : `${event.kind} ${event.imageId}`,
      );
      assert.deepEqual(told, events);
    });
  }
});

test("a watcher who was away for more than is kept is told so, and of what comes after", async () => {
  const log: StoreChanges[] = [
    { position: 7, isComplete: true, changes: [] },
    { position: 9000, isComplete: false, changes: [] },
    { position: 9001, isComplete: true, changes: [{ kind: "came", id: "a" }] },
  ];
  const asked: (number | undefined)[] = [];
  const reader = {
    changesSince: (since?: number): Promise<StoreChanges> => {
      asked.push(since);
      return Promise.resolve(log.shift() ?? { position: 9001, isComplete: true, changes: [] });
    },
  };
  const stop = new AbortController();
  const told: string[] = [];
  for await (const { kind, imageId } of storeEvents(reader, stop.signal)) {
    told.push(`${kind} ${imageId}`);
    if (told.length === 3) stop.abort();
  }
  assert.deepEqual(told, ["watching ", "lost ", "pulled a"]);
  assert.deepEqual(asked, [undefined, 7, 9000]);
});
