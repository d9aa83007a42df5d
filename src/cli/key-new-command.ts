import { keepKeys, keyPlaces } from "../keys/index.ts";
import { keyFacts, makeKey } from "../signing/index.ts";
import { usageError } from "./cli-error.ts";
import { DURATION_FORM, parseDuration } from "./duration.ts";
import { dateText, userText } from "./key-text.ts";
import { printable } from "./printable.ts";
import { newPassphrase, type PassphraseFlags } from "./read-passphrase.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface KeyNewFlags extends PassphraseFlags {
  readonly name: string;
  readonly email: string;
  readonly comment?: string;
  readonly expires?: string;
  readonly rsa?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase: boolean;
}

/** What RSA keys may have; longer ones slow down everybody who checks a signature. */
const RSA_BITS = [2048, 3072, 4096];

/** `siflet key new`: makes a key to sign with. */
export async function keyNewCommand(flags: KeyNewFlags, session: Session): Promise<void> {
  const { name, email, comment } = flags;
  const validForMs = validityOf(flags);
  const rsaBits = rsaBitsOf(flags);
  if (!flags.passphrase && flags.passphraseFile !== undefined) {
    throw usageError("key new: expected either --no-passphrase or --passphrase-file");
  }
  const passphrase = flags.passphrase ? await newPassphrase(flags, "key new", session) : undefined;
  const key = await makeKey(
    {
      name,
      email,
      ...(comment === undefined ? {} : { comment }),
      ...(validForMs === undefined ? {} : { validForMs }),
      ...(rsaBits === undefined ? {} : { rsaBits }),
      ...(passphrase === undefined ? {} : { passphrase }),
    },
    session.environment.now(),
  );
  const places = keyPlaces(session.environment);
  await keepKeys(places, [key], session.signal);
  const { fingerprint, algorithm, expiresAt } = await keyFacts(key);
  await session.print(
    `${fingerprint}\n` +
      formatTable([
        ["  user", userText(key)],
        ["  kind", algorithm],
        ["  expires", expiresAt === undefined ? "never" : dateText(expiresAt)],
        ["  in", printable(places.own ?? "")],
      ]),
  );
}

function validityOf({ expires }: KeyNewFlags): number | undefined {
  if (expires === undefined) return undefined;
  const ms = parseDuration(expires);
  if (ms !== undefined && ms >= 1000) return ms;
  throw usageError(`key new: --expires: expected ${DURATION_FORM}, got ${JSON.stringify(expires)}`);
}

function rsaBitsOf({ rsa }: KeyNewFlags): number | undefined {
  if (rsa === undefined) return undefined;
  const bits = RSA_BITS.find((one) => String(one) === rsa);
  if (bits !== undefined) return bits;
  throw usageError(`key new: --rsa: expected one of ${RSA_BITS.join(", ")}`);
}
