import { resolve } from "node:path";
import { importRegistry, type ImportedRecord } from "../upkeep/index.ts";
import { EXIT, EXIT_CODES, isErrorCode } from "./exit-codes.ts";
import { counted, shortId } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { localFilesIn, openStoreToWrite } from "./session-store.ts";
import type { Session } from "./session.ts";
import { trustGate } from "./trust-of.ts";

export interface ImportFlags {
  readonly json?: boolean;
}

/** `siflet import-registry`: what was not taken over is told, and decides the exit code. */
export async function importCommand(
  file: string,
  flags: ImportFlags,
  session: Session,
): Promise<void> {
  const { environment, signal } = session;
  const path = resolve(environment.workingDirectory, file);
  const config = await session.config();
  const context = {
    localFiles: localFilesIn(config),
    trust: trustGate(config, session),
    now: environment.now,
  };
  await using store = await openStoreToWrite(session);
  const records = await importRegistry(store, path, context, signal);
  for (const record of records) session.exitWith(exitCodeOf(record));
  await session.print(flags.json === true ? `${jsonText(records)}\n` : importText(records));
}

function exitCodeOf(record: ImportedRecord): number {
  switch (record.outcome) {
    case "imported":
      return EXIT.ok;
    case "missing":
      return EXIT.notFound;
    case "refused":
      return isErrorCode(record.code) ? EXIT_CODES[record.code] : EXIT.unexpected;
  }
}

function importText(records: readonly ImportedRecord[]): string {
  const lines = records.map((record) => {
    switch (record.outcome) {
      case "imported":
        return `imported ${shortId(record.id)} ${record.names.map(printable).join(" ")}`.trimEnd();
      case "missing":
        return `missing ${shortId(record.id)} ${printable(record.path)}`;
      case "refused":
        return `refused ${shortId(record.id ?? "a record")}: ${printable(record.message)}`;
    }
  });
  const imported = records.filter(({ outcome }) => outcome === "imported").length;
  return `${[...lines, `${counted(imported, "image")} of ${records.length} imported`].join("\n")}\n`;
}
