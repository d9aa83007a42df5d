import type { Command } from "commander";
import { collect } from "./collect.ts";
import type { LoginCommandFlags } from "./login-command.ts";
import type { LogoutFlags } from "./logout-command.ts";
import type { Session } from "./session.ts";

/** The commands about who one is at registries. */
export function addLoginCommands(program: Command, session: Session): void {
  program
    .command("login")
    .description(
      "Keeps a user and a password for a registry, after asking it whether they are good.",
    )
    .usage("[options] HOST[/PATH]")
    .argument("<host>", "the registry, HOST[:PORT]; with a path only for images below it")
    .option("--username <name>", "the user; asked for where not given")
    .option("--password-stdin", "read the password from standard input; else it is asked for")
    .option("--authfile <file>", "keep the login in this file")
    .option("--get-login", "print the user that is logged in, and do no more")
    .option("--plain-http <host>", "speak plain http to this HOST[:PORT]; repeatable", collect)
    .addHelpText(
      "after",
      `
The login is kept, readable for you alone, in the file that --authfile, authFile of
the configuration or $REGISTRY_AUTH_FILE names, else where podman and skopeo keep
theirs: $XDG_RUNTIME_DIR/containers/auth.json. Where that file names a credential
helper for the registry, the helper keeps it.

Examples:
  siflet login registry.example
  siflet login --username bob --password-stdin ghcr.io < token
  siflet login --authfile team.json quay.io/team`,
    )
    .action(async (host: string, flags: LoginCommandFlags) => {
      const { loginCommand } = await import("./login-command.ts");
      await loginCommand(host, flags, session);
    });
  program
    .command("logout")
    .description("Removes what login keeps for a registry, or for all.")
    .usage("[options] HOST|--all")
    .argument("[host]", "as for login")
    .option("--all", "remove all logins from the file")
    .option("--authfile <file>", "the file that login was given")
    .addHelpText("after", "\nExamples:\n  siflet logout ghcr.io\n  siflet logout --all")
    .action(async (host: string | undefined, flags: LogoutFlags) => {
      const { logoutCommand } = await import("./logout-command.ts");
      await logoutCommand(host, flags, session);
    });
}
