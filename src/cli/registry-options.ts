import type { Command } from "commander";
import { collect } from "./collect.ts";

/** The options of every command that transfers one image from or to a registry. */
export function withRegistryOptions(command: Command): Command {
  return command
    .option("--plain-http <host>", "speak plain http to this HOST[:PORT]; repeatable", collect)
    .option("--username <name>", "log in as this user; its password is asked for")
    .option("--password-stdin", "read that password from standard input")
    .option("--authfile <file>", "look for a login in this file first")
    .option("--json", "print the result as one line of JSON")
    .option("-q, --quiet", "no progress, only warnings and errors");
}
