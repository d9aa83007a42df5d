import { ImageError } from "./image-error.ts";
import { isDomainLike, parseImageName, type ImageName } from "./image-name.ts";
import { quoteName } from "./quote-name.ts";
import { splitTransport, transportError } from "./ref-transport.ts";
import { LIBRARY_URI, LOCAL_URI } from "./reference.ts";

const HUB_PREFIX = /^(?:index\.)?docker\.io\/([^/]*)\//;

/**
 * The name in a registry that text of the docker family means: `docker://…`, `oras://…`, or a name
 * as it stands. The same text means the same image here and in `parseRef`; so
 * `docker.io/gcr.io/app`, where docker.io is the family and gcr.io the registry, is `gcr.io/app`.
 *
 * @throws ImageError `REFERENCE_TRANSPORT` for anything of another family, `REFERENCE_INVALID` for
 *   text outside the grammar
 */
export function imageNameOf(ref: string): ImageName {
  const transport = splitTransport(ref);
  if (transport.kind === "registry") return registryName(transport.text);
  throw transportError(ref, "a name in a registry, got one of a library or a local file");
}

/**
 * The name that `text`, its transport cut off, means.
 *
 * @throws ImageError `REFERENCE_INVALID`
 */
export function registryName(text: string): ImageName {
  const name = parseImageName(withoutFamily(text));
  if (name.domain !== LIBRARY_URI && name.domain !== LOCAL_URI) return name;
  // Such a tag could not be told from that of a library image or of a local file.
  throw new ImageError(
    "REFERENCE_INVALID",
    `image name ${quoteName(text)}: expected a registry, ${name.domain} is none`,
  );
}

/** `Reference.toString` puts docker.io/ in front of every registry: here it is cut off again. */
function withoutFamily(text: string): string {
  let rest = text;
  for (;;) {
    const host = HUB_PREFIX.exec(rest)?.[1];
    if (host === undefined || !isDomainLike(host)) return rest;
    rest = rest.slice(rest.indexOf("/") + 1);
  }
}
