import type { Command } from "commander";
import { collect } from "./collect.ts";
import type { KeyExportFlags } from "./key-export-command.ts";
import type { KeyListFlags } from "./key-list-command.ts";
import type { KeyNewFlags } from "./key-new-command.ts";
import type { KeyPullFlags } from "./key-pull-command.ts";
import type { KeyRemoveFlags } from "./key-remove-command.ts";
import type { Session } from "./session.ts";

/** The commands about OpenPGP keys. */
export function addKeyCommands(program: Command, session: Session): void {
  const key = program
    .command("key")
    .description("Keeps the OpenPGP keys that images are signed with and checked with.")
    .usage("COMMAND")
    .helpCommand(false)
    .addHelpText(
      "after",
      `
siflet's own keyrings are pgp-public and pgp-secret in $SIFLET_KEYSDIR, else in
siflet/keys of $XDG_DATA_HOME (~/.local/share). Those of Singularity and Apptainer are
read too, and never written. Signatures are checked with, in this order: their
global-pgp-public in /etc and /usr/local/etc, siflet's own, the user's of Singularity
($SINGULARITY_SYPGPDIR, ~/.singularity/sypgp) and of Apptainer ($APPTAINER_KEYSDIR,
~/.apptainer/keys).

Examples:
  siflet key import alice.asc
  siflet key list
  siflet key new --name "Alice Example" --email alice@example.com`,
    );
  addImport(key, session);
  addList(key, session);
  addExport(key, session);
  addRemove(key, session);
  addPull(key, session);
  addNew(key, session);
}

function addImport(key: Command, session: Session): void {
  key
    .command("import")
    .description("Puts the keys of a file into siflet's own keyrings.")
    .usage("[options] FILE|-")
    .argument("<file>", "keys, armored or not, public or secret; - is standard input")
    .addHelpText(
      "after",
      `
What is known of a key already stays, and what is new is added; each key's line says
added, updated or unchanged.

Examples:
  siflet key import alice.asc
  gpg --export-secret-keys alice@example.com | siflet key import -`,
    )
    .action(async (file: string) => {
      const { keyImportCommand } = await import("./key-import-command.ts");
      await keyImportCommand(file, session);
    });
}

function addList(key: Command, session: Session): void {
  key
    .command("list")
    .description("Shows the keys of all keyrings, in the order in which they are asked.")
    .option("--secret", "those that can be signed with")
    .option("--json", "print one JSON array")
    .addHelpText(
      "after",
      `
--json prints [{"fingerprint","userIds","algorithm","createdAt","expiresAt","secret",
"state","file"}]; a time is in milliseconds since 1970, expiresAt is absent where a
key does not expire, a state is valid, expired or revoked.

Examples:
  siflet key list --secret
  siflet key list --json | jq -r '.[] | select(.state != "valid") | .fingerprint'`,
    )
    .action(async (flags: KeyListFlags) => {
      const { keyListCommand } = await import("./key-list-command.ts");
      await keyListCommand(flags, session);
    });
}

function addExport(key: Command, session: Session): void {
  key
    .command("export")
    .description("Prints a key of any keyring.")
    .usage("[options] FINGERPRINT")
    .argument("<fingerprint>", "40 hexadecimal digits, 64 for version 6")
    .option("--secret", "with its secret, under the passphrase that it has")
    .option("--binary", "not armored")
    .addHelpText(
      "after",
      `
Examples:
  siflet key export 29A7C2F6C3E0B1D4F5A60718293A4B5C6D7E8F90 > alice.asc
  siflet key export --binary 29a7c2f6c3e0b1d4f5a60718293a4b5c6d7e8f90 | gpg --import`,
    )
    .action(async (fingerprint: string, flags: KeyExportFlags) => {
      const { keyExportCommand } = await import("./key-export-command.ts");
      await keyExportCommand(fingerprint, flags, session);
    });
}

function addRemove(key: Command, session: Session): void {
  key
    .command("remove")
    .description("Removes a key from siflet's own keyrings.")
    .usage("[options] FINGERPRINT")
    .argument("<fingerprint>", "40 hexadecimal digits, 64 for version 6")
    .option("--secret", "its secret too, of which this may be the only copy")
    .addHelpText(
      "after",
      `
Examples:
  siflet key remove 29a7c2f6c3e0b1d4f5a60718293a4b5c6d7e8f90`,
    )
    .action(async (fingerprint: string, flags: KeyRemoveFlags) => {
      const { keyRemoveCommand } = await import("./key-remove-command.ts");
      await keyRemoveCommand(fingerprint, flags, session);
    });
}

function addPull(key: Command, session: Session): void {
  key
    .command("pull")
    .description("Gets keys from key servers into siflet's own keyring.")
    .usage("[options] FINGERPRINT…")
    .argument("<fingerprint...>", "40 hexadecimal digits each, 64 for version 6")
    .option(
      "--server <url>",
      "ask this key server, in the place of keyServers; repeatable",
      collect,
    )
    .addHelpText(
      "after",
      `
A server is hkps://HOST, https://HOST/PATH or hkp://HOST:PORT; the next one is asked
where one fails. Where neither --server nor keyServers names any, those of the active
remote in the remote.yaml of Apptainer and Singularity are asked. Only a key of this
very fingerprint is taken. That it is there says nothing of whose it is: have the
fingerprint from its owner.

Examples:
  siflet key pull --server hkps://keys.example 29a7c2f6c3e0b1d4f5a60718293a4b5c6d7e8f90`,
    )
    .action(async (fingerprints: readonly string[], flags: KeyPullFlags) => {
      const { keyPullCommand } = await import("./key-pull-command.ts");
      await keyPullCommand(fingerprints, flags, session);
    });
}

function addNew(key: Command, session: Session): void {
  key
    .command("new")
    .description("Makes a key to sign with, and prints its fingerprint.")
    .requiredOption("--name <name>", "whose it is")
    .requiredOption("--email <address>", "the address of its owner")
    .option("--comment <text>", "what distinguishes it from others of the same owner")
    .option("--expires <time>", "for how long it is good: 90d, 52w; else it never expires")
    .option("--rsa <bits>", "an RSA key of 2048, 3072 or 4096 bits, and not Ed25519")
    .option("--passphrase-file <file>", "read its passphrase there, - for standard input")
    .option("--no-passphrase", "whoever can read the keyring may sign")
    .addHelpText(
      "after",
      `
The passphrase is asked for at the terminal where no option says otherwise.

Examples:
  siflet key new --name "Alice Example" --email alice@example.com --expires 104w
  siflet key new --name CI --email ci@example.com --no-passphrase`,
    )
    .action(async (flags: KeyNewFlags) => {
      const { keyNewCommand } = await import("./key-new-command.ts");
      await keyNewCommand(flags, session);
    });
}
