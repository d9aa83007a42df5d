import { ImageError, parseStrictJson } from "../image/index.ts";

/** Undefined for what is no JSON, or none that all readers take alike. */
export function readJson(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, "signature");
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}
