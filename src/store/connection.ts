import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Row } from "./row.ts";

/** How long a statement waits for other processes before `STORE_BUSY`. */
const BUSY_TIMEOUT_MS = 30_000;

/** One connection to the store's database; synchronous, for the database thread alone. */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, options: { readonly readOnly: boolean }) {
    this.#database = new DatabaseSync(path, {
      readOnly: options.readOnly,
      timeout: BUSY_TIMEOUT_MS,
    });
    this.#database.exec("PRAGMA synchronous = FULL");
  }

  /** Runs statements without parameters or results. */
  execute(sql: string): void {
    this.#database.exec(sql);
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.#prepared(sql).all(...values);
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  /** @returns the number of rows changed */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** Rows changed since the connection was opened. */
  changes(): number {
    return Number(this.#prepared("SELECT total_changes() AS count").get()?.["count"]);
  }

  /**
   * A write transaction. IMMEDIATE takes the write lock at once and waits for it; a plain BEGIN
   * fails without waiting when two readers want to become writers.
   */
  write<T>(work: () => T): T {
    return this.#transaction("BEGIN IMMEDIATE", work);
  }

  /** Several reads that see one state. */
  snapshot<T>(work: () => T): T {
    return this.#transaction("BEGIN", work);
  }

  close(): void {
    this.#database.close();
  }

  #transaction<T>(begin: string, work: () => T): T {
    this.#database.exec(begin);
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      // After some failures, a full disk among them, SQLite has rolled back already.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
