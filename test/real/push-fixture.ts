import type { Descriptor, ImageName } from "../../src/image/index.ts";
import type { BlobBytes, Registries } from "../../src/registry/index.ts";
import type { FixtureImage } from "../fixtures/registry/index.ts";

const never = new AbortController().signal;

/** Pushes an image that is made in memory to a real registry, by our own client. */
export async function pushFixture(
  image: FixtureImage,
  name: ImageName,
  registries: Registries,
): Promise<void> {
  const target = registries.openTarget(name);
  for (const descriptor of [...image.layers, image.config]) {
    await target.putBlob(blobOf(descriptor, image), {}, never);
  }
  await target.putManifest(name.tag ?? "latest", image.manifest, image.manifestBytes, never);
}

function blobOf(descriptor: Descriptor, { blobs }: FixtureImage): BlobBytes {
  const bytes = blobs.get(descriptor.digest);
  if (bytes === undefined) throw new Error(`no blob ${descriptor.digest}`);
  return {
    descriptor,
    async *read(from, to) {
      await Promise.resolve();
      yield bytes.subarray(from, to);
    },
  };
}
