import { isDigest, isRecord, type Digest } from "../image/index.ts";
import { damaged } from "./row.ts";
import type { Provenance, SourceLayer } from "./stored-image.ts";

/**
 * Reads back the JSON text of a `Provenance`; members it does not know are ignored.
 *
 * @throws StoreError `STORE_DAMAGED` for anything else
 */
export function parseProvenance(text: string): Provenance {
  const source = objectOf(parseJson(text), "source");
  const layers = source["layers"];
  if (!Array.isArray(layers)) throw damaged("source.layers", "a list", layers);
  const host = source["host"];
  return {
    reference: stringOf(source, "reference"),
    ...(host === undefined ? {} : { host: stringOf(source, "host") }),
    ...(source["unverified"] === true ? { unverified: true } : {}),
    ...optionalDigest(source, "indexDigest"),
    ...optionalDigest(source, "manifestDigest"),
    ...optionalDigest(source, "configDigest"),
    layers: layers.map(parseLayer),
  };
}

function parseLayer(value: unknown): SourceLayer {
  const layer = objectOf(value, "source layer");
  const size = layer["size"];
  if (typeof size !== "number") throw damaged("source layer, size", "a number", size);
  return {
    digest: digestOf(layer, "digest"),
    diffId: digestOf(layer, "diffId"),
    size,
    mediaType: stringOf(layer, "mediaType"),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged("source", "JSON", text);
    throw error;
  }
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw damaged(what, "an object", value);
}

function stringOf(object: Readonly<Record<string, unknown>>, key: string): string {
  const value = object[key];
  if (typeof value === "string") return value;
  throw damaged(`source, ${key}`, "text", value);
}

function digestOf(object: Readonly<Record<string, unknown>>, key: string): Digest {
  const text = stringOf(object, key);
  if (isDigest(text)) return text;
  throw damaged(`source, ${key}`, "a sha256 digest", text);
}

function optionalDigest<K extends string>(
  object: Readonly<Record<string, unknown>>,
  key: K,
): Partial<Record<K, Digest>>;
function optionalDigest(
  object: Readonly<Record<string, unknown>>,
  key: string,
): Record<string, Digest> {
  return object[key] === undefined ? {} : { [key]: digestOf(object, key) };
}
