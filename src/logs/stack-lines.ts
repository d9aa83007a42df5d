const MAX_CAUSES = 5;
const MAX_FRAMES = 20;
const FRAME = /^ {4}at /;

/**
 * Name, message and frames of an error and of its causes. Nothing else of them: what errors of Node or of a
 * package carry along may be a whole request.
 */
export function stackLines(error: unknown): string[] {
  const lines: string[] = [];
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && cause !== undefined; depth += 1) {
    if (!(cause instanceof Error)) {
      lines.push(`a thrown ${typeof cause}`);
      break;
    }
    lines.push(`${cause.name}: ${cause.message}`);
    const frames = (cause.stack ?? "").split("\n").filter((line) => FRAME.test(line));
    lines.push(...frames.slice(0, MAX_FRAMES).map((line) => line.trim()));
    cause = cause.cause;
  }
  return lines;
}
