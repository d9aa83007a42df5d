import { dirname } from "node:path";
import { openFileSource, realPath } from "../base/index.ts";
import {
  type Authority,
  CosignError,
  type CosignErrorCode,
  demandedAuthorities,
  judgeDemand,
  keyAuthority,
  policyDemand,
  type PolicyDemand,
  type PolicyParts,
  type ReadFile,
} from "../cosign/index.ts";
import {
  formatImageName,
  type ImageEvidence,
  type JudgedFile,
  type JudgedImage,
} from "../image/index.ts";
import {
  SigningError,
  verifySif,
  type PemKey,
  type OpenPgpKeys,
  type SifVerification,
  type SigningErrorCode,
} from "../signing/index.ts";
import { refusalOf } from "./execution-control-list.ts";
import { judge, type Judgement } from "./judge.ts";
import { ruleFor, type ChosenRule, type TrustPolicy } from "./policy.ts";
import { policyPlaces } from "./policy-places.ts";
import { SignaturesBeside } from "./signatures-beside.ts";
import { TrustError } from "./trust-error.ts";
import { signsImages, trustedKeys, type ReadText, type TrustedKeys } from "./trusted-keys.ts";

/** What a policy is judged with. */
export interface TrustParts {
  readonly policy: TrustPolicy;
  /** Reads a policy.json, which must accept an image, too; asked once. Absent: there is none. */
  readonly containers?: (() => Promise<PolicyParts>) | undefined;
  /** Asked for the keys of signers, in this order. */
  readonly keys: readonly OpenPgpKeys[];
  /** Keys that are known besides those that the policy names; absent: none. */
  readonly pem?: readonly PemKey[];
  /** Reads the keys and certificates that the policy names. */
  readonly readText: ReadText;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Everything about the signatures of one image. */
export interface TrustReport {
  readonly verification: SifVerification;
  /** Signatures beside the image in its registry, each once. */
  readonly beside: readonly ImageEvidence[];
  /** One for each name, or one for an image without any; then those by policy.json. */
  readonly judgements: readonly Judgement[];
  /** What `keptBeside` makes the signatures beside it of again, by name. */
  readonly kept: ReadonlyMap<string, string>;
}

const NOTHING: SifVerification = {
  signatures: [],
  groups: new Map(),
  ungrouped: [],
  primary: undefined,
};

/** What the signatures of a file prove. */
interface Verified {
  readonly verification: SifVerification;
  /** With the legacy ones, where one of the lists takes such. */
  readonly forLists: SifVerification;
}

/** A name with what is asked of it. */
interface Asked {
  readonly name: string | undefined;
  readonly rule: ChosenRule;
  readonly trusted: TrustedKeys;
}

/** Decides by a policy whether an image may go by its names. */
export class Trust {
  readonly #parts: TrustParts;
  #containers: Promise<PolicyParts> | undefined;

  constructor(parts: TrustParts) {
    this.#parts = parts;
  }

  /**
   * Whether signatures beside an image in its registry are looked for: where signers of images are trusted
   * under one of its names, or a policy.json names some.
   *
   * @throws as `report`
   */
  async looksBeside(image: Pick<JudgedImage, "names" | "from">): Promise<boolean> {
    const { policy } = this.#parts;
    if (named(image.names).some((name) => ruleFor(policy, name).signers.some(signsImages))) {
      return true;
    }
    const demands = await this.#demands(image);
    return demands.some((demand) => demandedAuthorities(demand).length > 0);
  }

  /**
   * Checks the signatures of an image and judges it by each of its names.
   *
   * @throws SigningError, CosignError for a key or a file of the policy that cannot be used; SifError for
   *   what is no SIF; what the registry's answers are at fault for
   */
  async report(image: JudgedImage, signal: AbortSignal): Promise<TrustReport> {
    const asked = await this.#asked(image.names);
    const demands = await this.#demands(image);
    const ofPolicy = demands.flatMap(demandedAuthorities);
    const beside = await this.#beside(image, asked, ofPolicy, signal);
    const { verification, forLists } = await this.#verifyFile(image.file, asked, signal);
    const places = await Promise.all(directoriesOf(image.file).map(realPath));
    const byRules = asked.map(({ name, rule, trusted }) => {
      const evidence = name === undefined ? [] : beside.of(name);
      const judgement = judge(name, rule, trusted, { ...verification, beside: evidence });
      return this.#withLists(judgement, places, forLists);
    });
    const byPolicy = demands.map((demand) => judgeByPolicy(demand, image.what, beside));
    return {
      verification,
      beside: beside.all,
      judgements: [...byRules, ...byPolicy],
      kept: beside.kept,
    };
  }

  /**
   * Accepts an image by each of its names, or throws.
   *
   * @throws as `report`; SigningError, CosignError for a signature that is broken or is not there;
   *   TrustError
   */
  async require(image: JudgedImage, signal: AbortSignal): Promise<TrustReport> {
    const report = await this.report(image, signal);
    for (const judgement of report.judgements) refuse(image.what, judgement);
    return report;
  }

