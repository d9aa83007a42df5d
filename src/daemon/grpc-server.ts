import { createServer, type Http2Server } from "node:http2";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES } from "../wire/index.ts";
import { BoundedConnections, DEFAULT_BOUNDS } from "./bounded-connections.ts";
import { grpcHandler } from "./grpc-handler.ts";

/** Calls at a time on one connection. */
const MAX_STREAMS = 250;

/** A gRPC server that is not listening yet, and its connections. */
export interface GrpcServer {
  readonly server: Http2Server;
  readonly connections: BoundedConnections;
}

export interface GrpcServerOptions {
  readonly interceptors: readonly Interceptor[];
  /** Takes what kept an answer from being sent. */
  readonly onFault: (error: unknown) => void;
}

/** Speaks gRPC alone, without compression. */
export function grpcServer(
  routes: (router: ConnectRouter) => void,
  { interceptors, onFault }: GrpcServerOptions,
): GrpcServer {
  const options = {
    interceptors: [...interceptors],
    connect: false,
    grpcWeb: false,
    acceptCompression: [],
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
    binaryOptions: { readUnknownFields: false },
  };
  const settings = { maxConcurrentStreams: MAX_STREAMS };
  const server = createServer({ settings }, grpcHandler(routes, options, onFault));
  return { server, connections: new BoundedConnections(server, DEFAULT_BOUNDS) };
}
