export { librarySettingsOf } from "./library-choices.ts";
export { libraryTokenOf } from "./library-token.ts";
export { ImageStore, type ImageStoreParts } from "./image-store.ts";
export { Info, type Evidence } from "./info.ts";
export type {
  LibraryChoice,
  PullWish,
  SourceSettings,
  Stoppable,
  TrustSettings,
} from "./settings.ts";
