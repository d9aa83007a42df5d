export { BatchBuffers } from "./batch-buffers.ts";
export { readLayerRecords, type FileData, type LayerRecord } from "./layer-record.ts";
export { PackBuilder, type PackBuilderOptions } from "./pack-builder.ts";
export { PackCache, type PackCacheOptions, type PackKey } from "./pack-cache.ts";
export { PackError } from "./pack-error.ts";
export { type PackTables } from "./pack-tables.ts";
export { PackWriter } from "./pack-writer.ts";
export { Pack } from "./pack.ts";
