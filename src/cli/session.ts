import { resolve } from "node:path";
import type { Config, ConfigPlaces, FlagSettings, ParsedConfig } from "../config/index.ts";
import { usageError } from "./cli-error.ts";
import type { Environment } from "./environment.ts";
import { EXIT } from "./exit-codes.ts";
import { failureOf, stackOf } from "./failure.ts";
import { Interrupted } from "./interrupted.ts";
import { warningLine } from "./warning-line.ts";
import { TextOutput } from "./text-output.ts";

/** Options that every command knows. */
export interface GlobalFlags {
  readonly config?: string;
  readonly store?: string;
  readonly debug?: boolean;
}

/** One run of the command line: its settings, where it prints to, and what it exits with. */
export class Session {
  readonly environment: Environment;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
  readonly #stdout: TextOutput;
  #flags: GlobalFlags = {};
  #file: Promise<ParsedConfig | undefined> | undefined;
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

  /** The options of every command as they were typed. */
  get flags(): GlobalFlags {
    return this.#flags;
  }

  /** Where the configuration file may be. */
  async configPlaces(): Promise<ConfigPlaces> {
    const { configPlaces } = await loadConfigFolder();
    return configPlaces(this.#flags.config, this.environment);
  }

  /** @throws CliError `USAGE` */
  useFlags(flags: GlobalFlags): void {
    for (const name of ["config", "store"] as const) {
      if (flags[name] === "") throw usageError(`--${name}: expected a path, got an empty one`);
    }
    this.#flags = flags;
  }

  /** Lets the run exit with `code` where nothing failed before. */
  exitWith(code: number): void {
    if (this.#exitCode === EXIT.ok) this.#exitCode = code;
  }

  /**
   * The settings in force for a command with `flags` of its own.
   *
   * @throws ConfigError `CONFIG_FILE_INVALID`, for the first thing that is wrong in the file;
   *   `CONFIG_FILE_UNREADABLE`
   */
  async config(flags: FlagSettings = {}): Promise<Config> {
    const parsed = await this.configFile();
    if (parsed?.problems[0] !== undefined) throw parsed.problems[0];
    return await this.#resolve(flags, parsed);
  }

  /** The settings as they would be without what is wrong in the file, or without a file. */
  async configDespiteProblems(): Promise<Config> {
    return await this.#resolve({}, await this.configFile().catch(() => undefined));
  }

  /**
   * The configuration file that is in force; undefined where there is none. It is read once.
   *
   * @throws ConfigError `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE`
   */
  async configFile(): Promise<ParsedConfig | undefined> {
    this.#file ??= this.#readFile();
    return await this.#file;
  }

  /** Has the configuration file read again when it is next asked for. */
  forgetConfigFile(): void {
    this.#file = undefined;
  }

  async #readFile(): Promise<ParsedConfig | undefined> {
    const { readConfigFile } = await loadConfigFolder();
    return await readConfigFile(await this.configPlaces());
  }

  /** The directory of the store. */
  async storeDirectory(): Promise<string> {
    return (await this.config()).values.store;
  }

  async #resolve(flags: FlagSettings, parsed: ParsedConfig | undefined): Promise<Config> {
    const { resolveConfig } = await loadConfigFolder();
    const { store } = this.#flags;
    const { environment } = this;
    return resolveConfig(
      {
        ...flags,
        ...(store === undefined ? {} : { store: resolve(environment.workingDirectory, store) }),
      },
      parsed?.file,
      environment,
    );
  }

  /** Whether nobody reads standard output any more, so that there is no use in making more. */
  get isReaderGone(): boolean {
    return this.#stdout.isReaderGone;
  }

  /** @throws CliError `STDOUT_FAILED` */
  async print(output: string | Uint8Array): Promise<void> {
    await this.#stdout.write(output);
  }

  /** Says on standard error, in one line, what is wrong and yet no failure. */
  warn(message: string): void {
    this.environment.stderr.write(`${warningLine(message)}\n`);
  }

  /** Says on standard error, in one line, what failed; with `--debug` the stack follows. */
  report(error: unknown): void {
    // Whatever an interrupted run fails with, the interruption is why.
    const reason: unknown = this.signal.reason;
    const cause = this.signal.aborted && reason instanceof Interrupted ? reason : error;
    const failure = failureOf(cause);
    this.exitWith(cause instanceof Interrupted ? cause.exitCode : failure.exitCode);
    this.environment.stderr.write(`${failure.line}\n`);
    if (this.#flags.debug === true) this.environment.stderr.write(`${stackOf(error)}\n`);
  }
}

/** When it is needed: what only prints a version does without. */
async function loadConfigFolder(): Promise<typeof import("../config/index.ts")> {
  return await import("../config/index.ts");
}
