import assert from "node:assert/strict";
import { cp, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { runHere, TEST_NOW, type CliResult } from "../../src/cli/cli-fixture.ts";
import { openStore, type Store } from "../../src/store/index.ts";

/**
 * A directory with a store that is brought back to how it was before each try: always at the same path,
 * which unfinished downloads depend on. Whoever works in it here does so as this machine, so that what
 * a killed process of it left is swept at once.
 */
export class Place {
  readonly directory: string;
  /** Where processes keep their compiled code for the next one: half of their time goes into that. */
  readonly compiled: string;
  readonly #bootId: string;

  private constructor(directory: string, compiled: string, bootId: string) {
    this.directory = directory;
    this.compiled = compiled;
    this.#bootId = bootId;
  }

  static async in(directory: string, compiled: string = join(directory, "code")): Promise<Place> {
    const bootId = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return new Place(directory, compiled, bootId.trim());
  }

  get store(): string {
    return join(this.directory, "store");
  }

  /** Unfinished downloads. */
  get partials(): string {
    return join(this.store, "packs", ".partials");
  }

  /** Milliseconds since 1970: the clock of whoever works here stands still. */
  readonly now: number = TEST_NOW;

  async keep(): Promise<void> {
    await cp(this.store, `${this.store}.kept`, { recursive: true, preserveTimestamps: true });
  }

  async bringBack(): Promise<void> {
    await rm(this.store, { recursive: true, force: true });
    const options = { recursive: true, preserveTimestamps: true };
    await cp(`${this.store}.kept`, this.store, options);
  }

  async open(): Promise<Store> {
    return await this.#open(this.store, false);
  }

  async run(...args: readonly string[]): Promise<CliResult> {
    return await runHere(args, {
      directory: this.directory,
      environment: {
        openStore: async (directory, { readOnly }) => await this.#open(directory, readOnly),
      },
    });
  }

  /** As `run`, of what must succeed. */
  async must(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(...args);
    assert.equal(exitCode, 0, `${args.join(" ")}: ${stdout}${stderr.join("\n")}`);
    return stdout;
  }

  async #open(directory: string, readOnly: boolean): Promise<Store> {
    const machine = { host: hostname(), bootId: this.#bootId };
    return await openStore({ directory, readOnly, ...machine, now: () => this.now });
  }
}
