import { Info, parseRef } from "../image/index.ts";
import { ociConfigOf, referenceOf } from "../store/index.ts";
import type { DescribedFile } from "./local-file.ts";
import type { PulledFile } from "./pull-to-file.ts";

/** A pulled file in the package's own shape; its names are those that a store would record. */
export function infoOfFile(file: PulledFile): Info {
  const { id, size, path, config, origin } = file;
  return new Info({
    id,
    size,
    path,
    ref: referenceOf(file),
    ociConfig: config,
    origin,
  });
}

/** A described file of this host in the package's own shape. */
export function infoOfLocal(file: Omit<DescribedFile, "identity">, reference: string): Info {
  const { id, size, path } = file;
  return new Info({
    id,
    size,
    path,
    ref: parseRef(reference),
    ociConfig: ociConfigOf(file),
    origin: "local",
  });
}
