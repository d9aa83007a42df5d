import { create } from "@bufbuild/protobuf";
import { LOCAL_URI, storeNameOrigin } from "../image/index.ts";
import { isPinned, ociConfigOf, type FileFacts, type StoredImage } from "../store/index.ts";
import { runtimeSchema, type RuntimeMessage } from "../wire/index.ts";

const LARGEST_UID = 2n ** 63n - 1n;
const LEAST_UID = -(2n ** 63n);
/** How a digest stands in the names of libraries. */
const LIBRARY_HASH = /:sha256\.([0-9a-f]{64})$/;

/**
 * An image as Kubernetes is told of it, in lists and alone alike: nothing in it changes but by a change of
 * the image.
 *
 * @param facts - of its file
 * @param pins - names and patterns of those that count as pinned
 * @returns undefined where its file is not the one that was recorded: such an image is not there
 * @see cri.md §1.3, Image
 */
export function imageMessage(
  image: StoredImage,
  facts: FileFacts | undefined,
  pins: readonly string[],
): RuntimeMessage<"Image"> | undefined {
  if (facts?.size !== image.size) return undefined;
  return create(runtimeSchema("Image"), {
    id: image.id,
    repoTags: image.names.tags.map(tagOf).sort(),
    repoDigests: image.names.digests.map(digestOf).sort(),
    // A file so small that it lies in its inode takes up no block, and clients refuse 0.
    size: BigInt(Math.max(facts.allocated, 1)),
    ...userOf(ociConfigOf(image)?.User ?? ""),
    // The annotations of a pull are those of some tenant's pod: nobody else's business.
    spec: { image: image.id, runtimeHandler: image.runtimeHandler ?? "" },
    pinned: isPinned(image, pins),
  });
}

/** Clients split a tag off at the last colon: what has none gets the one that Kubernetes added. */
function tagOf(name: string): string {
  return storeNameOrigin(name) === LOCAL_URI ? `${name}:latest` : name;
}

function digestOf(name: string): string {
  return name.replace(LIBRARY_HASH, "@sha256:$1");
}

/** What stands before the colon of an image's user: a number, or else a name. */
function userOf(user: string): { uid?: { value: bigint }; username?: string } {
  const [name = ""] = user.split(":");
  if (name === "") return {};
  const uid = /^[+-]?[0-9]{1,20}$/.test(name) ? BigInt(name.replace("+", "")) : undefined;
  const isUid = uid !== undefined && uid >= LEAST_UID && uid <= LARGEST_UID;
  return isUid ? { uid: { value: uid } } : { username: name };
}
