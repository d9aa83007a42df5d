import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Ended, ProgramHost } from "./program-host.ts";

/** Runs the container of the bundle at `bundle` to its end with Debian's runc. */
export async function runBundle(host: ProgramHost, bundle: string): Promise<Ended> {
  const name = `siflet-${randomBytes(6).toString("hex")}`;
  return await host.run(...runcCommand(host), "run", "--bundle", bundle, name);
}

/** runc with a place for its state that goes with the host. */
export function runcCommand(host: ProgramHost): [string, ...string[]] {
  return ["runc", "--root", join(host.directory, "runc")];
}

/**
 * Whether this machine lets the host run containers at all: asked of runc, with a bundle that runc made
 * itself of a directory.
 */
export async function mayRunContainers(host: ProgramHost): Promise<boolean> {
  const script = [
    "set -eu",
    "mkdir -p probe/rootfs/bin probe/rootfs/proc probe/rootfs/dev probe/rootfs/sys",
    "cp /bin/busybox probe/rootfs/bin/sh",
    `runc spec ${host.uid === 0 ? "" : "--rootless"} --bundle probe`,
    `sed -i 's/"terminal": true/"terminal": false/; s/"sh"$/"sh", "-c", "echo runs"/' probe/config.json`,
  ].join("\n");
  const made = await host.run("sh", "-c", script);
  if (made.status !== 0) throw new Error(`runc makes no bundle: ${made.stderr}`);
  return (await runBundle(host, "probe")).stdout === "runs\n";
}
