export { ImageStore, type ImageStoreParts } from "./image-store.ts";
export type { PullWish, SourceSettings, Stoppable } from "./settings.ts";
