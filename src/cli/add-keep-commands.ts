import type { Command } from "commander";
import type { BorrowFlags } from "./borrow-command.ts";
import type { Session } from "./session.ts";

/** The commands that say which images are to stay. */
export function addKeepCommands(program: Command, session: Session): void {
  addBorrow(program, session);
  addReturn(program, session);
  addPin(program, session);
  addUnpin(program, session);
}

function addBorrow(program: Command, session: Session): void {
  program
    .command("borrow")
    .description("Keeps an image from being removed while it is in use, and prints its file.")
    .usage("[options] REF|ID")
    .argument("<image>", "REF or ID")
    .requiredOption("--by <name>", "who uses it; the same name borrows once")
    .option("--for <time>", "until when at most: 90s, 30m, 2h, 7d; else until it is returned")
    .option("--note <text>", "what for")
    .addHelpText(
      "after",
      `
Examples:
  apptainer run $(siflet borrow alpine:3.22 --by job-17 --for 2h)
  siflet return alpine:3.22 --by job-17`,
    )
    .action(async (image: string, flags: BorrowFlags) => {
      const { borrowCommand } = await import("./borrow-command.ts");
      await borrowCommand(image, flags, session);
    });
}

function addReturn(program: Command, session: Session): void {
  program
    .command("return")
    .description("Ends what borrow began.")
    .usage("[options] REF|ID")
    .argument("<image>", "REF or ID")
    .requiredOption("--by <name>", "who borrowed it")
    .addHelpText("after", "\nExamples:\n  siflet return alpine:3.22 --by job-17")
    .action(async (image: string, flags: Pick<BorrowFlags, "by">) => {
      const { returnCommand } = await import("./borrow-command.ts");
      await returnCommand(image, flags, session);
    });
}

function addPin(program: Command, session: Session): void {
  program
    .command("pin")
    .description("Keeps images from prune, not from rm.")
    .usage("REF|ID...")
    .argument("<image...>", "REF or ID of each")
    .addHelpText(
      "after",
      "\nNames that are always pinned stand in the configuration: pins.\n\nExamples:\n  siflet pin alpine:3.22",
    )
    .action(async (images: string[]) => {
      const { pinCommand } = await import("./pin-command.ts");
      await pinCommand(images, true, session);
    });
}

function addUnpin(program: Command, session: Session): void {
  program
    .command("unpin")
    .description("Ends what pin began.")
    .usage("REF|ID...")
    .argument("<image...>", "REF or ID of each")
    .addHelpText("after", "\nExamples:\n  siflet unpin alpine:3.22")
    .action(async (images: string[]) => {
      const { pinCommand } = await import("./pin-command.ts");
      await pinCommand(images, false, session);
    });
}