  /** Names of one image mostly have one rule: its keys are read once. */
  async #asked(names: readonly string[]): Promise<readonly Asked[]> {
    const { policy, readText, now } = this.#parts;
    const byRule = new Map<string, TrustedKeys>();
    const asked: Asked[] = [];
    for (const name of named(names)) {
      const rule = ruleFor(policy, name);
      const trusted = byRule.get(rule.where) ?? (await trustedKeys(rule.signers, readText, now()));
      byRule.set(rule.where, trusted);
      asked.push({ name, rule, trusted });
    }
    return asked;
  }

  async #demands(image: Pick<JudgedImage, "names" | "from">): Promise<readonly PolicyDemand[]> {
    const { containers: read, readText } = this.#parts;
    if (read === undefined) return [];
    this.#containers ??= read();
    const containers = await this.#containers;
    const readFile: ReadFile = async (path) => Buffer.from(await readText(path));
    return await Promise.all(
      policyPlaces(image).map(async (place) => await policyDemand(containers, place, readFile)),
    );
  }

  async #beside(
    { what, names, beside }: JudgedImage,
    asked: readonly Asked[],
    ofPolicy: readonly Authority[],
    signal: AbortSignal,
  ): Promise<SignaturesBeside> {
    const { pem = [], now } = this.#parts;
    const known = pem.map((key) => keyAuthority(key));
    const all = [...asked.flatMap(({ trusted }) => trusted.authorities), ...ofPolicy, ...known];
    const authorities = new Map(all.map((one) => [one.id, one]));
    const options = { what, now: now() };
    return await SignaturesBeside.find(names, beside, [...authorities.values()], options, signal);
  }

  async #verifyFile(
    judged: JudgedFile | undefined,
    asked: readonly Asked[],
    signal: AbortSignal,
  ): Promise<Verified> {
    if (judged === undefined) return { verification: NOTHING, forLists: NOTHING };
    const { path, digests = new Map<string, string>() } = judged;
    const { policy, keys, now } = this.#parts;
    await using file = await openFileSource(path);
    const pem = [...asked.flatMap(({ trusted }) => trusted.pem), ...(this.#parts.pem ?? [])];
    const verify = async (legacyInsecure: boolean): Promise<SifVerification> => {
      const options = { now: now(), legacyInsecure, digests };
      return await verifySif(file, { openPgp: keys, pem }, options, signal);
    };
    const verification = await verify(policy.legacyInsecure);
    // What a list takes is nobody else's to count.
    const isMore = !policy.legacyInsecure && policy.lists.some((list) => list.legacyInsecure);
    return { verification, forLists: isMore ? await verify(true) : verification };
  }

  #withLists(
    judgement: Judgement,
    directories: readonly string[],
    { signatures, groups }: SifVerification,
  ): Judgement {
    if (!judgement.isAccepted) return judgement;
    const [reason] = this.#parts.policy.lists.flatMap((list) =>
      directories.flatMap((each) => refusalOf(list, each, signatures, groups.size) ?? []),
    );
    if (reason === undefined) return judgement;
    return { ...judgement, isAccepted: false, code: "TRUST_FORBIDDEN", reason };
  }
}

function judgeByPolicy(demand: PolicyDemand, what: string, beside: SignaturesBeside): Judgement {
  const { place, where } = demand;
  const name = "name" in place ? formatImageName(place.name) : what;
  // What lies in one repository was given for no name in another.
  const evidence = "name" in place ? (beside.of(name) ?? []) : beside.all;
  const about = { name, where, demand: "policy.json", trusted: [], signed: "no" } as const;
  try {
    const accepted = judgeDemand(demand, name, evidence);
    const trusted = accepted.flatMap(({ signer }) =>
      signer === undefined ? [] : [signer.identity ?? signer.fingerprint],
    );
    const signed = accepted.length > 0 ? "valid" : "no";
    return { ...about, trusted: [...new Set(trusted)], signed, isAccepted: true };
  } catch (error) {
    if (!(error instanceof CosignError)) throw error;
    return { ...about, isAccepted: false, code: error.code, reason: error.message };
  }
}

/** None of an image that is converted here. */
function directoriesOf(file: JudgedFile | undefined): readonly string[] {
  if (file === undefined) return [];
  const { path, directory = dirname(path), copyDirectory } = file;
  return copyDirectory === undefined ? [directory] : [directory, copyDirectory];
}

/** The names to judge by: an image without any is judged once. */
function named(names: readonly string[]): readonly (string | undefined)[] {
  return names.length === 0 ? [undefined] : names;
}

function refuse(what: string, judgement: Judgement): void {
  const { isAccepted, code = "", reason = "", name, demand, isBeside = false } = judgement;
  if (isAccepted) return;
  // Its reason names the image.
  if (demand === "policy.json") throw new CosignError(code as CosignErrorCode, reason);
  const message = `${name ?? what}: ${reason}`;
  if (isBeside) throw new CosignError(code as CosignErrorCode, message);
  switch (code) {
    case "TRUST_REQUIRED":
    case "TRUST_FORBIDDEN":
      throw new TrustError(code, message);
    default:
      // What verification finds broken has a code of its own.
      throw new SigningError(code as SigningErrorCode, message);
  }
}
