export { parseBind, type BindMount } from "./bind-mount.ts";
export { BundleError, type BundleErrorCode } from "./bundle-error.ts";
export { deleteBundle, type DeletedBundle } from "./delete-bundle.ts";
export type { Network } from "./isolation.ts";
export { systemMachine } from "./machine.ts";
export { makeBundle, type Lender, type MadeBundle } from "./make-bundle.ts";
export type { MountKind } from "./mount-way.ts";
export type { BundleWish } from "./plan-bundle.ts";
