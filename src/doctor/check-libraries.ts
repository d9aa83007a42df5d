import { X509Certificate } from "node:crypto";
import { CodedError, shellWord } from "../base/index.ts";
import type { Config, LibrarySettings } from "../config/index.ts";
import type { Finding } from "./finding.ts";
import { readText, type Host } from "./host.ts";

/** What a library that was asked said. */
export interface AskedLibrary {
  /** The URL below which its API is. */
  readonly api: string;
  /** Undefined where it does not say. */
  readonly apiVersion: string | undefined;
  /** Whether it knows the token that it was shown; `none`: it was shown none. */
  readonly token: "none" | "accepted" | "refused" | "unknown";
  /** Where that token comes from; undefined: there is none. */
  readonly tokenFrom: string | undefined;
  /** Milliseconds since 1970 by its own clock; undefined where it does not say. */
  readonly time: number | undefined;
  /** What is wrong with the caller's own files, and yet no failure. */
  readonly warnings: readonly string[];
}

/**
 * Asks the library of a host once, by its own client.
 *
 * @throws CodedError for a library that cannot be asked, or is none
 */
export type AskLibrary = (host: string, signal: AbortSignal) => Promise<AskedLibrary>;

export interface LibraryChecks {
  readonly askLibrary: AskLibrary;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const TIMEOUT_MS = 15_000;
const DAY_MS = 24 * 3600 * 1000;
const SOON_MS = 30 * DAY_MS;
/** Signed URLs last for minutes, and certificates begin at one. */
const MOST_SKEW_MS = 5 * 60 * 1000;
const GROUP_OR_OTHERS = 0o077;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each library of the configuration: whether it is one and knows its caller, and what it is asked with. */
export async function checkLibraries(
  host: Host,
  { values }: Config,
  checks: LibraryChecks,
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, settings] of Object.entries(values.libraries)) {
    findings.push(...(await fileFindings(host, name, settings, checks.now())));
    findings.push(...(await answerFindings(name, checks, signal)));
  }
  return findings;
}

/** The files that a library is asked with, as far as they can be read: the asking tells of the others. */
async function fileFindings(
  host: Host,
  name: string,
  { ca, tokenFile, unverified }: LibrarySettings,
  now: number,
): Promise<Finding[]> {
  const findings = ca === undefined ? [] : await authorityFindings(host, name, ca, now);
  const token = tokenFile === undefined ? undefined : await host.facts(tokenFile);
  if (tokenFile !== undefined && token !== undefined && (token.mode & GROUP_OR_OTHERS) !== 0) {
    findings.push({
      ...about("token-file", name),
      status: "warning",
      text: `${name}: others may read its token in ${tokenFile}`,
      remedy: `chmod 600 ${shellWord(tokenFile)}`,
    });
  }
  if (unverified === true) {
    findings.push({
      ...about("unverified", name),
      status: "note",
      text: `${name}: files are believed of which it does not tell the sha256`,
      remedy: "take out unverified: true, unless the library cannot tell it",
    });
  }
  return findings;
}

async function authorityFindings(
  host: Host,
  name: string,
  path: string,
  now: number,
): Promise<Finding[]> {
  const text = (await readText(host, path)) ?? "";
  const base = about("certificates", name);
  return (text.match(CERTIFICATE) ?? []).flatMap((pem): Finding[] => {
    const certificate = certificateOf(pem);
    if (certificate === undefined) return [];
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    const which = `${name}: the certificate ${subjectOf(certificate)} in ${path}`;
    const facts = { path, validTo: new Date(to).toISOString() };
    if (now < from) {
      const text = `${which} is valid from ${dateText(from)} on`;
      return [{ ...base, status: "warning", text, remedy: clockRemedy(now), facts }];
    }
    if (now > to) {
      const text = `${which} is valid no more since ${dateText(to)}`;
      const remedy = `put the one that replaced it into ${path}; or ${clockRemedy(now)}`;
      return [{ ...base, status: "warning", text, remedy, facts }];
    }
    if (now <= to - SOON_MS) return [];
    const text = `${which} is valid until ${dateText(to)}`;
    return [{ ...base, status: "note", text, remedy: "replace it by then", facts }];
  });
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function subjectOf({ subject }: X509Certificate): string {
  return subject.split("\n").join(", ");
}

async function answerFindings(
  name: string,
  { askLibrary, now }: LibraryChecks,
  signal: AbortSignal,
): Promise<Finding[]> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const asked = await askLibrary(name, AbortSignal.any([signal, timeout]));
    return [
      answeredFinding(name, asked),
      ...asked.warnings.map((text): Finding => {
        const remedy = "correct it, or the library is asked as nobody in particular";
        return { ...about("token", name), status: "warning", text, remedy };
      }),
      ...tokenFindings(name, asked),
      ...clockFindings(name, asked, now()),
    ];
  } catch (error) {
    signal.throwIfAborted();
    const base = { ...about("answer", name), status: "problem" } as const;
    if (timeout.aborted) {
      const text = `${name}: no whole answer within ${TIMEOUT_MS / 1000} s`;
      return [{ ...base, text, remedy: UNREACHABLE }];
    }
    if (!(error instanceof CodedError)) throw error;
    const code = String(error.code);
    const remedy = remedyFor(code, error.cause, now());
    const facts = { library: name, code };
    return [{ ...base, text: `${name}: ${error.message}`, remedy, facts }];
  }
}

