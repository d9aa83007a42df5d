import { pino, type Logger } from "pino";
import type { Secret } from "../base/index.ts";
import { humanLine } from "./human-line.ts";
import type { LogFields, LogFormat, LogLevel } from "./log-fields.ts";
import { logText } from "./log-text.ts";

export interface DaemonLogOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** Takes whole lines with their ends. */
  readonly write: (lines: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The log of a daemon: a record with a time, a level and a message for each thing that happens. */
export class DaemonLog {
  readonly #logger: Logger;

  constructor({ format, level, write, now }: DaemonLogOptions) {
    const options = {
      level,
      // No process number, no host: whoever collects logs knows both.
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
    };
    const writeHuman = (json: string): void => {
      write(humanLine(JSON.parse(json) as Readonly<Record<string, unknown>>));
    };
    this.#logger = pino(options, { write: format === "json" ? write : writeHuman });
  }

  /** The least that is written, from now on. */
  set level(level: LogLevel) {
    this.#logger.level = level;
  }

  /** Whether it is worth while to make a record of `level`. */
  isWritten(level: LogLevel): boolean {
    return this.#logger.isLevelEnabled(level);
  }

  info(message: string): void {
    this.write("info", message, {});
  }

  warn(message: string): void {
    this.write("warn", message, {});
  }

  /** @param secrets - that no text of the record may show, whoever it comes from */
  write(
    level: LogLevel,
    message: string,
    fields: LogFields,
    secrets: readonly Secret[] = [],
  ): void {
    if (!this.isWritten(level)) return;
    const record: Record<string, unknown> = { message: logText(message, secrets) };
    for (const [name, value] of Object.entries<Value>({ ...fields })) {
      record[name] = shown(value, secrets);
    }
    this.#logger[level](record);
  }
}

type Value = LogFields[keyof LogFields];

function shown(value: Value, secrets: readonly Secret[]): unknown {
  if (typeof value === "string") return logText(value, secrets);
  if (isLines(value)) return value.map((line) => logText(line, secrets));
  return value;
}

function isLines(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}
