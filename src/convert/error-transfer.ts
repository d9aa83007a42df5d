import { isErrno, LimitError, type CodedError } from "../base/index.ts";
import { ContentError } from "../image/index.ts";
import { LayerError } from "../layers/index.ts";
import { PackError } from "../packs/index.ts";
import { SifError } from "../sif/index.ts";
import { TreeError } from "../tree/index.ts";
import { ConvertError } from "./convert-error.ts";

/** An error on its way between threads: structured clone would make it a plain Error. */
export interface TransferredError {
  readonly name: string;
  readonly code: string | undefined;
  /** The call of the operating system that failed, where that is what happened. */
  readonly syscall: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** The classes of errors that a conversion throws on purpose. */
const CLASSES: Readonly<Record<string, new (code: never, message: string) => CodedError>> = {
  ContentError,
  ConvertError,
  LayerError,
  LimitError,
  PackError,
  SifError,
  TreeError,
};

const NO_SPACE = ["ENOSPC", "EDQUOT", "EFBIG"];

/** The same error, or in place of one of the system that says so, that there is no space left. */
export function orNoSpace(error: unknown): unknown {
  if (!(error instanceof Error) || !isErrno(error, ...NO_SPACE)) return error;
  const message = `no space left to convert the image: ${error.message}`;
  return new ConvertError("NO_SPACE", message, { cause: error });
}

export function transferError(thrown: unknown): TransferredError {
  const error = orNoSpace(thrown);
  if (!(error instanceof Error)) {
    const message = String(error);
    return { name: "Error", code: undefined, syscall: undefined, message, stack: undefined };
  }
  const { name, message, stack } = error;
  return { name, code: textOf(error, "code"), syscall: textOf(error, "syscall"), message, stack };
}

function textOf(error: Error, key: string): string | undefined {
  const value: unknown = Reflect.get(error, key);
  return typeof value === "string" ? value : undefined;
}

/** The error as it was thrown; one of no class of ours comes back as a plain Error, or as the system's. */
export function receiveError(transferred: TransferredError): Error {
  const error = remade(transferred);
  if (transferred.stack !== undefined) error.stack = transferred.stack;
  return error;
}

function remade({ name, code, syscall, message }: TransferredError): Error {
  const known = CLASSES[name];
  // The code was one of the class' own when the error was taken apart.
  if (known !== undefined && code !== undefined) return new known(code as never, message);
  return Object.assign(new Error(message), code && syscall ? { code, syscall } : {});
}
