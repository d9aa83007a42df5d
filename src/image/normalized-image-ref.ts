import { DOCKER_URI, LIBRARY_SCHEME, LIBRARY_URI, LOCAL_URI } from "./reference.ts";

const LATEST = ":latest";

/**
 * The text under which `ref` is looked up: `:latest` is appended when there is neither tag nor
 * digest, a leading `docker.io/`, `docker://` or `oras://` is dropped, `library://` without a host
 * becomes `cloud.sylabs.io/`, and a `local.file` path loses the tag that Kubernetes adds.
 *
 * Never validates and never throws: malformed text gets the same rules. `parseRef` checks, and
 * unifies more spellings.
 *
 * @see image-api.md, References
 */
export function normalizedImageRef(ref: string): string {
  const local = `${LOCAL_URI}/`;
  if (ref.startsWith(local)) return ref.endsWith(LATEST) ? ref.slice(0, -LATEST.length) : ref;
  const text = withoutTransport(ref);
  // A colon before the last slash belongs to a port, or to a scheme.
  const last = text.slice(text.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? text : text + LATEST;
}

function withoutTransport(ref: string): string {
  if (ref.startsWith(LIBRARY_SCHEME)) {
    const rest = ref.slice(LIBRARY_SCHEME.length);
    if (rest.split("/").length > 3 && !rest.startsWith("/")) return ref;
    return `${LIBRARY_URI}/${rest.replace(/^\//, "")}`;
  }
  const text = ref.replace(/^(?:docker|oras):\/\//, "");
  return text.startsWith(`${DOCKER_URI}/`) ? text.slice(DOCKER_URI.length + 1) : text;
}
