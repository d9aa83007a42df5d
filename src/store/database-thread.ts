/**
 * The thread in which a store's SQLite runs: a durable commit takes up to hundreds of
 * milliseconds on a busy disk, which must not hold up the event loop that answers requests.
 * Started by `DatabaseClient` alone.
 */
import { parentPort } from "node:worker_threads";
import { Connection } from "./connection.ts";
import { Database } from "./database.ts";
import { ImageFault } from "./image-fault.ts";
import { LockFiles } from "./lock-files.ts";
import type {
  Answers,
  DatabaseOperation,
  Fault,
  Operation,
  OpenRequest,
  Reply,
  Request,
  Result,
  StoreTraits,
} from "./operations.ts";
import { createDatabase, readTraits } from "./schema.ts";
import { databaseFailure } from "./sqlite-error.ts";
import { storePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";

const locks = new LockFiles();
let database: Database | undefined;
let root = "";

function answer(request: Request): Result<Operation> {
  switch (request.operation) {
    case "open":
      return open(request.argument);
    case "tryLock":
      return locks.tryLock(request.argument.path);
    case "unlock":
      locks.unlock(request.argument.path, request.argument.forget);
      return;
    case "close":
      locks.close();
      database?.close();
      return;
    default:
      if (database === undefined) throw new Error(`${request.operation} before open`);
      return ask(database, request);
  }
}

/** Generic so that the compiler sees that each operation gets its own argument. */
function ask<O extends DatabaseOperation>(answers: Answers<O>, request: Request<O>): Result<O> {
  return answers[request.operation](request.argument);
}

function open(request: OpenRequest): StoreTraits {
  root = request.root;
  const paths = storePaths(root);
  const { readOnly, traits: wished } = request;
  if (wished !== undefined) createDatabase(paths, wished);
  const connection = new Connection(paths.database, { readOnly });
  try {
    const traits = readTraits(connection, paths.database);
    database = new Database(connection, { readOnly });
    return traits;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function reply(request: Request): Reply {
  const { key } = request;
  try {
    return { key, value: answer(request) };
  } catch (error) {
    return { key, fault: faultOf(databaseFailure(error, root)) };
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof StoreError) {
    return { kind: "store", code: error.code, message: error.message };
  }
  if (error instanceof ImageFault) {
    const { code, message, candidates } = error;
    return { kind: "image", code, message, candidates };
  }
  return { kind: "bug", message: error instanceof Error ? String(error.stack) : String(error) };
}

parentPort?.on("message", (request: Request) => {
  parentPort?.postMessage(reply(request));
  // Without its listener the thread has nothing left to wait for, and ends.
  if (request.operation === "close") parentPort?.close();
});
