import { storeDirectory } from "./default-store.ts";
import type { Environment } from "./environment.ts";
import { EXIT } from "./exit-codes.ts";
import { failureOf, stackOf } from "./failure.ts";
import { Interrupted } from "./interrupted.ts";
import { TextOutput } from "./text-output.ts";

/** Options that every command knows. */
export interface GlobalFlags {
  readonly store?: string;
  readonly debug?: boolean;
}

/** One run of the command line: where it prints to, and what it exits with. */
export class Session {
  readonly environment: Environment;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
  readonly #stdout: TextOutput;
  #flags: GlobalFlags = {};
  #exitCode: number = EXIT.ok;

  constructor(environment: Environment, signal: AbortSignal) {
    this.environment = environment;
    this.signal = signal;
    this.#stdout = new TextOutput(environment.stdout);
    // Where standard error is gone there is nobody to tell.
    environment.stderr.on("error", () => undefined);
  }

  /** What the process is to exit with: the code of the first failure. */
  get exitCode(): number {
    return this.#exitCode;
  }

  get storeDirectory(): string {
    return storeDirectory(this.#flags.store, this.environment);
  }

  /** The store as the user named it on the command line. */
  get storeFlag(): string | undefined {
    return this.#flags.store;
  }

  useFlags(flags: GlobalFlags): void {
    this.#flags = flags;
  }

  /** @throws CliError `STDOUT_FAILED` */
  async print(text: string): Promise<void> {
    await this.#stdout.write(text);
  }

  /** Says on standard error, in one line, what failed; with `--debug` the stack follows. */
  report(error: unknown): void {
    // Whatever an interrupted run fails with, the interruption is why.
    const reason: unknown = this.signal.reason;
    const isInterrupted = this.signal.aborted && reason instanceof Interrupted;
    const failure = failureOf(isInterrupted ? reason : error);
    if (this.#exitCode === EXIT.ok) {
      this.#exitCode = isInterrupted ? reason.exitCode : failure.exitCode;
    }
    this.environment.stderr.write(`${failure.line}\n`);
    if (this.#flags.debug === true) this.environment.stderr.write(`${stackOf(error)}\n`);
  }
}
