import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { usageError } from "./cli-error.ts";
import { Interrupted } from "./interrupted.ts";
import type { Session } from "./session.ts";

/** Something to ask for at the terminal. */
export interface Question {
  readonly text: string;
  /** Whether what is typed is seen. */
  readonly isShown: boolean;
}

/**
 * Asks for a line each at the terminal. The questions go to standard error, for standard output may
 * be a result that a script waits for.
 *
 * @throws CliError `USAGE` where the input ends before the last answer; Interrupted by Ctrl-C
 */
export async function askUser(
  questions: readonly Question[],
  { environment, signal }: Session,
): Promise<readonly string[]> {
  const { stdin, stderr } = environment;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const answers: string[] = [];
  const current = (): Question | undefined => questions[answers.length];
  const output = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (current()?.isShown === true) stderr.write(chunk);
      done();
    },
  });
  // As a terminal it takes the keys itself, so that nothing else shows them; one for all questions,
  // for it may have read the answer to the next one already.
  using lines = createInterface({ input: stdin, output, terminal: true, historySize: 0, signal });
  lines.setPrompt("");
  lines.on("line", (line) => {
    if (current()?.isShown === false) stderr.write("\n");
    answers.push(line);
    const next = current();
    if (next === undefined) resolve(undefined);
    else stderr.write(next.text);
  });
  lines.once("SIGINT", () => {
    reject(new Interrupted("SIGINT"));
  });
  lines.once("close", () => {
    reject(signal.aborted ? signal.reason : usageError("expected an answer, got none"));
  });
  stderr.write(current()?.text ?? "");
  await promise;
  return answers;
}
