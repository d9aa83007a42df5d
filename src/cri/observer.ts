import type { Secret } from "../base/index.ts";
import type { PullEvent } from "../pull/index.ts";

/** How something ended; an error as it is answered. */
export interface CallEnd {
  /** gRPC's name of the code: `OK`, `NOT_FOUND`. */
  readonly code: string;
  /** What went wrong, as the client is told; absent: nothing did. */
  readonly message?: string;
  /** siflet's code of it; absent: it has none. */
  readonly errorCode?: string;
  /** What is behind it, for the log alone. */
  readonly cause?: unknown;
}

/** What the handler of a call says of it while it is at work. */
export interface CallNotes {
  /** The image that is asked for, as it may be shown. */
  image?: string;
  /** The id of that image, where there is one. */
  imageId?: string;
  /** What came with the call and nobody may see, in all its forms. */
  secrets: readonly Secret[];
}

/** One call of the service. */
export interface ObservedCall {
  /** Counts calls since the daemon started. */
  readonly number: number;
  readonly service: string;
  readonly method: string;
  /** W3C trace context, as the client sent it; absent: it sent none that is one. */
  readonly traceparent?: string;
  readonly notes: CallNotes;
}

/** One pull that a call asks for; several may share the work. */
export interface ObservedPull {
  readonly reference: string;
  readonly call: ObservedCall;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** Is told how one pull goes on. */
export interface PullObserver {
  onEvent(event: PullEvent): void;
  /** @param id - of the image; absent: it failed, as the call tells */
  ended(id?: string): void;
}

/**
 * Is told what the daemon does: for logs, measures and whoever watches. It must not throw, and return
 * at once.
 */
export interface Observer {
  /** @returns is called once, when the call has been answered */
  called(call: ObservedCall): (end: CallEnd) => void;
  pulling(pull: ObservedPull): PullObserver;
  /** Something that is in order, and worth to be known. */
  note(message: string): void;
  /** Something that is wrong and yet no failure. */
  warn(message: string): void;
}

/** Tells each of several. */
export function observers(all: readonly Observer[]): Observer {
  return {
    called(call) {
      const ends = all.map((each) => each.called(call));
      return (end) => {
        for (const told of ends) told(end);
      };
    },
    pulling(pull) {
      const each = all.map((observer) => observer.pulling(pull));
      return {
        onEvent(event) {
          for (const observer of each) observer.onEvent(event);
        },
        ended(id) {
          for (const observer of each) observer.ended(id);
        },
      };
    },
    note(message) {
      for (const each of all) each.note(message);
    },
    warn(message) {
      for (const each of all) each.warn(message);
    },
  };
}
