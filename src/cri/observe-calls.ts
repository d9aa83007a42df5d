import {
  createContextKey,
  type ConnectError,
  type ContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import { CodedError } from "../base/index.ts";
import { codeName, connectErrorOf, type CallSignals } from "./connect-error.ts";
import type { CallEnd, ObservedCall, Observer } from "./observer.ts";

/** @see W3C Trace Context, traceparent */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const CALL = createContextKey<ObservedCall | undefined>(undefined);

/** The call that a handler answers. */
export function callOf(values: ContextValues): ObservedCall {
  const call = values.get(CALL);
  if (call === undefined) throw new Error("expected a call that is observed");
  return call;
}

/**
 * Numbers calls, tells `observer` of each and of how it ended, and makes what handlers throw into what
 * gRPC answers.
 *
 * @param stopping - aborted when the daemon ends what has not ended by itself
 */
export function observeCalls(observer: Observer, stopping: AbortSignal): Interceptor {
  let calls = 0;
  return (next) => async (request) => {
    const traceparent = request.header.get("traceparent") ?? "";
    const call: ObservedCall = {
      number: (calls += 1),
      service: request.service.typeName,
      method: request.method.name,
      ...(TRACEPARENT.test(traceparent) && { traceparent }),
      notes: { secrets: [] },
    };
    request.contextValues.set(CALL, call);
    const ended = observer.called(call);
    const signals = { client: request.signal, stopping };
    try {
      const response = await next(request);
      if (!response.stream) {
        ended({ code: "OK" });
        return response;
      }
      return { ...response, message: observed(response.message, signals, ended) };
    } catch (error) {
      throw failed(error, signals, ended);
    }
  };
}

async function* observed<Message>(
  messages: AsyncIterable<Message>,
  signals: CallSignals,
  ended: (end: CallEnd) => void,
): AsyncGenerator<Message, void> {
  let end: CallEnd = { code: "CANCELLED", message: "the client has left" };
  try {
    yield* messages;
    end = { code: "OK" };
  } catch (error) {
    const answer = connectErrorOf(error, signals);
    end = endOf(answer);
    throw answer;
  } finally {
    ended(end);
  }
}

function failed(error: unknown, signals: CallSignals, ended: (end: CallEnd) => void): ConnectError {
  const answer = connectErrorOf(error, signals);
  ended(endOf(answer));
  return answer;
}

function endOf({ code, rawMessage, cause }: ConnectError): CallEnd {
  return {
    code: codeName(code),
    message: rawMessage,
    ...(cause instanceof CodedError && { errorCode: String(cause.code) }),
    ...(cause === undefined ? {} : { cause }),
  };
}
