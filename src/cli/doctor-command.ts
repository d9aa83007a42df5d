import { CodedError } from "../base/index.ts";
import type { Config } from "../config/index.ts";
import {
  diagnose,
  worstOf,
  type AskLibrary,
  type ConfigurationRead,
  type Finding,
  type Status,
  type Topic,
} from "../doctor/index.ts";
import type { OpenedContext } from "./environment.ts";
import { EXIT } from "./exit-codes.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";

export interface DoctorFlags {
  readonly json?: boolean;
}

/** `siflet doctor`: what will not work on this machine, and what to do about it. */
export async function doctorCommand(flags: DoctorFlags, session: Session): Promise<void> {
  const { environment, signal } = session;
  const host = await environment.openHost();
  const config = await session.configDespiteProblems();
  await using libraries = librariesOf(config, session);
  const findings = await diagnose(
    host,
    {
      configuration: await configurationRead(session),
      config,
      homeDirectory: environment.homeDirectory,
      openStore: (directory) => environment.openStore(directory, { readOnly: true }),
      askLibrary: libraries.ask,
      now: environment.now,
    },
    signal,
  );
  const worst = worstOf(findings);
  await session.print(
    flags.json === true ? `${jsonText({ worst, findings })}\n` : textOf(findings),
  );
  if (worst === "problem") session.exitWith(EXIT.unfit);
}

/** Asks libraries as a pull does; what that takes is made when the first one is asked. */
function librariesOf(
  config: Config,
  session: Session,
): AsyncDisposable & { readonly ask: AskLibrary } {
  let opening: Promise<OpenedContext> | undefined;
  const ask: AskLibrary = async (host, signal) => {
    opening ??= openLibraryContext(config, session);
    const libraries = await (await opening).libraries();
    const warnings: string[] = [];
    const warn = (message: string): void => {
      warnings.push(message);
    };
    return { ...(await libraries.probe(host, { warn }, signal)), warnings };
  };
  return {
    ask,
    async [Symbol.asyncDispose]() {
      await (await opening)?.[Symbol.asyncDispose]();
    },
  };
}

async function openLibraryContext(config: Config, session: Session): Promise<OpenedContext> {
  const [{ contextSettings }, { usualCredentials }] = await Promise.all([
    import("./context-settings.ts"),
    import("./credentials-of.ts"),
  ]);
  const credentials = usualCredentials(config, undefined, session);
  return await session.environment.openContext(contextSettings(config, credentials));
}

async function configurationRead(session: Session): Promise<ConfigurationRead> {
  const places = await session.configPlaces();
  try {
    const parsed = await session.configFile();
    return { places, path: parsed?.file.path, problems: parsed?.problems ?? [] };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { places, path: undefined, problems: [error] };
  }
}

const TITLES: Readonly<Record<Topic, string>> = {
  configuration: "Configuration",
  node: "Node",
  store: "Store",
  kernel: "Kernel",
  runtimes: "Runtimes",
  registries: "Registries",
  libraries: "Libraries",
};

/** As wide as the longest status. */
const STATUS_WIDTH = 7;

function textOf(findings: readonly Finding[]): string {
  let text = "";
  let topic: Topic | undefined;
  for (const finding of findings) {
    if (finding.topic !== topic) {
      text += `${topic === undefined ? "" : "\n"}${TITLES[finding.topic]}\n`;
      ({ topic } = finding);
    }
    text += linesOf(finding);
  }
  return text;
}

const SHOWN: Readonly<Record<Status, string>> = {
  ok: "ok",
  note: "note",
  warning: "warning",
  problem: "PROBLEM",
};

function linesOf({ status, text, remedy }: Finding): string {
  const line = `  ${SHOWN[status].padEnd(STATUS_WIDTH)}  ${printable(text)}\n`;
  if (remedy === undefined) return line;
  return `${line}  ${"".padEnd(STATUS_WIDTH)}  → ${printable(remedy)}\n`;
}
