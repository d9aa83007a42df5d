export {
  Libraries,
  type FoundImage,
  type LibrariesOptions,
  type LibraryWish,
  type UnverifiedFile,
} from "./libraries.ts";
export {
  DEFAULT_LIBRARY_API,
  type LibraryEndpoint,
  type LibraryHosts,
  type LibraryToken,
  usualEndpoint,
} from "./library-endpoint.ts";
export {
  ConfiguredLibraries,
  type ConfiguredLibrariesOptions,
  type NamedLibrary,
  type RemoteFiles,
  usualRemoteFiles,
} from "./configured-libraries.ts";
export { LibraryError, type LibraryErrorCode } from "./library-error.ts";
export type { LibraryAnswer } from "./probe-library.ts";
export { remoteKeyServers } from "./remote-key-servers.ts";
export type { LibraryTarget } from "./library-target.ts";
export type { SifUpload } from "./library-upload.ts";
export type { NamedRegistry, RegistryOpener } from "./registry-opener.ts";
