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
  OpenAnswer,
  OpenRequest,
  Reply,
  Request,
  Result,
  StoreTraits,
} from "./operations.ts";
import { makeDatabase, openSchema } from "./schema.ts";
import { OpenLock } from "./open-lock.ts";
import { withReserve } from "./reserve.ts";
import { databaseFailure } from "./sqlite-error.ts";
import { storePaths, type StorePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";

const locks = new LockFiles();
let database: Database | undefined;
let openLock: OpenLock | undefined;
let root = "";

function answer(request: Request): Result<Operation> {
  switch (request.operation) {
    case "open":
      return open(request.argument);
    case "rebuild":
      database?.abandon();
      openLock?.[Symbol.dispose]();
      return open({ root, readOnly: false, replaces: true, ...request.argument });
    case "tryLock":
      return locks.tryLock(request.argument.path);
    case "unlock":
      locks.unlock(request.argument.path, request.argument.forget);
      return;
    case "close":
      locks.close();
      database?.close();
      openLock?.[Symbol.dispose]();
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

function open(request: OpenRequest): OpenAnswer {
  root = request.root;
  const paths = storePaths(root);
  const { readOnly, traits: wished, replaces = false } = request;
  const start = wished === undefined ? "found" : makeDatabase(paths, wished, { replaces });
  openLock = readOnly ? undefined : new OpenLock(paths);
  try {
    const connecting = (): Connected => connect(paths, readOnly);
    // A full disk must not keep anybody from opening a store in order to remove something.
    const { traits, connection } = readOnly ? connecting() : withReserve(paths, connecting);
    database = new Database(connection, paths, { readOnly });
    return { traits, start };
  } catch (error) {
    openLock?.[Symbol.dispose]();
    throw error;
  }
}

interface Connected {
  readonly connection: Connection;
  readonly traits: StoreTraits;
}

function connect(paths: StorePaths, readOnly: boolean): Connected {
  const connection = new Connection(paths.database, { readOnly });
  try {
    return { connection, traits: openSchema(connection, paths.database, { readOnly }) };
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
