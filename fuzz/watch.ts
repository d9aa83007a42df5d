import { fork } from "node:child_process";
import { join } from "node:path";

/** What a child tells: the seed that it begins with, and in the end how inputs were answered. */
export type FuzzMessage =
  | { readonly seed: number }
  | { readonly answers: readonly (readonly [answer: string, n: number])[] };

export interface WatchedEnd {
  /** What was wrong; undefined where nothing was. */
  readonly failure: string | undefined;
  /** The last seed that the child told of. */
  readonly seed: number | undefined;
  /** How many inputs were answered, by answer. */
  readonly answers: ReadonlyMap<string, number>;
}

/** Every batch is seconds of work at most. */
const HANGS_AFTER_MS = 120_000;
/** What the garbage collector may leave standing. */
const HEAP_MIB = 256;

/**
 * Tries inputs in a process of its own, which may hang or be killed for its memory: what it was at is
 * known all the same.
 *
 * @param args - of `fuzz/child.ts`, or of `program`
 */
export async function watch(
  args: readonly string[],
  program: string = join(import.meta.dirname, "child.ts"),
): Promise<WatchedEnd> {
  const child = fork(program, args, { execArgv: [`--max-old-space-size=${HEAP_MIB}`] });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const told: { seed: number | undefined; answers: ReadonlyMap<string, number> } = {
    seed: undefined,
    answers: new Map(),
  };
  const timer = setTimeout(() => {
    resolve(`nothing in ${HANGS_AFTER_MS} ms`);
    child.kill("SIGKILL");
  }, HANGS_AFTER_MS);
  child.on("message", (message: FuzzMessage) => {
    if ("seed" in message) told.seed = message.seed;
    else told.answers = new Map(message.answers);
    timer.refresh();
  });
  child.on("exit", (code, signal) => {
    resolve(code === 0 ? undefined : `it ended with ${signal ?? code ?? ""}`);
  });
  const failure = await promise;
  clearTimeout(timer);
  return { failure, ...told };
}
