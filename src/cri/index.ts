export { codeName, connectErrorOf, type CallSignals } from "./connect-error.ts";
export { ENCODED_ANSWER } from "./encoded-answer.ts";
export { EncodedImages } from "./encoded-images.ts";
export { FileSystemUsage } from "./file-system-usage.ts";
export { findImage, imageTextOf, lookupOf } from "./image-lookup.ts";
export { CriImageService, type ImageServiceParts } from "./image-service.ts";
export type { ImageSources, NodeImages } from "./node-images.ts";
export { observeCalls } from "./observe-calls.ts";
export {
  observers,
  type CallEnd,
  type ObservedCall,
  type ObservedPull,
  type Observer,
  type PullObserver,
} from "./observer.ts";
export { runtimeService, type DaemonFacts } from "./runtime-service.ts";
export { isErrorCode, SERVICE_STATUS, type ServiceStatus } from "./service-status.ts";
