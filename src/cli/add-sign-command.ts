import type { Command } from "commander";
import { collect } from "./collect.ts";
import type { Session } from "./session.ts";
import type { SignFlags } from "./sign-command.ts";

/** `siflet sign`. */
export function addSignCommand(program: Command, session: Session): void {
  program
    .command("sign")
    .description("Signs a SIF file, or an image of the store, as Singularity and Apptainer do.")
    .usage("[options] FILE|REF|ID")
    .argument("<image>", "a file (app.sif, ./app), or REF or ID of the store")
    .option("--key <fingerprint>", "the OpenPGP key; needed where there are several")
    .option("--pem <file>", "sign with this private key instead; repeatable", collect)
    .option("--passphrase-file <file>", "read the key's passphrase there, - for standard input")
    .option("--group <id>", "sign this group of objects; repeatable; else all", collect)
    .option("--object <id>", "sign this object alone; repeatable", collect)
    .option("--output <file>", "write the signed file there, and change nothing else")
    .option("--force", "replace what is there")
    .addHelpText(
      "after",
      `
A file is replaced by one that has the signature. An image of the store gets a new
id, for that is the hash of its file: the signed one is a new image, which takes over
the names where a tag named the old one. A passphrase is asked for at the terminal
where no file has it.

Examples:
  siflet sign app.sif
  siflet sign --pem release.pem --output app-signed.sif app.sif
  siflet sign --key 29a7c2f6c3e0b1d4f5a60718293a4b5c6d7e8f90 alpine:3.22`,
    )
    .action(async (image: string, flags: SignFlags) => {
      const { signCommand } = await import("./sign-command.ts");
      await signCommand(image, flags, session);
    });
}
