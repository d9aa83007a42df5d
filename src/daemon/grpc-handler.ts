import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import {
  Code,
  createConnectRouter,
  createContextValues,
  type ConnectRouterOptions,
  type ContextValues,
  type ConnectRouter,
} from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { ENCODED_ANSWER } from "../cri/index.ts";

export type GrpcHandler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Bytes before each message: a flag, and its length. @see gRPC over HTTP2, Length-Prefixed-Message */
const PREFIX_BYTES = 5;

/**
 * What answers the requests of an HTTP/2 server; what nobody serves is UNIMPLEMENTED.
 *
 * @param onFault - takes what kept an answer from being sent
 */
export function grpcHandler(
  routes: (router: ConnectRouter) => void,
  options: ConnectRouterOptions,
  onFault: (error: unknown) => void,
): GrpcHandler {
  const router = createConnectRouter(options);
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(request.url);
    if (handler === undefined) {
      refuse(response, Code.Unimplemented, "siflet does not serve this method");
      return;
    }
    const values = createContextValues();
    const asked = universalRequestOf(request, response, values);
    if (asked === undefined) {
      refuse(response, Code.Internal, "expected headers of printable ASCII");
      return;
    }
    handler(asked)
      .then((answer) => universalResponseToNodeResponse(withEncoded(answer, values), response))
      .catch((error: unknown) => {
        response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        onFault(error);
      });
  };
}

function universalRequestOf(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  values: ContextValues,
): UniversalServerRequest | undefined {
  // It names nobody on a unix socket, and clients send all sorts of it: the path of the socket, or none.
  request.headers[constants.HTTP2_HEADER_AUTHORITY] = "localhost";
  try {
    return universalRequestFromNodeRequest(request, response, undefined, values);
  } catch {
    return undefined;
  }
}

/** The same answer, with the message that is encoded already where there is one. */
function withEncoded(
  answer: UniversalServerResponse,
  values: ContextValues,
): UniversalServerResponse {
  const message = values.get(ENCODED_ANSWER);
  const { body } = answer;
  if (message === undefined || body === undefined) return answer;
  return { ...answer, body: replaced(body, message) };
}

async function* replaced(
  body: AsyncIterable<Uint8Array>,
  message: Uint8Array,
): AsyncIterable<Uint8Array> {
  // Of what the handler returned: read to its end, which is what ends the call.
  let isSent = false;
  for await (const chunk of body) {
    if (isSent || chunk.length === 0) continue;
    isSent = true;
    const prefix = new Uint8Array(PREFIX_BYTES);
    new DataView(prefix.buffer).setUint32(1, message.length);
    yield prefix;
    yield message;
  }
}

/** The answer stands in the headers: there is no message. */
function refuse({ stream }: Http2ServerResponse, code: Code, message: string): void {
  stream.respond(
    {
      [constants.HTTP2_HEADER_STATUS]: 200,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      "grpc-status": code,
      "grpc-message": message,
    },
    { endStream: true },
  );
}
