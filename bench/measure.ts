import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What one run of a command cost, as the operating system accounts for it. */
export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of the command and all it started and waited for. */
  readonly cpuSeconds: number;
  /** The largest resident set of any one process. */
  readonly peakBytes: number;
  /** Bytes handed to file systems. */
  readonly writtenBytes: number;
}

/** Runs a command under GNU time; throws with its output when it fails. */
export async function measure(command: string, args: readonly string[]): Promise<Cost> {
  await using scrap = await mkdtempDisposable(join(tmpdir(), "siflet-bench-"));
  const report = join(scrap.path, "time");
  const child = spawn("time", ["-o", report, "-f", "%e %U %S %M %O", command, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")}: ${Buffer.concat(output).toString()}`);
  }
  const [wall = 0, user = 0, system = 0, kilobytes = 0, blocks = 0] = (
    await readFile(report, "utf8")
  )
    .trim()
    .split(" ")
    .map(Number);
  return {
    wallSeconds: wall,
    cpuSeconds: user + system,
    peakBytes: kilobytes * 1024,
    writtenBytes: blocks * 512,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
