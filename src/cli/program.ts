import { Command, InvalidArgumentError, Option } from "commander";
import { MOST_JOBS } from "../config/index.ts";
import type { ConfigPrintFlags } from "./config-command.ts";
import type { DoctorFlags } from "./doctor-command.ts";
import type { ExportFlags } from "./export-command.ts";
import type { ImagesFlags } from "./images-command.ts";
import type { InspectFlags } from "./inspect-command.ts";
import type { LsFlags } from "./ls-command.ts";
import type { PruneFlags } from "./prune-command.ts";
import type { PullFlags } from "./pull-request.ts";
import type { GlobalFlags, Session } from "./session.ts";
import { versionText } from "./version-text.ts";

const USUAL_COLUMNS = 80;

/** What the program prints by itself: help and version. */
export type WriteOut = (text: string) => void;

/**
 * The commands of siflet and their options. Nothing is loaded for a command before it runs, so that
 * `--help` and `--version` are quick. What is wrong with a command line is thrown as a
 * `CommanderError`, and so is the end after help or version.
 */
export function buildProgram(session: Session, writeOut: WriteOut): Command {
  const { version, stdout } = session.environment;
  const program = new Command("siflet")
    .description("Turns a container image into one verified SIF file, keeps it, and serves it.")
    .version(versionText(version).trimEnd(), "--version", "print the version")
    .helpOption("--help", "print what a command does")
    .option("--config <file>", "configuration file, before $SIFLET_CONFIG")
    .option("--store <dir>", "directory of the store, before $SIFLET_STORE")
    .option("--debug", "print the stack of an error")
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`,
    })
    .helpCommand("help [command]", "print what a command does")
    .configureOutput({
      writeOut,
      // One line on standard error is made of the error that is thrown.
      writeErr: () => undefined,
      getOutHelpWidth: () => stdout.columns ?? USUAL_COLUMNS,
      getOutHasColors: () => false,
    })
    .hook("preAction", () => {
      session.useFlags(program.opts<GlobalFlags>());
    })
    .addHelpText("after", PROGRAM_HELP);
  addPull(program, session);
  addImages(program, session);
  addInspect(program, session);
  addPath(program, session);
  addRemovers(program, session);
  addExport(program, session);
  addPrune(program, session);
  addReaders(program, session);
  addConfig(program, session);
  addDoctor(program, session);
  return program;
}

const PROGRAM_HELP = `
The store is /var/lib/siflet for root and siflet in the XDG data directory for
everybody else; the configuration file, $SIFLET_STORE and --store name another.

Examples:
  siflet pull docker://alpine:3.22
  siflet pull app.sif registry.example/team/app:1.0
  siflet images
  apptainer run $(siflet path alpine:3.22)

REF is a name in a registry (alpine, docker://alpine:3.22, gcr.io/team/app@sha256:…),
ID the beginning of an image's id, 3 digits or more.
Exit codes: docs/errors.md.`;

function addPull(program: Command, session: Session): void {
  program
    .command("pull")
    .description(
      "Makes an image of REF in the store; OUT.sif or --output also writes it to a file.",
    )
    .usage("[options] [OUT.sif] REF")
    .argument("<target...>", "OUT.sif and REF, or REF alone")
    .option("--platform <platform>", "os/architecture[/variant]; this machine's where not given")
    .option("--arch <architecture>", "the same as --platform linux/ARCHITECTURE")
    .addOption(
      new Option(
        "--compression <codec>",
        "gzip, which every runtime reads, or zstd, which is faster",
      ).choices(["gzip", "zstd"]),
    )
    .addOption(
      new Option("--owners <whose>", "files owned as in the image, or all by root").choices([
        "image",
        "root",
      ]),
    )
    .addOption(
      new Option(
        "--layout <what>",
        "add what Singularity and Apptainer look for (runtime), or nothing (plain)",
      ).choices(["runtime", "plain"]),
    )
    .option("--output <file>", "also write the image to this file")
    .option("--no-store", "only write the file; without a name it is NAME_TAG.sif")
    .option("--force", "replace a file that is there already")
    .option("--tmpdir <dir>", "directory for large layers on their way")
    .option("--cache-dir <dir>", "directory of converted layers, before $SIFLET_CACHEDIR")
    .option("--no-cache", "use and keep no converted layers")
    .option("--jobs <n>", "compressing threads; as many as there are cores, at most 8", parseJobs)
    .option("--plain-http <host>", "speak plain http to this HOST[:PORT]; repeatable", collect)
    .option("--json", "print the result as one line of JSON")
    .option("--quiet", "no progress, only warnings and errors")
    .addHelpText(
      "after",
      `
--json prints {"id","sha256","size","path","ref":{"uri","tags","digests"},"ociConfig"}.

Examples:
  siflet pull alpine:3.22
  siflet pull alpine.sif docker://alpine:3.22
  siflet pull --no-store --compression zstd --arch arm64 alpine:3.22
  siflet pull --json registry.example:5000/team/app@sha256:…`,
    )
    .action(async (targets: string[], flags: PullFlags) => {
      if (flags.store) await session.environment.expectStore();
      const { pullCommand } = await import("./pull-command.ts");
      await pullCommand(targets, flags, session);
    });
}

function addPrune(program: Command, session: Session): void {
  program
    .command("prune")
    .description("Makes room: removes what is only kept to make later pulls quicker.")
    .option("--cache", "the converted layers")
    .option("--json", "print what was removed as one line of JSON")
    .addHelpText("after", "\nExamples:\n  siflet prune --cache")
    .action(async (flags: PruneFlags) => {
      const { pruneCommand } = await import("./prune-command.ts");
      await pruneCommand(flags, session);
    });
}

function addImages(program: Command, session: Session): void {
  program
    .command("images")
    .description("Lists the images of the store, the one used last first.")
    .option("--json", "print a JSON array of what inspect --json prints, without partition")
    .addHelpText("after", "\nExamples:\n  siflet images\n  siflet images --json | jq '.[].names'")
    .action(async (flags: ImagesFlags) => {
      await session.environment.expectStore();
      const { imagesCommand } = await import("./images-command.ts");
      await imagesCommand(flags, session);
    });
}

function addInspect(program: Command, session: Session): void {
  program
    .command("inspect")
    .description("Shows all that is known of an image.")
    .usage("[options] REF|ID")
    .argument("<image>", "REF or ID")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
--json prints the object of pull --json with names, platform, profile, contentKey,
source (reference, host, digests, layers), createdAt, lastUsedAt, borrowers, pinned
and partition (offset and size in bytes of the root file system, or null).

Examples:
  siflet inspect alpine:3.22
  siflet inspect --json 1a2b3c | jq .partition.offset`,
    )
    .action(async (image: string, flags: InspectFlags) => {
      await session.environment.expectStore();
      const { inspectCommand } = await import("./inspect-command.ts");
      await inspectCommand(image, flags, session);
    });
}

