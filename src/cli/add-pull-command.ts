import { InvalidArgumentError, Option, type Command } from "commander";
import { MOST_JOBS } from "../config/index.ts";
import { collect } from "./collect.ts";
import type { PullFlags } from "./pull-request.ts";
import type { Session } from "./session.ts";

/** `siflet pull`. */
export function addPullCommand(program: Command, session: Session): void {
  program
    .command("pull")
    .description(
      "Makes an image of REF in the store; OUT.sif or --output also writes it to a file.",
    )
    .usage("[options] [OUT.sif] REF")
    .argument("<target...>", "OUT.sif and REF, or REF alone")
    .option("--platform <platform>", "os/architecture[/variant]; this machine's where not given")
    .option("--arch <architecture>", "the same as --platform linux/ARCHITECTURE")
    .addOption(
      new Option(
        "--compression <codec>",
        "gzip, which every runtime reads, or zstd, which is faster",
      ).choices(["gzip", "zstd"]),
    )
    .addOption(
      new Option("--owners <whose>", "files owned as in the image, or all by root").choices([
        "image",
        "root",
      ]),
    )
    .addOption(
      new Option(
        "--layout <what>",
        "add what Singularity and Apptainer look for (runtime), or nothing (plain)",
      ).choices(["runtime", "plain"]),
    )
    .option("--output <file>", "also write the image to this file")
    .option("--no-store", "only write the file; without a name it is NAME_TAG.sif")
    .option("--force", "replace a file that is there already")
    .option("--tmpdir <dir>", "directory for large layers on their way")
    .option("--cache-dir <dir>", "directory of converted layers, before $SIFLET_CACHEDIR")
    .option("--no-cache", "use and keep no converted layers")
    .option("--jobs <n>", "compressing threads; as many as there are cores, at most 8", parseJobs)
    .option("--plain-http <host>", "speak plain http to this HOST[:PORT]; repeatable", collect)
    .option("--json", "print the result as one line of JSON")
    .option("--quiet", "no progress, only warnings and errors")
    .addHelpText(
      "after",
      `
--json prints {"id","sha256","size","path","ref":{"uri","tags","digests"},"ociConfig"}.

Examples:
  siflet pull alpine:3.22
  siflet pull alpine.sif docker://alpine:3.22
  siflet pull --no-store --compression zstd --arch arm64 alpine:3.22
  siflet pull --json registry.example:5000/team/app@sha256:…`,
    )
    .action(async (targets: string[], flags: PullFlags) => {
      if (flags.store) await session.environment.expectStore();
      const { pullCommand } = await import("./pull-command.ts");
      await pullCommand(targets, flags, session);
    });
}

function parseJobs(text: string): number {
  const jobs = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= MOST_JOBS) return jobs;
  throw new InvalidArgumentError(`Expected a number from 1 to ${MOST_JOBS}.`);
}
