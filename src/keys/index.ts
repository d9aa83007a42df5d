export { FINGERPRINT_FORM, parseFingerprint } from "./fingerprint.ts";
export { keyPlaces, type KeyPlaces, type KeySurroundings } from "./key-places.ts";
export { findKey, keyRings, secretKeyRings } from "./key-rings.ts";
export { KeysError, type KeysErrorCode } from "./keys-error.ts";
export { keepKeys, removeKey, type KeptKey, type KeyChange } from "./own-keys.ts";
export { MAX_RING_BYTES } from "./read-ring.ts";
export { KEY_SERVER_TIMEOUT_MS, pullKey } from "./key-server.ts";
export { ServerKeys, type ServerKeysOptions } from "./server-keys.ts";
