export { definitionText } from "./definition-text.ts";
export { inspectMetadata } from "./inspect-metadata.ts";
export type { LayoutInput } from "./labels.ts";
export { LAYOUT } from "./layout-id.ts";
export { runtimeEntries, type RuntimeEntry, type RuntimePolicy } from "./runtime-entries.ts";
export { sifObjects, type LayoutObject } from "./sif-objects.ts";
