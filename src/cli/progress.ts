import type { OnPullEvent } from "../pull/index.ts";
import type { TextStream } from "./environment.ts";
import { printable } from "./printable.ts";
import { warningLine } from "./warning-line.ts";
import type { Session } from "./session.ts";

const MIN_TERMINAL = { minColumns: 40, minRows: 6 } as const;

/** Shows how far a pull is; disposing of it leaves standard error as lines alone. */
export interface Progress extends Disposable {
  readonly onEvent: OnPullEvent;
}

/**
 * Progress of a pull on standard error: bars on a terminal, sparse lines elsewhere, nothing but
 * warnings where `quiet`.
 *
 * @param what - the image, as the user named it
 */
export async function openProgress(
  what: string,
  session: Session,
  options: { readonly quiet: boolean },
): Promise<Progress> {
  const { stderr, now, variables } = session.environment;
  const title = printable(what);
  const writeLine = (line: string): void => {
    stderr.write(`${line}\n`);
  };
  if (options.quiet) return quietProgress(writeLine);
  if (canRedraw(stderr, variables["TERM"])) {
    const { openBarProgress } = await import("./bar-progress.ts");
    return openBarProgress(title, stderr);
  }
  const { openLineProgress } = await import("./line-progress.ts");
  return openLineProgress(title, writeLine, now);
}

/** A terminal that lines can be drawn over on, with room for them; some do not know their size. */
function canRedraw({ isTTY, columns, rows }: TextStream, term: string | undefined): boolean {
  const { minColumns, minRows } = MIN_TERMINAL;
  return (
    isTTY === true && term !== "dumb" && (columns ?? 0) >= minColumns && (rows ?? 0) >= minRows
  );
}

function quietProgress(writeLine: (line: string) => void): Progress {
  return {
    onEvent(event) {
      if (event.kind === "warning") writeLine(warningLine(event.message));
    },
    [Symbol.dispose]() {},
  };
}
