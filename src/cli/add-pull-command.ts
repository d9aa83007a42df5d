import { InvalidArgumentError, Option, type Command } from "commander";
import { MOST_JOBS } from "../config/index.ts";
import { collect } from "./collect.ts";
import type { PullFlags } from "./pull-request.ts";
import { withRegistryOptions } from "./registry-options.ts";
import type { Session } from "./session.ts";

/** `siflet pull`. */
export function addPullCommand(program: Command, session: Session): void {
  const command = program
    .command("pull")
    .description(
      "Makes an image of REF in the store; OUT.sif or --output also writes it to a file.",
    )
    .usage("[options] [OUT.sif] REF")
    .argument("<target...>", "OUT.sif and REF, or REF alone; REF may be an archive")
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
    .option("-o, --output <file>", "also write the image to this file")
    .option("--no-store", "only write the file; without a name it is NAME_TAG.sif")
    .option("--library <url>", "where library://… is asked, before $SINGULARITY_LIBRARY")
    .option("--name <ref>", "name an image of an archive so, and not as there; repeatable", collect)
    .option("-F, --force", "replace a file that is there already")
    .option("--tmpdir <dir>", "directory for large layers on their way")
    .option("--cache-dir <dir>", "directory of converted layers, before $SIFLET_CACHEDIR")
    .option("--no-cache", "use and keep no converted layers")
    .option("--jobs <n>", "compressing threads; as many as there are cores, at most 8", parseJobs);
  withRegistryOptions(command)
    .addHelpText(
      "after",
      `
Without a user's name a login is looked for where siflet login, podman, skopeo,
Apptainer and Docker keep it (README.md has the order).
--json prints {"id","sha256","size","path","ref":{"uri","tags","digests"},"ociConfig"}.

REF is an image of a registry or a library, a SIF file (./app.sif), or an image of a
layout or an archive: oci:DIR, oci-archive:FILE or docker-archive:FILE, and behind it
:NAME, @sha256:DIGEST or, by its place, :@N. FILE may be compressed, and - for standard
input; - alone is an archive of either kind.

Examples:
  siflet pull alpine:3.22
  siflet pull alpine.sif docker://alpine:3.22
  siflet pull --no-store --compression zstd --arch arm64 alpine:3.22
  siflet pull library://sylabs/tests/signed:1.0
  siflet pull docker-archive:saved.tar.gz:example/app:1
  docker save example/app:1 | siflet pull -
  siflet pull --json registry.example:5000/team/app@sha256:…`,
    )
    .action(async (targets: string[], flags: PullFlags) => {
      const { pullCommand } = await import("./pull-command.ts");
      await pullCommand(targets, flags, session);
    });
}

function parseJobs(text: string): number {
  const jobs = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= MOST_JOBS) return jobs;
  throw new InvalidArgumentError(`Expected a number from 1 to ${MOST_JOBS}.`);
}
