import type { Command } from "commander";
import type { PushFlags } from "./push-command.ts";
import { withRegistryOptions } from "./registry-options.ts";
import type { Session } from "./session.ts";

/** `siflet push`. */
export function addPushCommand(program: Command, session: Session): void {
  const command = program
    .command("push")
    .description("Puts the SIF file of an image, or another one, into a registry or a library.")
    .usage("[options] REF|ID|FILE TARGET")
    .argument("<image>", "REF or ID of the store, or a file: app.sif, ./app")
    .argument(
      "<target>",
      "oras://HOST/NAME[:TAG], or library://[HOST/]E/C/N[:TAG,TAG]; latest where no tag is given",
    )
    .option("--library <url>", "where library://… is, before $SINGULARITY_LIBRARY");
  withRegistryOptions(command)
    .addHelpText(
      "after",
      `
The file is hashed before it is sent, and sent only where the registry does not have
it. --json prints {"name","digest","file","size","wasThere"}, of a library
{"names","file","size","architecture","wasThere"}.

Examples:
  siflet push alpine:3.22 oras://registry.example/team/alpine:3.22
  siflet push ./app.sif oras://registry.example/team/app
  siflet push ./app.sif library://me/tools/app:1.2,latest
  siflet pull oras://registry.example/team/app`,
    )
    .action(async (image: string, target: string, flags: PushFlags) => {
      const { pushCommand } = await import("./push-command.ts");
      await pushCommand(image, target, flags, session);
    });
}
