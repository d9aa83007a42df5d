import { readdir } from "node:fs/promises";
import { readAtMost } from "../base/index.ts";
import type { Config } from "../config/index.ts";
import type { OpenPgpKeys, PemKey } from "../signing/index.ts";
import type { TrustGate } from "../pull/index.ts";
import type { Trust } from "../trust/index.ts";
import type { Session } from "./session.ts";

/** Larger than any key or chain of certificates. */
const MAX_KEY_BYTES = 1024 * 1024;

/** What the configuration says of whom to trust. */
export async function openTrust(
  config: Config,
  session: Session,
  more: { readonly pem?: readonly PemKey[]; readonly legacyInsecure?: boolean } = {},
): Promise<Trust> {
  const [{ parseEcl, readContainersPolicy, Trust: TrustOf }, { keyPlaces, keyRings }] =
    await Promise.all([import("../trust/index.ts"), import("../keys/index.ts")]);
  const servers = await keyServersOf(config, session);
  const choice = config.values["trust.policyJson"];
  const { values } = config;
  const lists = await Promise.all(
    values["trust.ecl"].map(async (path) => parseEcl(await readList(path), path)),
  );
  return new TrustOf({
    policy: {
      rule: {
        mode: values["trust.mode"],
        signers: values["trust.signers"],
        atLeast: values["trust.atLeast"],
      },
      names: values["trust.names"],
      legacyInsecure: values["trust.legacyInsecure"] || more.legacyInsecure === true,
      lists: lists.filter((list) => list !== undefined),
      file: config.file,
    },
    containers:
      choice === undefined
        ? undefined
        : async () =>
            await readContainersPolicy(choice, {
              readText: readKeyText,
              listDirectory: readdir,
              homeDirectory: session.environment.homeDirectory,
            }),
    keys: [...keyRings(keyPlaces(session.environment)), ...servers],
    pem: more.pem ?? [],
    readText: readKeyText,
    now: session.environment.now,
  });
}

/** Key servers, where the configuration says that they are asked: after all keyrings. */
async function keyServersOf({ values }: Config, session: Session): Promise<readonly OpenPgpKeys[]> {
  if (!values["trust.lookUpKeys"]) return [];
  const [{ ServerKeys }, { keyServerUrl }] = await Promise.all([
    import("../keys/index.ts"),
    import("../config/index.ts"),
  ]);
  const settings = {
    plainHttpHosts: values.plainHttp,
    serverNamedAddresses: values["registries.serverNamedAddresses"],
  };
  return [
    new ServerKeys({
      servers: values.keyServers.flatMap((text) => keyServerUrl(text) ?? []),
      openClient: async () => await session.environment.openClient(settings),
      onFailure: (message) => {
        session.warn(message);
      },
    }),
  ];
}

/** Reads a key, a chain of certificates or a list; system errors come as they are. */
export async function readKeyText(path: string): Promise<string> {
  const bytes = await readAtMost(path, MAX_KEY_BYTES);
  if (bytes === undefined) throw new Error(`${path}: expected at most ${MAX_KEY_BYTES} bytes`);
  return bytes.toString();
}

async function readList(path: string): Promise<string> {
  try {
    return await readKeyText(path);
  } catch (cause) {
    const { TrustError } = await import("../trust/index.ts");
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TrustError("TRUST_LIST", `${path}: ${reason}`, { cause });
  }
}

/** The same as what pulls ask: made when the first of them has something to judge. */
export function trustGate({ values, ...config }: Config, session: Session): TrustGate {
  const rules = [
    { mode: values["trust.mode"], signers: values["trust.signers"] },
    ...Object.values(values["trust.names"]),
  ];
  // Most say nothing of images that are converted here, and need nothing of what judges.
  const judgesConversions =
    values["trust.policyJson"] !== undefined ||
    rules.some(
      ({ mode, signers = [] }) =>
        mode === "required" || signers.some(({ kind }) => kind !== "openpgp"),
    );
  let made: Promise<Trust> | undefined;
  const trust = (): Promise<Trust> => (made ??= openTrust({ values, ...config }, session));
  return {
    async looksBeside(image) {
      return judgesConversions && (await (await trust()).looksBeside(image));
    },
    async require(image, signal) {
      if (image.file === undefined && !judgesConversions) return { kept: new Map() };
      return await (await trust()).require(image, signal);
    },
  };
}
