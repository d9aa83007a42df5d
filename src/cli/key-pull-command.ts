import { KEY_SERVER_FORM, keyServerUrl } from "../config/index.ts";
import { KEY_SERVER_TIMEOUT_MS, keepKeys, keyPlaces, pullKey } from "../keys/index.ts";
import { usageError } from "./cli-error.ts";
import type { Environment } from "./environment.ts";
import { fingerprintOf, keptText } from "./key-text.ts";
import type { Session } from "./session.ts";

export interface KeyPullFlags {
  readonly server?: readonly string[];
}

/** `siflet key pull`: gets keys from key servers into siflet's own keyring. All keys are tried. */
export async function keyPullCommand(
  texts: readonly string[],
  flags: KeyPullFlags,
  session: Session,
): Promise<void> {
  const { signal, environment } = session;
  const fingerprints = texts.map((text) => fingerprintOf(text, "key pull"));
  const wrong = flags.server?.find((text) => keyServerUrl(text) === undefined);
  if (wrong !== undefined) throw usageError(`key pull: --server: expected ${KEY_SERVER_FORM}`);
  const given = flags.server === undefined ? {} : { keyServers: flags.server };
  const { values } = await session.config(given);
  const configured = values.keyServers.flatMap((text) => keyServerUrl(text) ?? []);
  const named = configured.length > 0 ? [] : await serversOfRemotes(environment);
  const servers = [...configured, ...named];
  if (servers.length === 0) {
    throw usageError(
      "key pull: expected --server, keyServers in the configuration, or Keyservers in a remote.yaml",
    );
  }
  // A remote.yaml that says http means it.
  const plain = named.filter(({ protocol }) => protocol === "http:").map(({ host }) => host);
  await using client = await environment.openClient({
    plainHttpHosts: [...values.plainHttp, ...plain],
    serverNamedAddresses: values["registries.serverNamedAddresses"],
  });
  const options = { timeoutMs: KEY_SERVER_TIMEOUT_MS };
  for (const fingerprint of fingerprints) {
    try {
      const { key } = await pullKey(fingerprint, servers, client, options, signal);
      const kept = await keepKeys(keyPlaces(environment), [key], signal);
      await session.print(keptText(kept));
    } catch (error) {
      signal.throwIfAborted();
      session.report(error);
    }
  }
}

/** Those that Apptainer and Singularity would ask. */
async function serversOfRemotes(environment: Environment): Promise<readonly URL[]> {
  const { remoteKeyServers, usualRemoteFiles } = await import("../library/index.ts");
  const { variables, homeDirectory, userId } = environment;
  return await remoteKeyServers(usualRemoteFiles(variables, homeDirectory), userId);
}
