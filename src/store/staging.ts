import { clearAway, isErrno } from "../base/index.ts";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Claim, Claims } from "./claims.ts";
import { storeFailure } from "./store-error.ts";

/** A directory of one's own on the store's file system; disposing of it removes it. */
export interface Staging extends AsyncDisposable {
  /** Absolute path. */
  readonly path: string;
}

/** On which machine, and since which of its starts, this process runs. */
export interface Machine {
  readonly host: string;
  readonly bootId: string;
}

/** After a day a directory of another machine is taken for dead where its owner holds no claim. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** `<host>-<boot>-<owner>-<number>`; a host name may hold dashes too. */
const STAGING_NAME = /^(?<host>.+)-(?<boot>[0-9a-z]{1,8})-(?<owner>[0-9a-f]{16})-[0-9]+$/;

/**
 * The staging directories of one store object, `tmp/<host>-<boot>-<owner>-<number>`. Their owner is
 * proved by a claim that ends with this process: a process number can be used again.
 */
export class StagingArea {
  readonly #directory: string;
  readonly #claims: Claims;
  readonly #prefix: string;
  readonly #host: string;
  readonly #owner = randomBytes(8).toString("hex");
  #claim: Promise<Claim> | undefined;
  #made = 0;

  constructor(directory: string, claims: Claims, machine: Machine) {
    this.#directory = directory;
    this.#claims = claims;
    // Both come from outside and become part of a file name.
    this.#host = machine.host.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 64) || "unknown";
    const boot =
      machine.bootId
        .toLowerCase()
        .replaceAll(/[^0-9a-z]/g, "")
        .slice(0, 8) || "0";
    this.#prefix = `${this.#host}-${boot}-${this.#owner}`;
  }

  /** @throws StoreError `NO_SPACE`, `STORE_READ_ONLY` or `STORE_UNAVAILABLE` */
  async make(): Promise<Staging> {
    await this.#own();
    const path = join(this.#directory, `${this.#prefix}-${++this.#made}`);
    try {
      await mkdir(path, { mode: 0o700 });
      await chmod(path, 0o700);
    } catch (error) {
      throw storeFailure(error, path);
    }
    return {
      path,
      async [Symbol.asyncDispose]() {
        await clearAway(path);
      },
    };
  }

  /**
   * Removes what dead owners left: at once where they ran on this machine, before this start of
   * it or since, and else after a day. Nothing whose owner still holds its claim is touched.
   *
   * @param now - milliseconds since 1970
   */
  async sweep(now: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const parts = STAGING_NAME.exec(name)?.groups;
      const owner = parts?.["owner"];
      if (owner === undefined || owner === this.#owner) continue;
      const path = join(this.#directory, name);
      try {
        if (parts?.["host"] !== this.#host && now - (await stat(path)).mtimeMs < MAX_AGE_MS)
          continue;
        await using claim = await this.#claims.tryClaim(ownerKey(owner), { once: true });
        if (claim !== undefined) await rm(path, { recursive: true, force: true });
      } catch (error) {
        // Swept by another process, or not ours to remove: neither is a reason not to open.
        if (!isErrno(error, "ENOENT", "EACCES", "EPERM", "ENOTEMPTY")) {
          throw storeFailure(error, path);
        }
      }
    }
  }

  /** Takes this owner's claim, once, and before there is anything to be swept. */
  async #own(): Promise<void> {
    this.#claim ??= this.#claims.claim(ownerKey(this.#owner), new AbortController().signal, {
      once: true,
    });
    try {
      await this.#claim;
    } catch (error) {
      this.#claim = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const claim = await this.#claim;
    await claim?.[Symbol.asyncDispose]();
  }
}

function ownerKey(owner: string): string {
  return `staging ${owner}`;
}
