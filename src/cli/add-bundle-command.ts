import { Option, type Command } from "commander";
import type { BundleFlags } from "./bundle-command.ts";
import { collect } from "./collect.ts";
import type { Session } from "./session.ts";

/** `siflet bundle`. */
export function addBundleCommand(program: Command, session: Session): void {
  program
    .command("bundle")
    .description("Makes an OCI runtime bundle of an image, without copying a file of it.")
    .usage("[options] REF|ID DIR [ARG...]")
    .argument("[image]", "REF or ID")
    .argument("[directory]", "the bundle, which must not be there yet")
    .argument("[arg...]", "in place of the image's Cmd; -- before one that begins with -")
    .option(
      "--delete <dir>",
      "unmount and delete a bundle, and return its image; fine where none is",
    )
    .addOption(
      new Option(
        "--mount <how>",
        "by the kernel, as root alone, or by squashfuse; the kernel where it can",
      ).choices(["kernel", "squashfuse"]),
    )
    .option("--writable", "lay an overlay over the image; what is written lies in the bundle")
    .option("--entrypoint <program>", 'in place of the image\'s Entrypoint and Cmd; "" is none')
    .option("-e, --env <name=value>", "a variable, or NAME as it is here; repeatable", collect)
    .option("-w, --workdir <path>", "where the process starts, in place of the image's WorkingDir")
    .option("-u, --user <user>", "USER, UID, USER:GROUP or UID:GID, in place of the image's User")
    .option("--hostname <name>", "of the container; else the beginning of the image's id")
    .option("-B, --bind <src:dst>", "show SRC[:DST[:ro]] of the host; repeatable", collect)
    .addOption(
      new Option("--network <whose>", "none but its own loopback, or the host's")
        .choices(["none", "host"])
        .default("none"),
    )
    .option("-t, --tty", "with a terminal")
    .option("--any-architecture", "also of an image that this machine's processor does not run")
    .option("--json", "print one JSON object")
    .addHelpText("after", BUNDLE_HELP)
    .action(
      async (
        image: string | undefined,
        directory: string | undefined,
        args: string[],
        flags: BundleFlags,
      ) => {
        const { bundleCommand } = await import("./bundle-command.ts");
        await bundleCommand({ image, directory, args }, flags, session);
      },
    );
}

const BUNDLE_HELP = `
The bundle's config.json follows from the image's configuration by the rules of the
OCI image specification, and may be edited. The root is read only; /tmp, /run,
/var/tmp and the image's volumes can be written, in memory. The image is borrowed
while the bundle exists. Without root its root user is you (docs/bundle.md).
--json prints {"bundle","id","mount","overlay","rootless","borrower","process"}, and
with --delete {"bundle","deleted","id"}.

Examples:
  siflet bundle alpine:3.22 box -- echo hello
  runc run --bundle box box
  siflet bundle --delete box
  siflet bundle --writable --bind "$PWD:/work" --workdir /work debian:12 box -- make`;
