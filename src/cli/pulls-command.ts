import { resolve } from "node:path";
import { AdminClient } from "../admin/index.ts";
import { daemonSocket } from "../config/index.ts";
import type { AdminMessage } from "../wire/index.ts";
import { formatAge, formatSize } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface PullsFlags {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly socket?: string;
}

type Pull = AdminMessage<"Pull">;

/** `siflet pulls`: what a daemon is pulling, now or as it goes on. */
export async function pullsCommand(flags: PullsFlags, session: Session): Promise<void> {
  const { environment, signal } = session;
  const given =
    flags.socket === undefined
      ? {}
      : { "daemon.socket": resolve(environment.workingDirectory, flags.socket) };
  const socket = daemonSocket(await session.config(given), environment);
  using client = new AdminClient(socket);
  const text = (pulls: readonly Pull[]): string =>
    flags.json === true
      ? `${jsonText(pulls.map(pullJson))}\n`
      : pullsText(pulls, environment.now());
  if (flags.watch !== true) {
    await session.print(text(await client.pulls(signal)));
    return;
  }
  await watch(client.watchPulls(signal), text, flags.json === true, session);
}

/** Draws over what was there on a terminal; anywhere else one state follows the other. */
async function watch(
  states: AsyncIterable<readonly Pull[]>,
  text: (pulls: readonly Pull[]) => string,
  isJson: boolean,
  session: Session,
): Promise<void> {
  const { stdout } = session.environment;
  if (isJson || stdout.isTTY !== true) {
    for await (const pulls of states) {
      await session.print(text(pulls));
      if (session.isReaderGone) return;
    }
    return;
  }
  const { createLogUpdate } = await import("log-update");
  const draw = createLogUpdate(stdout, { showCursor: true });
  for await (const pulls of states) draw(text(pulls));
  draw.done();
}

function pullsText(pulls: readonly Pull[], now: number): string {
  if (pulls.length === 0) return "no pulls\n";
  return formatTable([
    ["STARTED", "STAGE", "LAYERS", "FETCHED", "IMAGE"],
    ...pulls.map((pull) => [
      formatAge(Number(pull.startedAtMs), now),
      printable(pull.stage),
      `${pull.layers.filter(({ done }) => done).length}/${pull.layers.length}`,
      fetchedText(pull),
      printable(pull.reference),
    ]),
  ]);
}

function fetchedText({ layers, stage, writtenBytes, totalBytes }: Pull): string {
  if (stage === "writing") return ofTotal(writtenBytes, totalBytes);
  const sum = (each: (layer: AdminMessage<"Layer">) => bigint): bigint =>
    layers.reduce((total, layer) => total + each(layer), 0n);
  return ofTotal(
    sum(({ fetchedBytes }) => fetchedBytes),
    sum(({ size }) => size),
  );
}

function ofTotal(done: bigint, total: bigint): string {
  return total === 0n ? "" : `${formatSize(Number(done))} of ${formatSize(Number(total))}`;
}

function pullJson(pull: Pull): object {
  return {
    number: Number(pull.number),
    reference: pull.reference,
    startedAt: Number(pull.startedAtMs),
    stage: pull.stage,
    layers: pull.layers.map(({ digest, size, fetchedBytes, convertedBytes, done }) => ({
      digest,
      size: Number(size),
      fetched: Number(fetchedBytes),
      converted: Number(convertedBytes),
      done,
    })),
    written: Number(pull.writtenBytes),
    total: Number(pull.totalBytes),
  };
}
