export {
  parseLibraryPlace,
  pushToLibrary,
  type LibraryPlace,
  type LibraryPushOptions,
} from "./push-to-library.ts";
export { pushSif, type PushedSif, type PushOptions, type SifToPush } from "./push-sif.ts";