function addPath(program: Command, session: Session): void {
  program
    .command("path")
    .description("Prints the file of an image.")
    .usage("REF|ID")
    .argument("<image>", "REF or ID")
    .addHelpText("after", "\nExamples:\n  apptainer run $(siflet path alpine:3.22)")
    .action(async (image: string) => {
      await session.environment.expectStore();
      const { pathCommand } = await import("./path-command.ts");
      await pathCommand(image, session);
    });
}

function addRemovers(program: Command, session: Session): void {
  program
    .command("rm")
    .description("Removes images with all their names, and prints those.")
    .usage("REF|ID...")
    .argument("<image...>", "REF or ID of each")
    .addHelpText("after", "\nExamples:\n  siflet rm alpine:3.22\n  siflet rm 1a2b3c 4d5e6f")
    .action(async (images: string[]) => {
      await session.environment.expectStore();
      const { rmCommand } = await import("./rm-command.ts");
      await rmCommand(images, session);
    });
  program
    .command("untag")
    .description("Removes one name of an image; the image stays.")
    .usage("REF")
    .argument("<name>", "REF")
    .addHelpText("after", "\nExamples:\n  siflet untag alpine:3.22")
    .action(async (name: string) => {
      await session.environment.expectStore();
      const { untagCommand } = await import("./untag-command.ts");
      await untagCommand(name, session);
    });
}

function addExport(program: Command, session: Session): void {
  program
    .command("export")
    .description("Copies the file of an image out of the store.")
    .usage("[options] REF|ID FILE")
    .argument("<image>", "REF or ID")
    .argument("<file>", "the file to write")
    .option("--force", "replace a file that is there already")
    .addHelpText("after", "\nExamples:\n  siflet export alpine:3.22 alpine.sif")
    .action(async (image: string, file: string, flags: ExportFlags) => {
      await session.environment.expectStore();
      const { exportCommand } = await import("./export-command.ts");
      await exportCommand(image, file, flags, session);
    });
}

