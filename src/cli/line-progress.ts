import type { PullEvent } from "../pull/index.ts";
import { counted, formatSize } from "./format.ts";
import { ProgressState } from "./progress-state.ts";
import type { Progress } from "./progress.ts";
import { warningLine } from "./warning-line.ts";

/** Between lines about layers; in a log nobody reads hundreds of them. */
const MIN_INTERVAL_MS = 500;

/**
 * Progress as lines for logs: one when the image is known, one as layers are done, though not more
 * than two a second, and one when the image is written.
 *
 * @param now - milliseconds since 1970
 */
export function openLineProgress(
  what: string,
  writeLine: (line: string) => void,
  now: () => number,
): Progress {
  const state = new ProgressState();
  let lastLayerLine = -Infinity;
  writeLine(`${what}: pulling`);
  return {
    onEvent(event) {
      const isFirstWrite = event.kind === "written" && state.written === undefined;
      state.apply(event);
      if (event.kind === "layer-done") {
        const isLast = state.doneLayers === state.layers.length;
        if (!isLast && now() - lastLayerLine < MIN_INTERVAL_MS) return;
        lastLayerLine = now();
      }
      const line = lineOf(event, state, isFirstWrite);
      if (line !== undefined) writeLine(event.kind === "warning" ? line : `${what}: ${line}`);
    },
    [Symbol.dispose]() {},
  };
}

function lineOf(event: PullEvent, state: ProgressState, isFirstWrite: boolean): string | undefined {
  switch (event.kind) {
    case "resolved": {
      const bytes = event.layers.reduce((sum, { size }) => sum + size, 0);
      const layers = counted(event.layers.length, "layer");
      return `${event.digest}, ${layers}, ${formatSize(bytes)}`;
    }
    case "layer-done":
      return `${state.doneLayers} of ${counted(state.layers.length, "layer")} done`;
    case "written":
      return isFirstWrite ? `writing the image, ${formatSize(event.total)}` : undefined;
    case "present":
      return "present already";
    case "warning":
      return warningLine(event.message);
    case "fetched":
    case "converted":
    case "step":
      return undefined;
  }
}