function answeredFinding(name: string, { api, apiVersion, token }: AskedLibrary): Finding {
  const base = about("answer", name);
  const facts = { library: name, api, apiVersion: apiVersion ?? null };
  if (apiVersion !== undefined || token === "refused") {
    const version = apiVersion === undefined ? "" : `, version ${apiVersion} of the API`;
    return { ...base, status: "ok", text: `${name}: a library at ${api}${version}`, facts };
  }
  const text = `${name}: ${api} does not tell the version of its API: a library of old, or none`;
  const remedy = `check the endpoint of ${name} under libraries in the configuration`;
  return { ...base, status: "warning", text, remedy, facts };
}

function tokenFindings(name: string, { token, tokenFrom }: AskedLibrary): Finding[] {
  const base = about("token", name);
  const which = `${name}: the token of ${tokenFrom ?? "nobody"}`;
  switch (token) {
    case "none":
      return [{ ...base, status: "ok", text: `${name}: asked without a token` }];
    case "accepted":
      return [{ ...base, status: "ok", text: `${which} is accepted` }];
    case "unknown":
      return [
        {
          ...base,
          status: "note",
          text: `${which} is sent; the library does not say if it is good`,
        },
      ];
    case "refused": {
      const remedy = "have a new token from the library, and put it there";
      return [{ ...base, status: "problem", text: `${which} is refused`, remedy }];
    }
  }
}

function clockFindings(name: string, { time }: AskedLibrary, now: number): Finding[] {
  if (time === undefined || Math.abs(time - now) <= MOST_SKEW_MS) return [];
  const minutes = Math.round(Math.abs(time - now) / 60_000);
  const way = time > now ? "behind" : "ahead of";
  return [
    {
      ...about("clock", name),
      status: "warning",
      text: `this machine's clock is ${minutes} minutes ${way} that of ${name}`,
      remedy: "set the wrong one: certificates and places to upload to are valid by the clock",
      facts: { library: name, skewSeconds: Math.round((now - time) / 1000) },
    },
  ];
}

const UNREACHABLE = "check the endpoint under libraries, the network and the proxy variables";

/** What to do about a library that cannot be asked. */
function remedyFor(code: string, cause: unknown, now: number): string {
  const reason = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (reason) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "name the authority's certificate as its ca under libraries";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "give it by the name that its certificate has, as its endpoint under libraries";
    case "CERT_HAS_EXPIRED":
      return `have the library's certificate renewed; or ${clockRemedy(now)}`;
    case "CERT_NOT_YET_VALID":
      return clockRemedy(now);
    default:
      return REMEDIES[code] ?? UNREACHABLE;
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  LIBRARY_CONFIG: "correct what is named: pulls from this library are refused",
  LIBRARY_BLOCKED: "use that one, or ask who runs this machine",
  LIBRARY_UNAUTHORIZED: "give a token of the library under libraries",
  LIBRARY_DENIED: "ask the library's operator",
  LIBRARY_DISCOVERY: "give its endpoint under libraries",
  LIBRARY_PROTOCOL: "check the endpoint under libraries: what answers is no library",
  LIBRARY_STATUS: "try again later, or tell the library's operator",
  LIBRARY_RATE_LIMITED: "try again later",
};

function clockRemedy(now: number): string {
  return `set this machine's clock, which says ${dateText(now)}`;
}

function dateText(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function about(check: string, library: string): Pick<Finding, "topic" | "check" | "facts"> {
  return { topic: "libraries", check, facts: { library } };
}
