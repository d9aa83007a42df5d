import { limitError, type LimitError, type Limits } from "../base/index.ts";
import { LayerError, type LayerErrorCode } from "./layer-error.ts";

/** What every part of the tar reader needs to refuse, or to warn, with name and position. */
export interface TarContext {
  readonly limits: Limits;
  /** The archive, as the user knows it. */
  readonly what: string;
  /** The archive and the position in it; made only when there is something to say. */
  where(): string;
  /** Warns, but once for each `kind`: an archive may hold a million cases of one fault. */
  warnOnce(kind: string, message: string): void;
}

export function tarError(context: TarContext, code: LayerErrorCode, message: string): LayerError {
  return new LayerError(code, `${context.where()}: ${message}`);
}

export function tarLimitError(
  context: TarContext,
  limit: keyof Limits,
  thing: string,
  got?: number,
): LimitError {
  return limitError(context.limits, limit, `${context.where()}: ${thing}`, got);
}

/** Bytes of an archive as text for a message: quoted, escaped, at most 200 characters. */
export function quoteBytes(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 200)).toString("utf8");
  return JSON.stringify(bytes.length > 200 ? `${shown}…` : shown);
}
