import { Code, ConnectError } from "@connectrpc/connect";
import { ImageError, parsePlatform, parseRef, redactName, type Platform } from "../image/index.ts";
import { libraryTokenOf } from "../package/index.ts";
import { registryOf, type OnPullEvent } from "../pull/index.ts";
import type { RuntimeMessage } from "../wire/index.ts";
import { givenAuth } from "./given-auth.ts";
import { givenSecrets } from "./given-secrets.ts";
import { imageTextOf } from "./image-lookup.ts";
import type { HandlerOptions, ImageSources, NodeImages } from "./node-images.ts";
import type { ObservedCall, Observer } from "./observer.ts";

/** What a pull that is asked for is made with. */
export interface RequestedPullParts {
  readonly images: NodeImages;
  readonly observer: Observer;
  readonly call: ObservedCall;
}

/**
 * Pulls what a request names, with its credentials: also an image that is there is asked for at its
 * registry, so that nobody gets one whom the registry refuses (cri.md §2.5).
 *
 * @returns the id of the image
 * @throws as `pullToStore`; CredentialError; ConnectError INVALID_ARGUMENT for a runtime handler that is
 *   not known, and for a platform that is none
 */
export async function pullRequested(
  request: RuntimeMessage<"PullImageRequest">,
  { images, observer, call }: RequestedPullParts,
  signal: AbortSignal,
): Promise<string> {
  const { notes } = call;
  notes.secrets = givenSecrets(request.auth);
  const reference = imageTextOf(request.image);
  notes.image = redactName(reference);
  const handler = request.image?.runtimeHandler ?? "";
  const sources = images.sources();
  const handled = { ...optionsOf(handler, sources), ...annotatedOf(request.image, sources) };
  // Archives and paths of this host are for its operator, not for whoever makes pods.
  parseRef(reference);
  const watched = observer.pulling({ reference, call, startedAt: images.now() });
  let id: string | undefined;
  try {
    const onEvent: OnPullEvent = (event) => {
      watched.onEvent(event);
    };
    const auth = givenAuth(request.auth, reference);
    const credentials = sources.given.of(auth, registryOf(reference), (message) => {
      onEvent({ kind: "warning", message });
    });
    const libraryToken = libraryTokenOf(reference, auth);
    const options = { ...sources.defaults, ...handled, credentials, libraryToken, onEvent };
    const image = await sources.pulls.pull(reference, sources.context, options, signal);
    if ((image.runtimeHandler ?? "") !== handler) {
      await images.store.setRuntimeHandler(image.id, handler);
    }
    id = image.id;
    notes.imageId = id;
    return id;
  } finally {
    watched.ended(id);
  }
}

/** What the annotation of a pod says of the platform, where the configuration has one that may. */
function annotatedOf(
  spec: RuntimeMessage<"ImageSpec"> | undefined,
  { platformAnnotation }: ImageSources,
): { platform?: Platform } {
  if (platformAnnotation === undefined) return {};
  const annotations = new Map(Object.entries(spec?.annotations ?? {}));
  const text = annotations.get(platformAnnotation);
  if (text === undefined) return {};
  try {
    return { platform: parsePlatform(text) };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ConnectError(
      `annotation ${platformAnnotation}: ${error.message}`,
      Code.InvalidArgument,
    );
  }
}

function optionsOf(handler: string, { runtimeHandlers }: ImageSources): HandlerOptions {
  if (handler === "") return {};
  const options = runtimeHandlers.get(handler);
  if (options !== undefined) return options;
  const known = runtimeHandlers.size === 0 ? "none" : [...runtimeHandlers.keys()].join(", ");
  throw new ConnectError(
    `runtime handler ${JSON.stringify(handler)}: expected one of those that are configured (${known})`,
    Code.InvalidArgument,
  );
}
