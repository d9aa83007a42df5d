/**
 * The thread in which a store's SQLite runs: a durable commit takes up to hundreds of
 * milliseconds on a busy disk, which must not hold up the event loop that answers requests.
 * Started by `DatabaseClient` alone; imports nothing that costs start-up time.
 */
import { parentPort } from "node:worker_threads";
import { assertNever } from "../base/index.ts";
import { ImageError } from "../image/index.ts";
import { Connection } from "./connection.ts";
import { Database } from "./database.ts";
import { LockFiles } from "./lock-files.ts";
import type {
  Argument,
  Fault,
  Operation,
  Operations,
  Reply,
  Request,
  Result,
  StoreTraits,
} from "./operations.ts";
import { createDatabase, readTraits } from "./schema.ts";
import { databaseFailure } from "./sqlite-error.ts";
import { storePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";
