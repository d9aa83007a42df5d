import type { Command } from "commander";
import type { LsFlags } from "./ls-command.ts";
import type { Session } from "./session.ts";

/** The commands that read the files inside an image. */
export function addReaderCommands(program: Command, session: Session): void {
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
      const { catCommand } = await import("./cat-command.ts");
      await catCommand(image, paths, session);
    });
}
