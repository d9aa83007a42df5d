import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import { hostsListedIn } from "../config/index.ts";
import { HttpClient } from "../http/index.ts";
import type { Host } from "../doctor/index.ts";
import { hostPlatform, Info, KnownCodecs } from "../image/index.ts";
import { ConfiguredLibraries, Libraries, usualRemoteFiles } from "../library/index.ts";
import { Registries } from "../registry/index.ts";
import { openStore } from "../store/index.ts";
import { DEFAULT_TRANSFERS, Transfers } from "../transfer/index.ts";
import type { Environment, TextStream } from "./environment.ts";
import { runCli } from "./run-cli.ts";

/** 2026-01-02T03:04:05Z, at which the clock of these runs stands still. */
export const TEST_NOW: number = Date.UTC(2026, 0, 2, 3, 4, 5);

/** One process has them all: what its codecs make of the golden vectors it finds out once. */
const CODECS = new KnownCodecs();

/** A machine with nothing on it that the doctor looks for. */
export const BARE_HOST: Host = {
  variables: {},
  userId: 1000,
  kernelRelease: "6.1.0",
  nodeVersion: "24.21.0",
  nodeFlags: [],
  read: () => Promise.resolve(undefined),
  list: () => Promise.resolve(undefined),
  facts: () => Promise.resolve(undefined),
  mayWrite: () => Promise.resolve(true),
  fileSystem: () => Promise.resolve(undefined),
  find: () => Promise.resolve(undefined),
  versionOf: () => Promise.resolve(undefined),
};

/** What one run of the command line left behind. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  /** Lines of standard error. */
  readonly stderr: readonly string[];
}

export interface RunSettings {
  /** Working directory; the store is `store` in it. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  readonly environment?: Partial<Environment>;
  /** URL of the module of block compressors; absent: siflet's own. */
  readonly compressors?: string;
}

/** Runs a command line inside this process, on an amd64 machine where time stands still. */
export async function runHere(
  args: readonly string[],
  { directory, signal, environment, compressors }: RunSettings,
): Promise<CliResult> {
  const stdout = new CapturedText();
  const stderr = new CapturedText();
  const exitCode = await runCli(
    args,
    { ...testEnvironment(directory, compressors), stdout, stderr, ...environment },
    signal ?? new AbortController().signal,
  );
  return { exitCode, stdout: stdout.text, stderr: stderr.text.split("\n").slice(0, -1) };
}

/** A stream that keeps what is written to it. */
export class CapturedText extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function testEnvironment(
  directory: string,
  compressors: string | undefined,
): Omit<Environment, "stdout" | "stderr"> {
  const now = (): number => TEST_NOW;
  return {
    version: "1.2.3",
    variables: { SIFLET_STORE: "store" },
    workingDirectory: directory,
    homeDirectory: directory,
    isRoot: false,
    parallelism: 2,
    userId: 1000,
    groupId: process.getegid?.() ?? 0,
    userName: undefined,
    architecture: process.arch,
    stdin: Readable.from([]),
    now,
    expectStore: () => Promise.resolve(),
    openStore: (store, access) =>
      openStore({ ...access, directory: store, host: "test", bootId: "1", now }),
    openContext: (settings) => {
      const { plainHttpHosts, credentials, tokenRealms, librarySettings } = settings;
      const { limits, defaults, localFiles } = settings;
      const client = new HttpClient({
        userAgent: "siflet-test/1",
        plainHttpHosts,
        clock: { now, sleep: () => Promise.resolve() },
        random: () => 0.5,
      });
      const transfers = new Transfers(client, DEFAULT_TRANSFERS);
      const registries = new Registries({
        client,
        limits,
        credentials,
        realmsOf: hostsListedIn(tokenRealms),
        transfers,
      });
      const libraries = new Libraries({
        client,
        limits,
        transfers,
        registries,
        hosts: new ConfiguredLibraries({
          client,
          settings: librarySettings,
          remoteFiles: { ...usualRemoteFiles({}, directory), system: [] },
          variables: {},
          userId: process.geteuid?.() ?? 0,
        }),
      });
      return Promise.resolve({
        transfers,
        registries,
        libraries: () => Promise.resolve(libraries),
        limits,
        hostPlatform: hostPlatform("x64"),
        codecs: CODECS,
        defaults,
        localFiles,
        ...(compressors === undefined ? {} : { compressors }),
        now,
        [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
      });
    },
    openClient: ({ plainHttpHosts }) =>
      Promise.resolve(
        new HttpClient({
          userAgent: "siflet-test/1",
          plainHttpHosts,
          clock: { now, sleep: () => Promise.resolve() },
          random: () => 0.5,
        }),
      ),
    service: {
      processId: 1,
      onReload: () => ({ [Symbol.dispose]: () => undefined }),
      notify: () => Promise.resolve(),
      runBeside: () => Promise.resolve({ exitCode: 0, stdout: "" }),
    },
    openHost: () => Promise.resolve(BARE_HOST),
  };
}

/** A terminal of 80 by 24 characters that keeps what is written to it. */
export function capturedTerminal(): CapturedText & TextStream {
  return Object.assign(new CapturedText(), { isTTY: true, columns: 80, rows: 24 });
}

/**
 * What a terminal shows after `text` was written to it, without empty lines at the end: enough of
 * one for text, moving up and down and erasing.
 */
export function screenOf(text: string): string {
  const lines: string[] = [];
  let row = 0;
  let column = 0;
  // eslint-disable-next-line no-control-regex -- escape sequences are what this reads
  for (const [part] of text.matchAll(/\u001b\[[?0-9]*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) {
    const line = lines[row] ?? "";
    const count = Number(/[0-9]+/.exec(part)?.[0] ?? 1);
    if (part === "\r" || part === "\u001b[G") column = 0;
    else if (part === "\n") [row, column] = [row + 1, 0];
    else if (!part.startsWith("\u001b")) {
      lines[row] = line.slice(0, column).padEnd(column) + part + line.slice(column + part.length);
      column += part.length;
    } else if (part.endsWith("A")) row = Math.max(0, row - count);
    else if (part.endsWith("B")) row += count;
    else if (part === "\u001b[2K") lines[row] = "";
    else if (part === "\u001b[K") lines[row] = line.slice(0, column);
  }
  return Array.from(lines, (line: string | undefined) => line ?? "")
    .join("\n")
    .trimEnd();
}

/** A directory that is removed after the test. */
export async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-cli-"));
  t.after(() => directory.remove());
  return directory.path;
}

/** Pulls `reference` into the store of `directory`; answers its Info. */
export async function pullHere(
  directory: string,
  reference: string,
  ...options: readonly string[]
): Promise<Info> {
  const result = await runHere(["pull", "--json", ...options, reference], { directory });
  assert.equal(result.exitCode, 0, result.stderr.join("\n"));
  return Info.fromJSON(JSON.parse(result.stdout));
}

/** Asserts one failure, and nothing on standard output. */
export function assertFailure(result: CliResult, exitCode: number, message: RegExp): void {
  const failures = result.stderr.filter((line) => line.startsWith("siflet: "));
  assert.equal(failures.length, 1, result.stderr.join("\n"));
  assert.match(failures[0] ?? "", message);
  assert.equal(result.exitCode, exitCode);
  assert.equal(result.stdout, "");
}
