import { counted, formatSize } from "./format.ts";
import type { LayerState, ProgressState } from "./progress-state.ts";

const MAX_BAR = 30;
/** The widest that stands beside a bar: `layer 1000  ` and `  999 MB of 999 MB`. */
const BESIDE_BAR = 34;
/** Lines besides those of layers: the title, the count of layers and the image being written. */
const OTHER_LINES = 3;
const MOST_LAYER_LINES = 8;

/**
 * One frame of progress bars: a title, a bar for each layer under way, the count of those that are
 * done, and a bar for the image being written. No line is longer than the terminal is wide, for a
 * line that wraps could not be drawn over.
 */
export function progressFrame(
  what: string,
  state: ProgressState,
  terminal: { readonly columns: number; readonly rows: number },
): string {
  const barWidth = Math.max(0, Math.min(MAX_BAR, terminal.columns - BESIDE_BAR));
  const lines = [state.isResolved ? `Pulling ${what}` : `Looking up ${what}`];
  // The line below the frame is the cursor's.
  const room = Math.max(0, Math.min(MOST_LAYER_LINES, terminal.rows - OTHER_LINES - 1));
  const active = [...state.layers.entries()].filter(([, layer]) => isActive(layer));
  for (const [index, layer] of active.slice(0, room)) {
    lines.push(`${`layer ${index + 1}`.padEnd(10)}  ${layerText(layer, barWidth)}`);
  }
  if (state.isResolved) {
    lines.push(`${state.doneLayers} of ${counted(state.layers.length, "layer")} done`);
  }
  if (state.written !== undefined) {
    const { bytes, total } = state.written;
    lines.push(`${"image".padEnd(10)}  ${bar(bytes, total, barWidth)}  ${share(bytes, total)}`);
  }
  return lines.map((line) => line.slice(0, terminal.columns)).join("\n");
}

function isActive({ fetched, converted, done }: LayerState): boolean {
  return !done && (fetched > 0 || converted > 0);
}

function layerText({ size, fetched, converted }: LayerState, width: number): string {
  const text = fetched < size ? share(fetched, size) : `converting, ${formatSize(converted)}`;
  return `${bar(fetched, size, width)}  ${text}`;
}

function share(done: number, total: number): string {
  return `${formatSize(done)} of ${formatSize(total)}`;
}

/** ASCII, which every terminal and character set shows. */
function bar(done: number, total: number, width: number): string {
  const part = total > 0 ? Math.min(1, done / total) : 1;
  return `[${"#".repeat(Math.floor(part * width)).padEnd(width, "-")}]`;
}
