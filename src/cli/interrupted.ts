/** Reason of an abort by a signal of the operating system. */
export class Interrupted extends Error {
  /** What a shell reports for a process that the signal ended. */
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`interrupted by ${signal}`);
    this.name = "Interrupted";
    this.exitCode = signal === "SIGINT" ? 130 : 143;
  }
}
