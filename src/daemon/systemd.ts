import type { SocketPlace } from "./listen.ts";

/** The first descriptor that systemd hands on. @see sd_listen_fds(3) */
const FIRST_DESCRIPTOR = 3;

/** What systemd says in the environment of a service, and how it is answered. */
export interface SystemdOptions {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly processId: number;
  /** Runs `systemd-notify`, for Node opens no datagram sockets of the kind; failures are its own. */
  readonly notify: (words: readonly string[]) => Promise<void>;
}

/**
 * The socket that systemd opened for this process; undefined where there is none. Of several the first
 * counts.
 *
 * @see sd_listen_fds(3)
 */
export function inheritedSocket({
  variables,
  processId,
}: Omit<SystemdOptions, "notify">): SocketPlace | undefined {
  const isOurs = variables["LISTEN_PID"] === String(processId);
  const count = Number(variables["LISTEN_FDS"] ?? "0");
  if (!isOurs || !(count >= 1)) return undefined;
  return { kind: "inherited", descriptor: FIRST_DESCRIPTOR };
}

/**
 * Tells systemd how the service is doing; without systemd nothing happens.
 *
 * @see sd_notify(3), sd_watchdog_enabled(3)
 */
export class Systemd implements AsyncDisposable {
  readonly #options: SystemdOptions;
  readonly #isHeard: boolean;
  #watchdog: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: SystemdOptions) {
    this.#options = options;
    this.#isHeard = (options.variables["NOTIFY_SOCKET"] ?? "") !== "";
  }

  /** The service can be used; from now on the watchdog hears of it. */
  ready(status: string): void {
    this.#tell("READY=1", `STATUS=${status}`);
    const { variables, processId } = this.#options;
    const microseconds = Number(variables["WATCHDOG_USEC"] ?? "0");
    const isFor = variables["WATCHDOG_PID"] ?? String(processId);
    if (!this.#isHeard || !(microseconds > 0) || isFor !== String(processId)) return;
    // Its timer only fires while the loop that answers calls goes round.
    this.#watchdog = setInterval(() => {
      this.#tell("WATCHDOG=1");
    }, microseconds / 2000).unref();
  }

  status(status: string): void {
    this.#tell(`STATUS=${status}`);
  }

  stopping(status: string): void {
    clearInterval(this.#watchdog);
    this.#tell("STOPPING=1", `STATUS=${status}`);
  }

  /** Waits until all was told. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watchdog);
    await this.#last;
  }

  #tell(...words: readonly string[]): void {
    if (!this.#isHeard) return;
    const { notify, processId } = this.#options;
    // In order, and none that waits for another one.
    this.#last = this.#last
      .then(() => notify([`--pid=${processId}`, ...words]))
      .catch(() => undefined);
  }
}
