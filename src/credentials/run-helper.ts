import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { isErrno } from "../base/index.ts";
import { CredentialError } from "./credential-error.ts";

/** Where helpers are looked for, and what they see. */
export interface HelperSurroundings {
  /** Environment variables, which helpers inherit; `PATH` says where they are. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** How long one may take; absent: 30 seconds. */
  readonly helperMs?: number;
}

export type HelperAction = "get" | "store" | "erase";

/** What a helper answered. */
export interface HelperAnswer {
  readonly succeeded: boolean;
  /** What it wrote to standard output; it may be secret. */
  readonly output: string;
}

const USUAL_MS = 30_000;
const MAX_OUTPUT_BYTES = 128 * 1024;
/** No slash: a helper is a name, and never a path. */
const SUFFIX = /^[A-Za-z0-9._-]{1,100}$/;

/**
 * Runs the credential helper `docker-credential-SUFFIX`, without a shell and with nothing of the
 * document in its arguments. Where it does not end by itself, all that it started ends with it.
 *
 * @param input - what it reads from its standard input
 * @throws CredentialError `CREDENTIAL_HELPER` for a suffix that is none, a program that is not in an
 *   absolute directory of `PATH`, one that cannot be started, takes longer than it may, writes more
 *   than 128 KiB or something else than text
 * @throws the signal's reason when aborted
 * @see registry.md §5.2
 */
export async function runHelper(
  suffix: string,
  action: HelperAction,
  input: string,
  surroundings: HelperSurroundings,
  signal: AbortSignal,
): Promise<HelperAnswer> {
  signal.throwIfAborted();
  if (!SUFFIX.test(suffix)) {
    const got = JSON.stringify(suffix.slice(0, 100));
    throw helperError(
      `expected the name of a credential helper of letters, digits, . _ -, got ${got}`,
    );
  }
  const name = `docker-credential-${suffix}`;
  const program = await findProgram(name, surroundings.variables["PATH"] ?? "");
  signal.throwIfAborted();
  const ended = await runProgram({ name, program, action, input }, surroundings, signal);
  try {
    const output = new TextDecoder("utf-8", { fatal: true }).decode(ended.output);
    return { succeeded: ended.exitCode === 0, output };
  } catch {
    throw helperError(`credential helper ${name}: expected text in UTF-8, got other bytes`);
  }
}

export function helperError(message: string, options?: ErrorOptions): CredentialError {
  return new CredentialError("CREDENTIAL_HELPER", message, options);
}

/** Relative directories of `PATH` are passed over: a helper must not come from where siflet is started. */
async function findProgram(name: string, path: string): Promise<string> {
  for (const directory of path.split(":").filter((each) => isAbsolute(each))) {
    const program = join(directory, name);
    try {
      await access(program, constants.X_OK);
      if ((await stat(program)).isFile()) return program;
    } catch {
      // Whatever keeps one directory from having it, another one may.
    }
  }
  throw helperError(
    `credential helper ${name}: expected such a program in a directory of PATH, got none`,
  );
}

interface HelperCall {
  readonly name: string;
  readonly program: string;
  readonly action: HelperAction;
  readonly input: string;
}

interface Ended {
  readonly exitCode: number | null;
  readonly output: Uint8Array;
}

async function runProgram(
  { name, program, action, input }: HelperCall,
  { variables, helperMs = USUAL_MS }: HelperSurroundings,
  signal: AbortSignal,
): Promise<Ended> {
  const timeout = AbortSignal.timeout(helperMs);
  const either = AbortSignal.any([signal, timeout]);
  // In a group of its own, which can be ended with all that it starts. Ctrl-C on a terminal does not
  // reach it there, but comes as an abort.
  const child = spawn(program, [action], {
    env: variables,
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const stop = (): void => {
    if (child.pid !== undefined) killGroup(child.pid);
    // What left the group may hold the other end open.
    child.stdout.destroy();
  };
  either.addEventListener("abort", stop, { once: true });
  // It need not read what it is told.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [gathered, closed] = await Promise.allSettled([
    gather(child.stdout, stop),
    once(child, "close"),
  ]);
  either.removeEventListener("abort", stop);
  signal.throwIfAborted();
  const failed = (got: string, cause?: unknown): CredentialError =>
    helperError(`credential helper ${name}: expected an answer, got ${got}`, { cause });
  if (timeout.aborted) throw failed(`none within ${helperMs / 1000} s`);
  if (closed.status === "rejected") throw failed("none, for it cannot be run", closed.reason);
  if (gathered.status === "rejected") throw failed("none that could be read", gathered.reason);
  if (gathered.value === undefined) throw failed(`more than ${MAX_OUTPUT_BYTES} bytes`);
  return { exitCode: child.exitCode, output: gathered.value };
}

function killGroup(id: number): void {
  try {
    process.kill(-id, "SIGKILL");
  } catch (error) {
    if (!isErrno(error, "ESRCH")) throw error;
  }
}

/** All that `stream` has; undefined where that is too much, and `stop` was called. */
async function gather(
  stream: AsyncIterable<Uint8Array>,
  stop: () => void,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_OUTPUT_BYTES) {
      stop();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
