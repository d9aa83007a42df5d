import type { Command } from "commander";
import type { ConfigPrintFlags } from "./config-command.ts";
import type { DoctorFlags } from "./doctor-command.ts";
import type { Session } from "./session.ts";

/** The commands about settings and the machine. */
export function addMachineCommands(program: Command, session: Session): void {
  addConfig(program, session);
  addDoctor(program, session);
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
Of other programs it runs the container runtimes alone, with --version; of the
network it asks the libraries of the configuration alone. Exits with 14 where it
finds what will fail; what is only a warning leaves the exit code 0.
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
