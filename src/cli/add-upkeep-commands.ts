import type { Command } from "commander";
import type { AddFlags } from "./add-command.ts";
import { collect } from "./collect.ts";
import type { DfFlags } from "./df-command.ts";
import type { FsckFlags } from "./fsck-command.ts";
import type { ImportFlags } from "./import-command.ts";
import type { PruneFlags } from "./prune-command.ts";
import type { Session } from "./session.ts";
import type { StoreInitFlags } from "./store-command.ts";

/** The commands that keep a store in order. */
export function addUpkeepCommands(program: Command, session: Session): void {
  addAdd(program, session);
  addImport(program, session);
  addStore(program, session);
  addDf(program, session);
  addPrune(program, session);
  addFsck(program, session);
}

function addAdd(program: Command, session: Session): void {
  program
    .command("add")
    .description("Copies a SIF file into the store, under names or none.")
    .usage("[options] FILE")
    .argument("<file>", "the SIF file")
    .option("--name <ref>", "a name for it; repeatable", collect)
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
What images --json and export took out of one store, add brings into another one.

Examples:
  siflet add app.sif --name registry.example/team/app:1.0`,
    )
    .action(async (file: string, flags: AddFlags) => {
      const { addCommand } = await import("./add-command.ts");
      await addCommand(file, flags, session);
    });
}

function addImport(program: Command, session: Session): void {
  program
    .command("import-registry")
    .description("Takes over the images of a Singularity-CRI store.")
    .usage("[options] FILE")
    .argument("<file>", "its registry.json")
    .option("--json", "print what became of each as a JSON array")
    .addHelpText(
      "after",
      `
The files are copied, and stay where they are; one that is not at its recorded path
is looked for beside FILE. Exits with another code than 0 where one was not taken over.

Examples:
  siflet import-registry /var/lib/singularity/registry.json`,
    )
    .action(async (file: string, flags: ImportFlags) => {
      const { importCommand } = await import("./import-command.ts");
      await importCommand(file, flags, session);
    });
}

function addStore(program: Command, session: Session): void {
  program
    .command("store")
    .description("Makes a store for others to read.")
    .usage("init [options]")
    .helpCommand(false)
    .command("init")
    .description("Makes the store that --store or the configuration names.")
    .option("--shared", "everyone on this machine may read it")
    .option("--group <group>", "with --shared: this group alone may read it")
    .addHelpText(
      "after",
      `
Without --shared it is as the first pull would make it: for its owner alone. Who may
read a store sees all images in it, those too that were pulled with a password.

Examples:
  siflet --store /software/siflet store init --shared
  siflet --store /software/siflet store init --shared --group hpc`,
    )
    .action(async (flags: StoreInitFlags) => {
      const { storeInitCommand } = await import("./store-command.ts");
      await storeInitCommand(flags, session);
    });
}

function addDf(program: Command, session: Session): void {
  program
    .command("df")
    .description("Shows what the store takes up on its disk, and by what means it is kept.")
    .option("--json", "print one JSON object, sizes in bytes")
    .addHelpText("after", "\nExamples:\n  siflet df\n  siflet df --json | jq .images.bytes")
    .action(async (flags: DfFlags) => {
      const { dfCommand } = await import("./df-command.ts");
      await dfCommand(flags, session);
    });
}

function addPrune(program: Command, session: Session): void {
  program
    .command("prune")
    .description("Makes room: removes images by age or size, or converted layers.")
    .option("--older-than <time>", "images that were not used for so long: 12h, 30d, 8w")
    .option("--keep-bytes <size>", "least recently used images, until so much is left: 20GB")
    .option("--cache", "the converted layers, which are only kept to make later pulls quicker")
    .option("--dry-run", "only print what would be removed")
    .option("--json", "print what was removed as one line of JSON")
    .addHelpText(
      "after",
      `
Images that are borrowed or pinned stay. --json prints {"packs","bytes",
"images":[{"id","size","names"}],"kept":[{…,"because"}]}; packs are converted layers.

Examples:
  siflet prune --older-than 30d --dry-run
  siflet prune --keep-bytes 50GB --cache`,
    )
    .action(async (flags: PruneFlags) => {
      const { pruneCommand } = await import("./prune-command.ts");
      await pruneCommand(flags, session);
    });
}

function addFsck(program: Command, session: Session): void {
  program
    .command("fsck")
    .description("Compares what the store knows with the files that are there.")
    .option("--deep", "read every file and compare its hash")
    .option("--repair", "put right what can be put right; nothing that is fine is deleted")
    .option(
      "--json",
      'print {"images","bytesHashed","faults":[{"kind","path","id","text","repaired"}]}',
    )
    .addHelpText(
      "after",
      `
Exits with 10 where something is left that is wrong. What --repair does: a file
without a record becomes an image, a record whose file is missing or damaged goes,
so that the next pull brings the image back.

Examples:
  siflet fsck
  siflet fsck --deep --repair`,
    )
    .action(async (flags: FsckFlags) => {
      const { fsckCommand } = await import("./fsck-command.ts");
      await fsckCommand(flags, session);
    });
}
