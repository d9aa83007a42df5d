import { isRecord, kindOf } from "../image/index.ts";
import { base64In } from "../signing/index.ts";
import { CosignError } from "./cosign-error.ts";
import type { PolicySource } from "./policy-json.ts";
import { parseSignedName } from "./signed-identity.ts";

/** One object of a policy.json; all its methods throw `CosignError` `POLICY_INVALID`. */
export class PolicyObject {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #place: string;

  private constructor(fields: Readonly<Record<string, unknown>>, place: string) {
    this.#fields = fields;
    this.#place = place;
  }

  /** @param place - the file and the way to it, for messages */
  static of(value: unknown, place: string): PolicyObject {
    if (isRecord(value)) return new PolicyObject(value, place);
    throw new CosignError("POLICY_INVALID", `${place}: expected an object, got ${kindOf(value)}`);
  }

  /** Refuses every other member. */
  only(...names: readonly string[]): void {
    const other = Object.keys(this.#fields).find((name) => !names.includes(name));
    if (other === undefined) return;
    const got = JSON.stringify(other.slice(0, 100));
    const message = `${this.#place}: expected no members but ${names.join(", ")}, got ${got}`;
    throw new CosignError("POLICY_INVALID", message);
  }

  has(name: string): boolean {
    return name in this.#fields;
  }

  get(name: string): unknown {
    return this.#fields[name];
  }

  /** The one of the members that is there; exactly one must be. */
  oneOf<Name extends string>(...names: readonly Name[]): Name {
    const found = this.atMostOneOf(...names);
    if (found !== undefined) return found;
    const message = `${this.#place}: expected one of ${names.join(", ")}, got none`;
    throw new CosignError("POLICY_INVALID", message);
  }

  atMostOneOf<Name extends string>(...names: readonly Name[]): Name | undefined {
    const [first, ...more] = names.filter((name) => this.has(name));
    if (more.length === 0) return first;
    const message = `${this.#place}: expected one of ${names.join(", ")}, got several`;
    throw new CosignError("POLICY_INVALID", message);
  }

  /** Text that is not empty. */
  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value === "string" && value !== "") return value;
    throw this.wrong(name, "text that is not empty");
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  object(name: string): PolicyObject {
    return PolicyObject.of(this.#fields[name], `${this.#place}.${name}`);
  }

  /** The members of an object that need not be there. */
  optionalMembers(name: string): readonly (readonly [string, unknown])[] {
    if (!this.has(name)) return [];
    const value = this.#fields[name];
    if (!isRecord(value)) throw this.wrong(name, "an object");
    return Object.entries(value);
  }

  /** Of a member whose name says what it is: `…Path` or `…Data`. */
  source(name: string): PolicySource {
    const [source, ...more] = this.sources(name);
    if (source !== undefined && more.length === 0) return source;
    throw this.wrong(name, "one");
  }

  /** The same, and of lists: `…Paths` or `…Datas`. */
  sources(name: string): readonly PolicySource[] {
    const texts = name.endsWith("s") ? this.#texts(name) : [this.text(name)];
    return texts.map((text) => {
      if (/Paths?$/.test(name)) return { kind: "file", path: text };
      const bytes = base64In(text);
      if (bytes === undefined) throw this.wrong(name, "base64");
      return { kind: "data", bytes };
    });
  }

  /** The beginning of names: a host, or a path below one, up to a slash. */
  prefix(name: string): string {
    const text = this.text(name);
    const below = parseSignedName(`${text}/x`);
    // As it is written: a short name would come out longer, and fit nothing.
    if (below?.repository === `${text}/x` && below.suffix === undefined) return text;
    throw this.wrong(name, "a host, or a host and a path");
  }

  wrong(name: string, expected: string): CosignError {
    const got = kindOf(this.#fields[name]);
    const message = `${this.#place}.${name}: expected ${expected}, got ${got}`;
    return new CosignError("POLICY_INVALID", message);
  }

  #texts(name: string): readonly string[] {
    const list = this.#fields[name];
    if (!Array.isArray(list) || list.length === 0)
      throw this.wrong(name, "a list that is not empty");
    return list.map((each: unknown) => {
      if (typeof each === "string" && each !== "") return each;
      throw this.wrong(name, "a list of texts that are not empty");
    });
  }
}
