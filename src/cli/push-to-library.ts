import { formatLibraryName } from "../image/index.ts";
import { parseLibraryPlace, pushToLibrary, type LibraryPlace } from "../push/index.ts";
import { usageError } from "./cli-error.ts";
import { contextSettings } from "./context-settings.ts";
import { usualCredentials } from "./credentials-of.ts";
import { formatSize } from "./format.ts";
import { chooseLibrary } from "./library-choice.ts";
import { configWith } from "./login-command.ts";
import { printable } from "./printable.ts";
import { openProgress } from "./progress.ts";
import { sifToPush, type PushableSif, type PushFlags } from "./push-command.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

/** `siflet push … library://…`: puts a SIF file into a library. */
export async function pushToLibraryCommand(
  image: string,
  target: string,
  flags: PushFlags,
  session: Session,
): Promise<void> {
  if (flags.username !== undefined || flags.passwordStdin === true) {
    throw usageError("push: expected a token in the configuration for a library, got --username");
  }
  const { tags, ...given } = parseLibraryPlace(target);
  const config = await configWith(flags, session);
  const { variables } = session.environment;
  const [tag = "latest"] = tags;
  const written = formatLibraryName({ ...given, tag });
  const { reference, libraries } = await chooseLibrary(written, flags.library, config, variables);
  const place: LibraryPlace = { ...parseLibraryPlace(reference), tags };
  const sif = await sifToPush(image, undefined, session);
  const credentials = usualCredentials(config, undefined, session);
  const settings = contextSettings(config, credentials, libraries);
  await using context = await session.environment.openContext(settings);
  const { digest, size, facts } = sif;
  const { architecture } = facts;
  using progress = await openProgress(reference, session, { quiet: flags.quiet ?? false });
  const { onEvent } = progress;
  onEvent({ kind: "resolved", digest, layers: [{ index: 0, digest, size }] });
  const options = {
    facts,
    warn: (message: string): void => {
      onEvent({ kind: "warning", message });
    },
    onSent: (bytes: number): void => {
      onEvent({ kind: "fetched", layer: 0, bytes });
    },
  };
  const wasThere = await pushToLibrary(
    sif,
    place,
    await context.libraries(),
    options,
    session.signal,
  );
  onEvent({ kind: "layer-done", layer: 0 });
  const names = tags.map((each) => formatLibraryName({ ...place, tag: each }));
  await session.print(
    flags.json === true
      ? `${JSON.stringify({ names, file: digest, size, architecture, wasThere })}\n`
      : textOf(sif, names, wasThere),
  );
}

function textOf(
  { size, path, facts }: PushableSif,
  names: readonly string[],
  wasThere: boolean,
): string {
  const [first = ""] = names;
  return (
    `${names.map(printable).join("\n")}\n` +
    formatTable([
      ["  file", printable(path)],
      ["  size", formatSize(size)],
      ["  architecture", facts.architecture],
      ["  sent", wasThere ? "nothing, the library had the file" : formatSize(size)],
      ["  pull", printable(`siflet pull ${first}`)],
    ])
  );
}
