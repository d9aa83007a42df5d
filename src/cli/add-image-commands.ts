import type { Command } from "commander";
import type { ExportFlags } from "./export-command.ts";
import type { ImagesFlags } from "./images-command.ts";
import type { InspectFlags } from "./inspect-command.ts";
import type { Session } from "./session.ts";

/** The commands that show, give out and take away images of the store. */
export function addImageCommands(program: Command, session: Session): void {
  addImages(program, session);
  addInspect(program, session);
  addPath(program, session);
  addRemovers(program, session);
  addExport(program, session);
}

function addImages(program: Command, session: Session): void {
  program
    .command("images")
    .description("Lists the images of the store, the one used last first.")
    .option("--json", "print a JSON array of what inspect --json prints, without partition")
    .addHelpText("after", "\nExamples:\n  siflet images\n  siflet images --json | jq '.[].names'")
    .action(async (flags: ImagesFlags) => {
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
      const { pathCommand } = await import("./path-command.ts");
      await pathCommand(image, session);
    });
}

function addExport(program: Command, session: Session): void {
  program
    .command("export")
    .description("Copies the file of an image out of the store.")
    .usage("[options] REF|ID FILE")
    .argument("<image>", "REF or ID")
    .argument("<file>", "the file to write")
    .option("-F, --force", "replace a file that is there already")
    .addHelpText("after", "\nExamples:\n  siflet export alpine:3.22 alpine.sif")
    .action(async (image: string, file: string, flags: ExportFlags) => {
      const { exportCommand } = await import("./export-command.ts");
      await exportCommand(image, file, flags, session);
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
      const { untagCommand } = await import("./untag-command.ts");
      await untagCommand(name, session);
    });
}