function addReaders(program: Command, session: Session): void {
  program
    .command("ls")
    .description("Lists files of an image, without mounting it.")
    .usage("[options] REF|ID [PATH]")
    .argument("<image>", "REF or ID")
    .argument("[path]", "a directory or file in the image", "/")
    .option("-l, --long", "mode, links, owner, group, size and time (UTC) of each")
    .option("-R, --recursive", "also what is in directories below, as paths")
    .option("--json", "print a JSON array of objects, one a line")
    .addHelpText(
      "after",
      `
Links in PATH are followed inside the image. On a terminal special characters of
names are escaped (\\n, \\x1b); into a file or program names go as they are.
--json prints path, type, mode (octal), uid, gid, mtime, inode, links, size,
target, device and xattrs (base64); pathBase64 where a path is no UTF-8.

Examples:
  siflet ls alpine:3.22
  siflet ls -lR 1a2b3c /etc
  siflet ls --json -R alpine:3.22 | jq -r '.[] | select(.mode[0:1] == "4").path'`,
    )
    .action(async (image: string, path: string, flags: LsFlags) => {
      await session.environment.expectStore();
      const { lsCommand } = await import("./ls-command.ts");
      await lsCommand(image, path, flags, session);
    });
  program
    .command("cat")
    .description("Prints files of an image, without mounting it.")
    .usage("REF|ID PATH...")
    .argument("<image>", "REF or ID")
    .argument("<path...>", "files in the image; links are followed inside it")
    .addHelpText(
      "after",
      "\nExamples:\n  siflet cat alpine:3.22 /etc/os-release\n  siflet cat 1a2b3c /bin/busybox > busybox",
    )
    .action(async (image: string, paths: string[]) => {
      await session.environment.expectStore();
      const { catCommand } = await import("./cat-command.ts");
      await catCommand(image, paths, session);
    });
}

function addConfig(program: Command, session: Session): void {
  const config = program
    .command("config")
    .description("Checks the configuration file, or shows the settings in force.")
    .usage("check|print")
    .helpCommand(false)
    .addHelpText(
      "after",
      `
The first of these files that is there is read, and no other: the one that
--config or $SIFLET_CONFIG names, $XDG_CONFIG_HOME/siflet/config.yaml
(~/.config where that is not set), /etc/siflet/config.yaml.

Examples:
  siflet config check
  siflet config print --json`,
    );
  config
    .command("check")
    .description("Says what is wrong in a configuration file, with its lines.")
    .usage("[options] [FILE]")
    .argument("[file]", "another file than the one in force")
    .addHelpText("after", "\nExamples:\n  siflet config check\n  siflet config check new.yaml")
    .action(async (file: string | undefined) => {
      const { configCheckCommand } = await import("./config-command.ts");
      await configCheckCommand(file, session);
    });
  config
    .command("print")
    .description("Shows every setting in force, and who gave it its value.")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
--json prints {"file","settings":{KEY:{"value","text","origin":{"kind",…}}}}. A value
has sizes in bytes, and null for what is not set; an origin's kind is flag,
environment, file or default.

Examples:
  siflet config print
  siflet config print --json | jq '.settings["cache.maxBytes"].value'`,
    )
    .action(async (flags: ConfigPrintFlags) => {
      const { configPrintCommand } = await import("./config-command.ts");
      await configPrintCommand(flags, session);
    });
}

function addDoctor(program: Command, session: Session): void {
  program
    .command("doctor")
    .description("Looks at this machine and says what will not work, and what to do.")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Of other programs it runs the container runtimes alone, with --version. Exits with
14 where it finds what will fail; what is only a warning leaves the exit code 0.
--json prints {"worst","findings":[{"topic","check","status","text","remedy","facts"}]};
a status is ok, note, warning or problem, remedy and facts may be absent.

Examples:
  siflet doctor
  siflet doctor --json | jq '.findings[] | select(.status != "ok")'`,
    )
    .action(async (flags: DoctorFlags) => {
      const { doctorCommand } = await import("./doctor-command.ts");
      await doctorCommand(flags, session);
    });
}

function parseJobs(text: string): number {
  const jobs = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= MOST_JOBS) return jobs;
  throw new InvalidArgumentError(`Expected a number from 1 to ${MOST_JOBS}.`);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
