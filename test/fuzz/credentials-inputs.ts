import fc from "fast-check";
import { edited, edits } from "./edits.ts";
import { mostly, seldom } from "./weights.ts";

/** A place that credentials come from: a file of one of two forms, a helper's answer, or a call. */
export type CredentialsInput =
  | { readonly kind: "config" | "legacy"; readonly bytes: Uint8Array }
  | { readonly kind: "helper"; readonly bytes: Uint8Array; readonly succeeded: boolean }
  | { readonly kind: "call"; readonly fields: Readonly<Record<string, string>> };

/** Stands in every secret, and may stand in no message. */
export const SECRET = "hunter2";
/** What the registry is called whose credentials are looked for. */
export const HOST = "quay.io";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const secrets = fc.constantFrom(
  ...[SECRET, `${SECRET} \u00e4`, `${SECRET}\r\nX: y`, `${SECRET}\0`, "", `a:${SECRET}`],
);
const users = fc.constantFrom("bob", "", "<token>", "a:b", "b\u00f6b", "\r\n", "u".repeat(300));
const auths = fc.oneof(
  fc.tuple(users, secrets).map((pair) => base64(pair.join(":"))),
  fc.constantFrom(base64(SECRET), `${base64(`bob:${SECRET}`)}\n`, `=${base64(SECRET)}`, "*", ""),
);
const keys = fc.constantFrom(
  ...[HOST, "QUAY.IO", `https://${HOST}/v2/`, `${HOST}/team`, `${HOST}/team/app`, `${HOST}:443`],
  ...["https://index.docker.io/v1/", "", "/", "__proto__", "https://", `x@${HOST}`, "\u0000"],
);
/** What stands where a text must. */
const oddValue: fc.Arbitrary<unknown> = fc.constantFrom(null, 1, true, [], {}, [SECRET]);
const textual = (texts: fc.Arbitrary<string>): fc.Arbitrary<unknown> => mostly(texts, oddValue);

const entry = mostly<unknown>(
  fc.record(
    {
      auth: textual(auths),
      username: textual(users),
      password: textual(secrets),
      identitytoken: textual(secrets),
      registrytoken: textual(secrets),
      email: oddValue,
    },
    { requiredKeys: [] },
  ),
  oddValue,
);
const dictionary = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  mostly(
    fc.array(fc.tuple(keys, values), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
    oddValue,
  );
const helperNames = textual(fc.constantFrom("store", "", "../x", "a b"));

const config = fc.record(
  { auths: dictionary(entry), credHelpers: dictionary(helperNames), credsStore: helperNames },
  { requiredKeys: [] },
);
const helperAnswer = fc.oneof(
  {
    weight: 6,
    arbitrary: mostly<unknown>(
      fc
        .record(
          { ServerURL: textual(keys), Username: textual(users), Secret: textual(secrets) },
          { requiredKeys: ["Username", "Secret"] },
        )
        .map((answer) => JSON.stringify(answer)),
      oddValue.map((value) => JSON.stringify(value)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "credentials not found in native keychain\n",
      "a helper's words",
      `{"Secret":"${SECRET}","Secret":"b"}`,
    ),
  },
);

function spoiled(texts: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(texts, seldom(edits(1)))
    .map(([text, changes]) => edited(Buffer.from(String(text)), changes));
}

const json = (values: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc
    .tuple(values, fc.constantFrom(undefined, 2, "\t"))
    .map(([value, space]) => JSON.stringify(value, undefined, space));

export const credentialsInput: fc.Arbitrary<CredentialsInput> = fc.oneof(
  fc.record({
    kind: fc.constant("config" as const),
    bytes: spoiled(json(mostly<unknown>(config, oddValue))),
  }),
  fc.record({ kind: fc.constant("legacy" as const), bytes: spoiled(json(dictionary(entry))) }),
  fc.record({
    kind: fc.constant("helper" as const),
    bytes: spoiled(helperAnswer),
    succeeded: mostly(fc.constant(true), fc.constant(false)),
  }),
  fc.record({
    kind: fc.constant("call" as const),
    fields: fc.record(
      {
        username: users,
        password: secrets,
        auth: auths,
        identityToken: secrets,
        registryToken: secrets,
        serverAddress: keys,
      },
      { requiredKeys: [] },
    ),
  }),
);
