import { Worker } from "node:worker_threads";
import { ImageError } from "../image/index.ts";
import { assertNever } from "../base/index.ts";
import type { Argument, Fault, Operation, Reply, Result } from "./operations.ts";
import { StoreError } from "./store-error.ts";

/** Who waits for one answer; a method, so that a resolver of a narrower type may stand here. */
interface Waiter {
  resolve(value: Result<Operation>): void;
  reject(error: Error): void;
}

/**
 * A database thread of one's own, and the only way to it. Keeps the process alive while a call
 * waits for its answer, and not longer.
 */
export class DatabaseClient {
  readonly #worker: Worker;
  readonly #waiters = new Map<number, Waiter>();
  readonly #ended: Promise<void>;
  #lastKey = 0;
  /** Why no more calls are possible. */
  #end: Error | undefined;

  constructor() {
    // Run from source the entry is the .ts file; the compiler rewrites imports but not strings.
    const entry = import.meta.url.endsWith(".ts") ? "./database-thread.ts" : "./database-thread.js";
    this.#worker = new Worker(new URL(entry, import.meta.url), { name: "siflet-store" });
    this.#worker.on("message", (reply: Reply) => {
      this.#settle(reply);
    });
    this.#worker.on("error", (error) => {
      this.#fail(new Error("the store's database thread failed", { cause: error }));
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on("exit", () => {
        this.#fail(new Error("the store's database thread has ended"));
        resolve();
      });
    });
    this.#worker.unref();
  }

  /**
   * Asks the thread; calls are answered in the order in which they were made.
   *
   * @throws StoreError or ImageError as the operation has it
   */
  call<O extends Operation>(operation: O, argument: Argument<O>): Promise<Result<O>> {
    return new Promise<Result<O>>((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const key = ++this.#lastKey;
      this.#waiters.set(key, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ key, operation, argument });
    });
  }

  /** Returns when all earlier calls are answered, the database is closed and the thread gone. */
  async close(): Promise<void> {
    const closed = this.#end === undefined ? this.call("close", undefined) : undefined;
    this.#end ??= new Error("the store is closed");
    try {
      await closed;
    } finally {
      // Else a process with nothing else to do would leave before the thread has.
      this.#worker.ref();
      await this.#ended;
    }
  }

  #settle(reply: Reply): void {
    const waiter = this.#waiters.get(reply.key);
    this.#waiters.delete(reply.key);
    if (this.#waiters.size === 0) this.#worker.unref();
    if ("fault" in reply) waiter?.reject(errorOf(reply.fault));
    else waiter?.resolve(reply.value);
  }

  #fail(error: Error): void {
    this.#end ??= error;
    const waiters = [...this.#waiters.values()];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(error);
  }
}

function errorOf(fault: Fault): Error {
  switch (fault.kind) {
    case "store":
      return new StoreError(fault.code, fault.message);
    case "image":
      return new ImageError(fault.code, fault.message, { candidates: fault.candidates });
    case "bug":
      return new Error(`the store's database thread: ${fault.message}`);
    default:
      return assertNever(fault);
  }
}
