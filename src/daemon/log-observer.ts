import { assertNever } from "../base/index.ts";
import type { CallEnd, ObservedCall, Observer } from "../cri/index.ts";
import { stackLines, type DaemonLog, type LogFields, type LogLevel } from "../logs/index.ts";
import { PullStages, type PullEvent } from "../pull/index.ts";

/** Calls that change what is there; the others come several times a second. */
const CHANGES: ReadonlyMap<string, string> = new Map([
  ["PullImage", "pulled"],
  ["RemoveImage", "removed"],
]);
/** What a client did wrong, or did on purpose, is nobody's trouble. */
const QUIET: ReadonlySet<string> = new Set(["OK", "CANCELLED", "UNIMPLEMENTED"]);
/** What somebody has to look after. */
const FAULTS: ReadonlySet<string> = new Set(["INTERNAL", "DATA_LOSS"]);

/** What a log is written to. */
export interface LogObserverOptions {
  readonly log: DaemonLog;
  /** Tells this daemon's calls from those of the ones before it. */
  readonly life: string;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}

/** Writes a record for each call, and for pulls what becomes known of them meanwhile. */
export function logObserver({ log, life, clock }: LogObserverOptions): Observer {
  const stages = new WeakMap<ObservedCall, PullStages>();
  const idOf = ({ number }: ObservedCall): string => `${life}-${number}`;
  return {
    called(call) {
      const startedMs = clock();
      return (end) => {
        const level = levelOf(call, end);
        if (!log.isWritten(level)) return;
        const durationMs = rounded(clock() - startedMs);
        const fields = endFields(call, end, durationMs, stages.get(call));
        log.write(level, messageOf(call, end), { call: idOf(call), ...fields }, call.notes.secrets);
      };
    },
    pulling({ reference, call }) {
      const about = { call: idOf(call), image: reference };
      const write = (level: LogLevel, message: string, fields: LogFields = {}): void => {
        log.write(level, message, { ...about, ...fields }, call.notes.secrets);
      };
      write("info", "pulling");
      const watched = new PullStages(clock);
      stages.set(call, watched);
      return {
        onEvent(event) {
          watched.apply(event);
          tell(event, write);
        },
        // The end of the call tells it.
        ended: () => undefined,
      };
    },
    note: (message) => {
      log.info(message);
    },
    warn: (message) => {
      log.warn(message);
    },
  };
}

function tell(
  event: PullEvent,
  write: (level: LogLevel, message: string, fields?: LogFields) => void,
): void {
  switch (event.kind) {
    case "resolved": {
      const { digest, layers } = event;
      const bytes = layers.reduce((sum, { size }) => sum + size, 0);
      write("info", "resolved", { digest, layers: layers.length, bytes });
      return;
    }
    case "warning":
      write("warn", event.message);
      return;
    case "step":
      write("debug", `${event.step} ${event.at}s`);
      return;
    case "fetched":
    case "converted":
    case "layer-done":
    case "written":
    case "present":
      return;
    default:
      assertNever(event);
  }
}

function messageOf({ method, notes }: ObservedCall, { code }: CallEnd): string {
  if (code !== "OK") return `${method} failed`;
  // One that is not there is removed already.
  return notes.imageId === undefined ? "answered" : (CHANGES.get(method) ?? "answered");
}

function endFields(
  { service, method, notes, traceparent }: ObservedCall,
  end: CallEnd,
  durationMs: number,
  stages: PullStages | undefined,
): LogFields {
  return {
    service,
    method,
    code: end.code,
    ...failure(end),
    durationMs,
    ...(notes.image !== undefined && { image: notes.image }),
    ...(notes.imageId !== undefined && { imageId: notes.imageId }),
    ...(stages && stageFields(stages)),
    ...(traceparent !== undefined && { traceparent }),
  };
}

function levelOf({ method }: ObservedCall, { code }: CallEnd): LogLevel {
  if (FAULTS.has(code)) return "error";
  if (!QUIET.has(code)) return "warn";
  return CHANGES.has(method) ? "info" : "debug";
}

function failure({ code, errorCode, message, cause }: CallEnd): LogFields {
  return {
    ...(errorCode !== undefined && { errorCode }),
    ...(message !== undefined && { error: message }),
    ...(code === "INTERNAL" && cause !== undefined && { stack: stackLines(cause) }),
  };
}

function stageFields({ tookMs, fetchedBytes, layers, isPresent }: PullStages): LogFields {
  return {
    isPresent,
    fetchedBytes,
    reusedLayers: layers.reused,
    stagesMs: Object.fromEntries(tookMs.entries().map(([stage, ms]) => [stage, rounded(ms)])),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
