import { CodedError } from "../base/index.ts";
import { ImageError, type LibraryName } from "../image/index.ts";
import { isUploadNotOffered, uploadError } from "./answer-error.ts";
import { dataOf, type LibraryApi, protocolError } from "./library-api.ts";
import { LibraryUpload, type SifUpload } from "./library-upload.ts";

/** What a library says that it understands. */
interface Abilities {
  /** Whether it names places to upload to. */
  readonly uploads: boolean;
  /** Whether its tags are per architecture. */
  readonly archTags: boolean;
}

const ID = /^[A-Za-z0-9_-]{1,128}$/;

/** Puts a SIF into the registry behind a library; undefined where there is none. */
export type RegistryWay = (
  sif: SifUpload,
  tags: readonly string[],
  onSent: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<boolean | undefined>;

/** One container of a library, to be pushed to. */
export class LibraryTarget {
  readonly #api: LibraryApi;
  readonly #name: Pick<LibraryName, "path">;
  readonly #what: string;
  readonly #registryWay: RegistryWay;

  /**
   * @param name - its path has three parts
   * @param registryWay - used where the library's own API takes no uploads
   */
  constructor(
    api: LibraryApi,
    name: Pick<LibraryName, "path">,
    what: string,
    registryWay: RegistryWay,
  ) {
    this.#api = api;
    this.#name = name;
    this.#what = what;
    this.#registryWay = registryWay;
  }

  /**
   * Puts a SIF into the container, which is made where it is not there, and gives it tags.
   *
   * @param onSent - told how many bytes of the file are there
   * @returns whether the file had to be sent
   * @throws as `uploadError`; LibraryError `LIBRARY_QUOTA`, `LIBRARY_PROTOCOL`; HttpError; what the
   *   registry behind the library throws
   * @see library.md §9
   */
  async push(
    sif: SifUpload,
    tags: readonly string[],
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      return await this.#pushByApi(sif, tags, onSent, signal);
    } catch (error) {
      if (!isUploadNotOffered(error)) throw error;
      const wasSent = await this.#registryWay(sif, tags, onSent, signal);
      if (wasSent === undefined) throw error;
      return wasSent;
    }
  }

  async #pushByApi(
    sif: SifUpload,
    tags: readonly string[],
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    const abilities = await this.#abilities(signal);
    const container = await this.#container(signal);
    const { id, isUploaded } = await this.#image(sif, container, signal);
    if (!isUploaded) {
      const upload = new LibraryUpload(this.#api, id, sif, this.#what, onSent);
      await upload.send(abilities.uploads, signal);
    }
    const { architecture: Arch } = sif;
    for (const Tag of tags) {
      const version = abilities.archTags ? "v2" : "v1";
      const body = abilities.archTags ? { Arch, Tag, ImageID: id } : { Tag, ImageID: id };
      const url = this.#api.url(`${version}/tags/${container}`);
      await this.#api.sendJson("POST", url, body, this.#what, signal);
    }
    return !isUploaded;
  }

  /** A library that does not tell its version is taken for the oldest one. */
  async #abilities(signal: AbortSignal): Promise<Abilities> {
    try {
      const { apiVersion } = dataOf(
        await this.#api.get("version", {}, this.#what, signal),
        this.#what,
      );
      return abilitiesOf(typeof apiVersion === "string" ? apiVersion : "");
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { uploads: false, archTags: false };
    }
  }

  /** The id of the container, made with what it stands in where it is not there. */
  async #container(signal: AbortSignal): Promise<string> {
    const [entity = "", collection = "", container = ""] = this.#name.path.split("/");
    const known = await this.#idOf(`v1/containers/${this.#name.path}`, signal);
    if (known !== undefined) return known;
    const entityId =
      (await this.#idOf(`v1/entities/${entity}`, signal)) ??
      (await this.#make("v1/entities", { name: entity }, signal));
    const collectionId =
      (await this.#idOf(`v1/collections/${entity}/${collection}`, signal)) ??
      (await this.#make("v1/collections", { name: collection, entity: entityId }, signal));
    return await this.#make("v1/containers", { name: container, collection: collectionId }, signal);
  }

  async #image(
    { digest, architecture }: SifUpload,
    container: string,
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly isUploaded: boolean }> {
    const hash = digest.replace(":", ".");
    const path = `v1/images/${this.#name.path}:${hash}`;
    const found = await this.#find(path, { arch: architecture }, signal);
    if (found !== undefined) return { id: this.#id(found), isUploaded: found["uploaded"] === true };
    const id = await this.#make("v1/images", { hash, container, arch: architecture }, signal);
    return { id, isUploaded: false };
  }

  async #idOf(path: string, signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#find(path, {}, signal);
    return found && this.#id(found);
  }

  async #find(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      return dataOf(await this.#api.get(path, query, this.#what, signal), this.#what);
    } catch (error) {
      if (error instanceof ImageError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  async #make(path: string, model: object, signal: AbortSignal): Promise<string> {
    const url = this.#api.url(path);
    const response = await this.#api.send("POST", url, model, signal);
    if (response.status !== 200 && response.status !== 201) {
      throw await uploadError(response, this.#what, this.#api.endpoint);
    }
    return this.#id(dataOf(await this.#api.read(response, this.#what), this.#what));
  }

  #id({ id }: Readonly<Record<string, unknown>>): string {
    if (typeof id === "string" && ID.test(id)) return id;
    throw protocolError(this.#what, "a record with an id", "one without");
  }
}

/** By the version of the API: 2.0.0-alpha.1 brought uploads, 2.0.0-alpha.2 tags per architecture. */
function abilitiesOf(apiVersion: string): Abilities {
  const match = /^v?([0-9]{1,5})\.[0-9]+\.[0-9]+(?:-alpha\.([0-9]{1,5}))?/.exec(apiVersion);
  const [major, alpha] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? Infinity)];
  return {
    uploads: major > 2 || (major === 2 && alpha >= 1),
    archTags: major > 2 || (major === 2 && alpha >= 2),
  };
}
