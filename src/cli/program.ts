import { Command } from "commander";
import { addDaemonCommands } from "./add-daemon-commands.ts";
import { addBundleCommand } from "./add-bundle-command.ts";
import { addImageCommands } from "./add-image-commands.ts";
import { addKeepCommands } from "./add-keep-commands.ts";
import { addKeyCommands } from "./add-key-commands.ts";
import { addLoginCommands } from "./add-login-commands.ts";
import { addMachineCommands } from "./add-machine-commands.ts";
import { addPullCommand } from "./add-pull-command.ts";
import { addPushCommand } from "./add-push-command.ts";
import { addSignCommand } from "./add-sign-command.ts";
import { addReaderCommands } from "./add-reader-commands.ts";
import { addTrustCommands } from "./add-trust-commands.ts";
import { addUpkeepCommands } from "./add-upkeep-commands.ts";
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
  addPullCommand(program, session);
  addPushCommand(program, session);
  addLoginCommands(program, session);
  addKeyCommands(program, session);
  addSignCommand(program, session);
  addImageCommands(program, session);
  addKeepCommands(program, session);
  addReaderCommands(program, session);
  addBundleCommand(program, session);
  addTrustCommands(program, session);
  addUpkeepCommands(program, session);
  addDaemonCommands(program, session);
  addMachineCommands(program, session);
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
