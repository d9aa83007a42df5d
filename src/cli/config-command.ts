import { resolve } from "node:path";
import {
  formatOrigin,
  readConfigFile,
  shownSettings,
  type ConfigPlaces,
  type ShownSetting,
} from "../config/index.ts";
import { counted } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface ConfigPrintFlags {
  readonly json?: boolean;
}

/**
 * `siflet config check`: says what is wrong in `file`, or in the configuration file in force; one
 * line each.
 */
export async function configCheckCommand(
  file: string | undefined,
  session: Session,
): Promise<void> {
  const places = await placesOf(file, session);
  const parsed = await readConfigFile(places);
  if (parsed === undefined) {
    await session.print(`no configuration file: there is no ${places.paths.join(" and no ")}\n`);
    return;
  }
  for (const problem of parsed.problems) session.report(problem);
  if (parsed.problems.length > 0) return;
  for (const note of parsed.notes) session.warn(note);
  const { path, lines } = parsed.file;
  await session.print(`${printable(path)}: ok, ${counted(lines.size, "setting")}\n`);
}

async function placesOf(file: string | undefined, session: Session): Promise<ConfigPlaces> {
  if (file === undefined) return await session.configPlaces();
  return { paths: [resolve(session.environment.workingDirectory, file)], isNamed: true };
}

/** `siflet config print`: every setting in force, and who gave it its value. */
export async function configPrintCommand(flags: ConfigPrintFlags, session: Session): Promise<void> {
  const config = await session.config();
  const settings = shownSettings(config);
  if (flags.json === true) {
    const json = { file: config.file ?? null, settings: Object.fromEntries(settings.map(jsonOf)) };
    await session.print(`${jsonText(json)}\n`);
    return;
  }
  const rows = settings.map(({ key, text, origin }) => [
    key,
    printable(text),
    printable(formatOrigin(origin)),
  ]);
  await session.print(formatTable([["KEY", "VALUE", "FROM"], ...rows]));
}

function jsonOf({ key, text, json, origin }: ShownSetting): [string, object] {
  return [key, { value: json, text, origin }];
}
