export type { LayoutInput } from "./labels.ts";
export { LAYOUTS, type FrozenLayout } from "./layouts.ts";
export type { RuntimeEntry, RuntimePolicy } from "./runtime-entries.ts";
export type { LayoutObject } from "./sif-objects.ts";
