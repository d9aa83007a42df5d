import type { Limits, Secret } from "../base/index.ts";
import type { HttpClient } from "../http/index.ts";
import type { ImageName } from "../image/index.ts";
import { DEFAULT_TRANSFERS, Transfers } from "../transfer/index.ts";
import { Authenticator, type AuthenticatorOptions } from "./authenticator.ts";
import { answerError } from "./answer-error.ts";
import { anonymous, type Credential, type Credentials } from "./credential.ts";
import { RegistryError } from "./registry-error.ts";
import { originEndpoint, type RegistryHosts } from "./registry-endpoint.ts";
import { RepositoryAttachments } from "./repository-attachments.ts";
import { RepositoryTarget } from "./repository-target.ts";
import {
  type RegistrySource,
  type RegistrySourceOptions,
  RepositorySource,
} from "./registry-source.ts";

export interface RegistriesOptions extends AuthenticatorOptions {
  /** Stays the caller's, who closes it. */
  readonly client: HttpClient;
  readonly limits: Limits;
  /** Which hosts serve a registry; the registry alone where absent. */
  readonly hosts?: RegistryHosts;
  /** Who is asked for credentials where the caller names nobody; nobody where absent. */
  readonly credentials?: Credentials;
  /** Of the same client; those of `DEFAULT_TRANSFERS` where absent. */
  readonly transfers?: Transfers;
}

/** A repository of a registry that another server named. */
export interface NamedPlace {
  /** Where the registry is, its host the domain of the name; `v2/` is below it. */
  readonly base: URL;
  readonly name: ImageName;
  /** A ready bearer token; undefined: nothing is shown. */
  readonly token: Secret | undefined;
  /** PEM certificates that it may be proved by, besides the usual ones. */
  readonly ca?: readonly string[];
  /** The URL of the server that named it. */
  readonly namedBy: URL;
}

/** All registries as one client reaches them: their sources share connections, tokens and hosts. */
export class Registries {
  readonly client: HttpClient;
  readonly authenticator: Authenticator;
  readonly #limits: Limits;
  readonly #hosts: RegistryHosts;
  readonly #credentials: Credentials;
  readonly #transfers: Transfers;

  constructor(options: RegistriesOptions) {
    const { client } = options;
    this.client = client;
    this.authenticator = new Authenticator(client, options);
    this.#limits = options.limits;
    this.#hosts = options.hosts ?? {
      endpointsOf: ({ domain }) => Promise.resolve([originEndpoint(domain, client)]),
    };
    this.#credentials = options.credentials ?? anonymous;
    this.#transfers = options.transfers ?? new Transfers(client, DEFAULT_TRANSFERS);
  }

  /**
   * The repository of `name` as an image source. Nothing is asked before its first call. All its
   * methods throw, besides what is said at each: `ImageError` `NOT_FOUND`, `RegistryError` and
   * `HttpError` with any of their codes, what hosts and credentials throw, and `AbortError`.
   *
   * https always, but for hosts that the client speaks plain http to, or that are configured so.
   *
   * @param credentials - in place of the usual ones
   * @see OCI distribution-spec 1.1, pulling; registry.md §1
   */
  open(name: ImageName, credentials: Credentials = this.#credentials): RegistrySource {
    return new RepositorySource(this.#optionsFor(name, credentials));
  }

  /**
   * What is attached to the images of the repository of `name`, at the hosts where they are. Nothing
   * is asked before its first call.
   *
   * @param credentials - in place of the usual ones
   */
  openAttachments(
    name: ImageName,
    credentials: Credentials = this.#credentials,
  ): RepositoryAttachments {
    return new RepositoryAttachments(this.#optionsFor(name, credentials));
  }

  #optionsFor(name: ImageName, credentials: Credentials): RegistrySourceOptions {
    return {
      name,
      client: this.client,
      authenticator: this.authenticator,
      hosts: this.#hosts,
      credentials,
      limits: this.#limits,
      transfers: this.#transfers,
    };
  }

  /**
   * An image in a registry that another server named, as an image source: asked there and at none of its
   * mirrors, with what that server gave for it and with no login of the user's.
   */
  openNamed(place: NamedPlace): RegistrySource {
    const { name } = place;
    return new RepositorySource({ ...this.#optionsFor(name, anonymous), ...this.#only(place) });
  }

  /** As `openNamed`, the repository of the name to push to. */
  openNamedTarget(place: NamedPlace): RepositoryTarget {
    const { name } = place;
    const { clock, random } = this.client;
    const { authenticator } = this;
    return new RepositoryTarget({ name, clock, random, authenticator, ...this.#only(place) });
  }

  /** The one host of a registry that another server named, and what is shown there. */
  #only({
    base,
    name,
    token,
    ca,
    namedBy,
  }: NamedPlace): Pick<RegistrySourceOptions, "hosts" | "credentials"> {
    const endpoint = {
      ...originEndpoint(name.domain, this.client),
      api: new URL("v2/", base),
      tls: ca && { ca },
      namedBy,
    };
    const described = `the token of ${namedBy.host}`;
    const credential = token && ({ kind: "registry-token", token, described } as const);
    return {
      hosts: { endpointsOf: () => Promise.resolve([endpoint]) },
      credentials: { find: () => Promise.resolve(credential) },
    };
  }

  /**
   * The repository of `name` to push to. Nothing is asked before its first call.
   *
   * @param credentials - in place of the usual ones
   */
  openTarget(name: ImageName, credentials: Credentials = this.#credentials): RepositoryTarget {
    const { clock, random } = this.client;
    const { authenticator } = this;
    const hosts = this.#hosts;
    return new RepositoryTarget({ name, clock, random, authenticator, hosts, credentials });
  }

  /**
   * Asks the registry `domain` itself, and none of its mirrors, whether it lets somebody in.
   *
   * @returns whether it wanted to know; one that lets everybody in cannot be asked
   * @throws RegistryError with any of its codes, `REGISTRY_UNAUTHORIZED` where it does not know
   *   `credential`; HttpError
   * @see registry.md §1.1, end-1
   */
  async checkLogin(domain: string, credential: Credential, signal: AbortSignal): Promise<boolean> {
    const endpoints = await this.#hosts.endpointsOf({ domain }, signal);
    const endpoint =
      endpoints.find(({ namespace }) => namespace === undefined) ??
      originEndpoint(domain, this.client);
    const caller = {
      endpoint,
      repository: undefined,
      called: domain,
      actions: "pull",
      credentials: { find: () => Promise.resolve(credential) },
    } as const;
    const request = { method: "GET", url: endpoint.api } as const;
    const { response, who } = await this.authenticator.request(request, caller, signal);
    if (response.status === 200) {
      response.discard();
      return who !== undefined;
    }
    const { status } = response;
    const error = await answerError(response, domain, who);
    if (error instanceof RegistryError) throw error;
    const message = `${domain}: expected a registry at ${endpoint.api.host}, got status ${status}`;
    throw new RegistryError("REGISTRY_STATUS", message, { status });
  }
}
