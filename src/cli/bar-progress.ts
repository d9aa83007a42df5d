import { createLogUpdate } from "log-update";
import type { TextStream } from "./environment.ts";
import { progressFrame } from "./progress-frame.ts";
import { ProgressState } from "./progress-state.ts";
import type { Progress } from "./progress.ts";
import { warningLine } from "./warning-line.ts";

const REDRAW_MS = 100;
/** Where the terminal stops telling its size. */
const USUAL_SIZE = { columns: 80, rows: 24 } as const;

/** Progress as bars on a terminal, redrawn in place and cleared at the end. */
export function openBarProgress(what: string, stream: TextStream): Progress {
  // A hidden cursor would stay hidden after a kill that nothing can clean up behind.
  const draw = createLogUpdate(stream, { showCursor: true });
  const state = new ProgressState();
  const redraw = (): void => {
    const { columns = USUAL_SIZE.columns, rows = USUAL_SIZE.rows } = stream;
    draw(progressFrame(what, state, { columns, rows }));
  };
  redraw();
  const timer = setInterval(redraw, REDRAW_MS).unref();
  return {
    onEvent(event) {
      state.apply(event);
      if (event.kind === "warning") draw.persist(warningLine(event.message));
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      draw.clear();
      draw.done();
    },
  };
}
