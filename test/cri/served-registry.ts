import { DaemonPlace, type CriClient, type RunningDaemon } from "../fixtures/daemon/index.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

/** A registry, and a daemon that pulls from it: one serves all tests of a file, which have names of their own. */
export class ServedRegistry implements AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly place: DaemonPlace;
  readonly daemon: RunningDaemon;
  readonly client: CriClient;

  private constructor(registry: FakeRegistry, place: DaemonPlace, daemon: RunningDaemon) {
    this.registry = registry;
    this.place = place;
    this.daemon = daemon;
    this.client = daemon.client();
  }

  static async start(): Promise<ServedRegistry> {
    const registry = await startRegistry();
    const place = await DaemonPlace.make();
    await place.configure('pins: ["*/pinned:1"]\ndaemon:\n  runtimeHandlers: [gvisor]');
    return new ServedRegistry(registry, place, await place.start());
  }

  /** Puts an image into the registry; its name there. */
  put(
    repository: string,
    image: FixtureImage = imageOf(repository),
    at: FakeRegistry = this.registry,
  ): string {
    at.putImage(repository, image, "1");
    return `${at.host}/${repository}:1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.place[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
  }
}

export function imageOf(content: string): FixtureImage {
  return makeImage({ layers: [tar([{ path: "content", data: content }])] });
}
