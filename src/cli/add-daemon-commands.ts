import type { Command } from "commander";
import type { PullsFlags } from "./pulls-command.ts";
import type { ServeFlags } from "./serve-command.ts";
import type { Session } from "./session.ts";

/** The daemon, and the commands that ask it. */
export function addDaemonCommands(program: Command, session: Session): void {
  addServe(program, session);
  addPulls(program, session);
}

function addServe(program: Command, session: Session): void {
  program
    .command("serve")
    .description("Serves the images of the store to Kubernetes, on a unix socket.")
    .usage("[options]")
    .option("--socket <path>", "the socket, before daemon.socket of the configuration")
    .addHelpText(
      "after",
      `
Speaks the image service of Kubernetes' container runtime interface (runtime.v1). The
socket is siflet.sock in /run/siflet for root, in $XDG_RUNTIME_DIR/siflet for everybody
else; one that systemd hands on comes first. SIGHUP has the configuration read again,
SIGTERM lets calls end and stops.

Examples:
  siflet serve
  crictl --image-endpoint unix:///run/siflet/siflet.sock images`,
    )
    .action(async (flags: ServeFlags) => {
      const { serveCommand } = await import("./serve-command.ts");
      await serveCommand(flags, session);
    });
}

function addPulls(program: Command, session: Session): void {
  program
    .command("pulls")
    .description("Shows what the daemon is pulling, and how far it is.")
    .usage("[options]")
    .option("--watch", "go on showing it, until the daemon stops")
    .option("--json", "print a JSON array; with --watch one in each line")
    .option("--socket <path>", "the daemon's socket, before daemon.socket of the configuration")
    .addHelpText(
      "after",
      `
--json prints [{"number","reference","startedAt","stage","layers":[{"digest","size",
"fetched","converted","done"}],"written","total"}]; sizes are bytes, times milliseconds
since 1970. A stage is resolving, verifying, fetching, writing, publishing or present.

Examples:
  siflet pulls
  siflet pulls --watch`,
    )
    .action(async (flags: PullsFlags) => {
      const { pullsCommand } = await import("./pulls-command.ts");
      await pullsCommand(flags, session);
    });
}
