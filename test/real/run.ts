import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

const execFileBytes = promisify(execFile);

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the program; the call then rejects with an `AbortError`. */
  readonly signal?: AbortSignal;
  /** Says of a line of standard error that it is no failure, whatever the exit code. */
  readonly isFine?: (line: string) => boolean;
}

/**
 * Runs a program to its end and returns what it wrote to standard output.
 *
 * The system folders are searched too, for Debian keeps `debootstrap` and `losetup` out of a user's
 * PATH, and messages come untranslated.
 *
 * @throws Error with the command, its exit code and the end of its standard error
 */
export async function runForBytes(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Buffer> {
  const env = {
    ...process.env,
    PATH: `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`,
    LC_ALL: "C.UTF-8",
    ...options.env,
  };
  const { cwd, signal } = options;
  const settings = { env, cwd, signal, encoding: "buffer", maxBuffer: 1 << 30 } as const;
  try {
    return (await execFileBytes(command, args, settings)).stdout;
  } catch (cause) {
    signal?.throwIfAborted();
    const output = fineOutput(cause, options);
    if (output !== undefined) return output;
    throw new Error(failureText(command, args, cause), { cause });
  }
}

/** The same for a program that writes text. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  return (await runForBytes(command, args, options)).toString();
}

/** What was written to standard output, where all complaints are fine. */
function fineOutput(cause: unknown, { isFine }: RunOptions): Buffer | undefined {
  if (isFine === undefined || !(cause instanceof Error)) return undefined;
  const stdout = "stdout" in cause ? cause.stdout : undefined;
  if (!Buffer.isBuffer(stdout) || !("stderr" in cause)) return undefined;
  const lines = String(cause.stderr)
    .split("\n")
    .filter((line) => line !== "");
  return lines.length > 0 && lines.every(isFine) ? stdout : undefined;
}

function failureText(command: string, args: readonly string[], cause: unknown): string {
  const called = [command, ...args].join(" ").slice(0, 300);
  if (!(cause instanceof Error)) return `${called} failed`;
  const said = "stderr" in cause ? String(cause.stderr).trim().slice(-2000) : "";
  const code = "code" in cause ? String(cause.code) : "unknown";
  return `${called} failed (${code}): ${said === "" ? cause.message : said}`;
}
