export { blobBody, checkLength } from "./blob-body.ts";
export type { BlobPart } from "./blob-transfer.ts";
export type { Span } from "./content-range.ts";
export { DEFAULT_TRANSFERS, type TransferLimits } from "./transfer-limits.ts";
export { Transfers } from "./transfers.ts";
