import { HttpError } from "../http/index.ts";
import { ContentError, ImageError } from "../image/index.ts";
import type { Capability, RegistryEndpoint } from "./registry-endpoint.ts";
import { RegistryError } from "./registry-error.ts";

/** What one host said, or why it said nothing. */
type HostError = HttpError | RegistryError | ImageError | ContentError;

interface Failure {
  readonly endpoint: RegistryEndpoint;
  readonly error: HostError;
}

/**
 * The hosts of one repository, asked in their order. A mirror that could not be reached, or whose
 * answers broke off, is not asked again as long as this lives.
 */
export class EndpointWalk {
  readonly #endpoints: readonly RegistryEndpoint[];
  readonly #dead: Set<RegistryEndpoint> = new Set<RegistryEndpoint>();

  constructor(endpoints: readonly RegistryEndpoint[]) {
    this.#endpoints = endpoints;
  }

  /** Asks this host no more, unless it is the last one of all: there is none behind it. */
  giveUp(endpoint: RegistryEndpoint): void {
    if (endpoint !== this.#endpoints.at(-1)) this.#dead.add(endpoint);
  }

  /**
   * The first answer of a host that has one.
   *
   * @param last - the host to ask after all others
   * @param ask - asks one host; throws where it has no answer. `isLast`: there is no other one
   * @param what - the thing that is asked for, for messages
   * @throws what `ask` threw where no host has an answer: an error about permission or rate limits
   *   before all others, else the last host's; with what the others said in its text
   * @throws RegistryError `REGISTRY_NO_HOST` where none may be asked for this
   */
  async first<Answer>(
    capability: Capability,
    what: string,
    ask: (endpoint: RegistryEndpoint, isLast: boolean) => Promise<Answer>,
    last?: RegistryEndpoint,
  ): Promise<Answer> {
    const able = this.#endpoints.filter(({ can }) => can.has(capability));
    const alive = able.filter((endpoint) => !this.#dead.has(endpoint));
    const chosen = alive.length === 0 ? able.slice(-1) : alive;
    const order = chosen.toSorted((one, other) => Number(one === last) - Number(other === last));
    const failures: Failure[] = [];
    for (const [index, endpoint] of order.entries()) {
      try {
        return await ask(endpoint, index === order.length - 1);
      } catch (error) {
        if (!isHostError(error)) throw error;
        if (error instanceof HttpError) this.giveUp(endpoint);
        failures.push({ endpoint, error });
      }
    }
    throw summary(failures, what, capability);
  }
}

/** What another host may have a better answer to. */
function isHostError(error: unknown): error is HostError {
  if (error instanceof HttpError) return error.code !== "HTTP_PROXY_INVALID";
  if (error instanceof ImageError) return error.code === "NOT_FOUND";
  return error instanceof RegistryError || error instanceof ContentError;
}

function summary(failures: readonly Failure[], what: string, capability: Capability): Error {
  const telling = failures.find(({ error }) => tellsOfPermission(error)) ?? failures.at(-1);
  if (telling === undefined) {
    return new RegistryError(
      "REGISTRY_NO_HOST",
      `${what}: expected a host that may be asked (${capability}), got none`,
    );
  }
  if (failures.length === 1) return telling.error;
  const others = failures
    .filter((failure) => failure !== telling)
    .map(({ endpoint, error }) => `${endpoint.api.host}: ${error.message}`);
  return retold(telling.error, `${telling.error.message} (and ${others.join("; ")})`);
}

function tellsOfPermission(error: HostError): boolean {
  if (!(error instanceof RegistryError)) return false;
  return error.code !== "REGISTRY_STATUS" && error.code !== "REGISTRY_NO_HOST";
}

function retold(error: HostError, message: string): HostError {
  if (error instanceof HttpError) {
    return new HttpError(error.code, message, { cause: error, retryable: error.retryable });
  }
  if (error instanceof RegistryError) {
    const { status } = error;
    return new RegistryError(error.code, message, {
      cause: error,
      ...(status !== undefined && { status }),
    });
  }
  if (error instanceof ContentError) return new ContentError(error.code, message, { cause: error });
  return new ImageError(error.code, message, { cause: error });
}
