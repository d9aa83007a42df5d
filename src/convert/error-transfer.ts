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
    return { name: "Error", code: undefined, message: String(error), stack: undefined };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { name: error.name, code, message: error.message, stack: error.stack };
}

/** The error as it was thrown; one of no class of ours comes back as a plain Error. */
export function receiveError(transferred: TransferredError): Error {
  const { name, code, message, stack } = transferred;
  const known = CLASSES[name];
  const error =
    known === undefined || code === undefined
      ? new Error(message)
      : // The code was one of the class' own when the error was taken apart.
        new known(code as never, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
