export { blobBody, checkLength } from "./blob-body.ts";
export type { BlobPart } from "./blob-transfer.ts";
export type { Span } from "./content-range.ts";
export { DEFAULT_TRANSFERS, type TransferLimits, type TransferLoad } from "./transfer-slots.ts";
export { Transfers } from "./transfers.ts";
