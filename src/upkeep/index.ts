export {
  collectGarbage,
  type Collection,
  type CollectionPolicy,
  type CollectOptions,
} from "./collect-garbage.ts";
export {
  checkStore,
  recoverStore,
  type CheckOptions,
  type FaultKind,
  type StoreCheck,
  type StoreFault,
} from "./check-store.ts";
export { diskUsage, type DiskUsage, type Usage } from "./disk-usage.ts";
export { importRegistry, type ImportedRecord, type ImportOptions } from "./import-registry.ts";
export {
  bytesInStore,
  planPrune,
  prune,
  type KeptBecause,
  type PruneOptions,
  type PrunePlan,
} from "./prune.ts";
