import type { Command } from "commander";
import { collect } from "./collect.ts";
import { collectId } from "./collect-id.ts";
import type { Session } from "./session.ts";
import type { VerifyFlags } from "./verify-command.ts";

/** The commands that are about who made an image. */
export function addTrustCommands(program: Command, session: Session): void {
  program
    .command("verify")
    .description("Checks the signatures of images, and judges them by the configuration.")
    .usage("[options] REF|FILE...")
    .argument("[images...]", "REF or id of an image of the store, or a SIF file")
    .option("--all", "every image of the store")
    .option("--signed", "refuse also what no key that is known has signed")
    .option("--pem <file>", "a public key in PEM that may have signed; repeatable", collect)
    .option("--certificate <file>", "the signer's certificate, and behind it intermediate ones")
    .option("--roots <file>", "the certificates that --certificate must lead to")
    .option("--legacy-insecure", "count signatures of before Singularity 3.6, too")
    .option("--group <id>", "refuse what does not sign this group; repeatable", collectId)
    .option("--object <id>", "refuse what does not sign this object; repeatable", collectId)
    .option("--json", "print what was found as a JSON array")
    .addHelpText(
      "after",
      `
What counts is said by trust: in the configuration: without it an image need not be
signed, and none may be signed badly. Exits with 15 where one is refused.

--json prints [{"image","names","accepted","judgements":[{"name","rule","accepted",
"code","reason","trusted","signed"}],"signatures":[{"object","format","verdict","code",
"reason","signer":{"fingerprint","name","keySource"},"signedAt","covers":{"group",
"objects","missing","primary"}}]}].

Examples:
  siflet verify registry.example/team/app:1.0
  siflet verify --signed --pem release.pub app.sif
  siflet verify --all`,
    )
    .action(async (images: readonly string[], flags: VerifyFlags) => {
      const { verifyCommand } = await import("./verify-command.ts");
      await verifyCommand(images, flags, session);
    });
}
