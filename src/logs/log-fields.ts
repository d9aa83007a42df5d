export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "human" | "json";

/**
 * All that a line may tell besides time, level and message. The list is closed, and has texts and numbers
 * alone: an error, a header or a `Secret` fits nowhere.
 */
export interface LogFields {
  /** Which call, among those of all daemons. */
  readonly call?: string;
  readonly service?: string;
  readonly method?: string;
  /** gRPC's name of a code. */
  readonly code?: string;
  /** siflet's code of an error. */
  readonly errorCode?: string;
  /** What went wrong, as the client is told. */
  readonly error?: string;
  readonly durationMs?: number;
  /** An image as it was asked for. */
  readonly image?: string;
  readonly imageId?: string;
  /** Of the manifest. */
  readonly digest?: string;
  readonly layers?: number;
  /** Of all layers' blobs. */
  readonly bytes?: number;
  /** Of blobs that came. */
  readonly fetchedBytes?: number;
  /** Layers that had been converted before. */
  readonly reusedLayers?: number;
  /** Whether the image was there already. */
  readonly isPresent?: boolean;
  /** Milliseconds of a pull's stages, which overlap. */
  readonly stagesMs?: Readonly<Record<string, number>>;
  /** As the client sent it. */
  readonly traceparent?: string;
  /** Where a fault came from, its causes below it. */
  readonly stack?: readonly string[];
}
