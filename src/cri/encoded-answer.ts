import { createContextKey, type ContextKey } from "@connectrpc/connect";

/**
 * The message that a call is answered with, where it is encoded already: it goes out in the place of the one
 * that the handler returns. To copy three megabytes two or three times for each list costs more than all else
 * that a list needs.
 */
export const ENCODED_ANSWER: ContextKey<Uint8Array | undefined> = createContextKey<
  Uint8Array | undefined
>(undefined);
