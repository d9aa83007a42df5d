export { cleanPath } from "./clean-path.ts";
export { decompressLayer } from "./decompress-layer.ts";
export { SNIFFED_BYTES, sniffCompression, type LayerCompression } from "./layer-compression.ts";
export { LayerError, type LayerErrorCode } from "./layer-error.ts";
export type { EntryKind, TarEntry, TarSink, Xattr } from "./tar-entry.ts";
export { TarReader } from "./tar-reader.ts";
export { MAX_ZSTD_HEADER_BYTES, parseZstdFrameHeader, ZstdFrameWalker } from "./zstd-frame.ts";
