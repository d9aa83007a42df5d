import { constants, createServer, type Http2Server, type Http2ServerResponse } from "node:http2";
import { Code, type ConnectRouter, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  BoundedConnections,
  DEFAULT_BOUNDS,
  type ConnectionBounds,
} from "./bounded-connections.ts";

/** What clients of the interface take, and what we take from them. @see cri.md §1.1 */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Calls at a time on one connection. */
const MAX_STREAMS = 250;

type Handler = Parameters<typeof createServer>[1] & {};

/** A gRPC server that is not listening yet, and its connections. */
export interface GrpcServer {
  readonly server: Http2Server;
  readonly connections: BoundedConnections;
}

/** Speaks gRPC alone, without compression; what nobody serves is UNIMPLEMENTED. */
export function grpcServer(
  routes: (router: ConnectRouter) => void,
  interceptors: readonly Interceptor[],
  bounds: ConnectionBounds = DEFAULT_BOUNDS,
): GrpcServer {
  const adapter = connectNodeAdapter({
    routes,
    interceptors: [...interceptors],
    connect: false,
    grpcWeb: false,
    acceptCompression: [],
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
    binaryOptions: { readUnknownFields: false },
    fallback: unimplemented as Parameters<typeof connectNodeAdapter>[0]["fallback"] & {},
  });
  const handler: Handler = (request, response) => {
    // It names nobody on a unix socket, and clients send all sorts of it: the path of the socket, or none.
    request.headers[constants.HTTP2_HEADER_AUTHORITY] = "localhost";
    try {
      adapter(request, response);
    } catch {
      refuse(response, Code.Internal, "expected headers of printable ASCII");
    }
  };
  const settings = { maxConcurrentStreams: MAX_STREAMS };
  const server = createServer({ settings }, handler);
  return { server, connections: new BoundedConnections(server, bounds) };
}

const unimplemented: Handler = (_request, response) => {
  refuse(response, Code.Unimplemented, "siflet does not serve this method");
};

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
