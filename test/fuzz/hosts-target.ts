import assert from "node:assert/strict";
import { HostsError } from "../../src/hosts/hosts-error.ts";
import { isAliasesAlone } from "../../src/hosts/is-aliases-alone.ts";
import { parseHostsToml, type HostSettings } from "../../src/hosts/parse-hosts-toml.ts";
import { parseRegistriesConf } from "../../src/hosts/parse-registries-conf.ts";
import { hostsInput } from "./hosts-inputs.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";

/**
 * What operators write about registries: hosts that can be asked and headers that can be sent, rules
 * that can be looked for, or a refusal with file and line. A file that is passed over without a parser
 * has no rule for one that has read it.
 */
export const hostsTarget: FuzzTarget = fuzzTarget({
  inputs: hostsInput,
  answer({ kind, text }) {
    const isPassedOver = kind === "registries.conf" && isAliasesAlone(text);
    try {
      const answer = kind === "hosts.toml" ? readHosts(text) : readConf(text);
      if (isPassedOver) assert.equal(answer, "registries.conf: no rules");
      return isPassedOver ? "registries.conf: passed over" : answer;
    } catch (error) {
      if (!(error instanceof HostsError)) throw error;
      assert.equal(isPassedOver, false, `passed over and yet refused: ${error.message}`);
      assert.match(error.message, /^file:[1-9][0-9]*: ./);
      return `${kind}: ${error.code}`;
    }
  },
  show: ({ kind, text }) => `${kind} ${JSON.stringify(text)}`,
  batch: 3000,
  memoryMiB: 600,
});

function readHosts(text: string): string {
  const { mirrors, upstream } = parseHostsToml(text, "file");
  for (const { api, ...settings } of [...mirrors, upstream]) {
    checkSettings(settings);
    if (api === undefined) continue;
    assert.match(api.href, /^https?:\/\/[^/@]+\/([^?#]*\/)?$/);
    assert.deepEqual([api.username, api.password], ["", ""]);
  }
  return mirrors.length === 0 ? "hosts.toml: no mirrors" : "hosts.toml: mirrors";
}

function checkSettings({ headers, connectMs, can }: HostSettings): void {
  for (const [name, value] of Object.entries(headers)) {
    assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
    assert.match(value, /^[\x20-\x7e]*$/);
    assert.ok(!["host", "range", "transfer-encoding", "content-length"].includes(name), name);
  }
  assert.ok(can.size > 0);
  assert.ok(connectMs === undefined || (connectMs > 0 && connectMs < 2 ** 31));
}

function readConf(text: string): string {
  const { rules, unread } = parseRegistriesConf(text, "file");
  const lines = text.split(/\r?\n/).length;
  for (const { prefix, line } of rules) {
    assert.ok(prefix !== "" && !prefix.includes("://") && !prefix.endsWith("/"), prefix);
    assert.ok(line >= 1 && line <= lines);
  }
  for (const { line } of unread) assert.ok(line >= 1 && line <= lines);
  return rules.length === 0 ? "registries.conf: no rules" : "registries.conf: rules";
}
