import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../base/index.ts";
import { DaemonLog } from "./daemon-log.ts";
import type { LogFormat } from "./log-fields.ts";

const AT = "2026-01-02T03:04:05.006Z";

function logIn(format: LogFormat): { readonly log: DaemonLog; readonly text: () => string } {
  let written = "";
  const write = (lines: string): void => {
    written += lines;
  };
  const log = new DaemonLog({ format, level: "info", write, now: () => Date.parse(AT) });
  return { log, text: () => written };
}

test("a record is one JSON object", () => {
  const { log, text } = logIn("json");
  log.write("warn", "100 %s", { call: "a-1", durationMs: 1.5, stagesMs: { fetch: 2 } });
  assert.deepEqual(JSON.parse(text()), {
    level: "warn",
    time: AT,
    message: "100 %s",
    call: "a-1",
    durationMs: 1.5,
    stagesMs: { fetch: 2 },
  });
  assert.ok(text().endsWith("}\n"));
});

test("a record is one line for whoever reads it, with what is not plain in quotes", () => {
  const { log, text } = logIn("human");
  log.write("info", "pulled", { image: "a b", error: 'x="y"', stagesMs: { fetch: 2 } });
  assert.equal(text(), `${AT} INFO  pulled image="a b" error="x=\\"y\\"" stagesMs.fetch=2\n`);
});

test("a stack follows in lines of its own", () => {
  const { log, text } = logIn("human");
  log.write("error", "failed", { stack: ["Error: one", "at two"] });
  assert.equal(text(), `${AT} ERROR failed\n    Error: one\n    at two\n`);
});

test("what is below the level is not written, and the level can change", () => {
  const { log, text } = logIn("human");
  log.write("debug", "unseen", {});
  assert.equal(log.isWritten("debug"), false);
  log.level = "debug";
  log.write("debug", "seen", {});
  log.level = "error";
  log.warn("unseen");
  assert.equal(text(), `${AT} DEBUG seen\n`);
});

for (const format of ["human", "json"] as const) {
  test(`text of strangers forges no line and no field: ${format}`, () => {
    const { log, text } = logIn(format);
    const forged = `x\r\n${AT} INFO  pulled\u2028\u0085\u001b[2Jimage=evil","level":"error`;
    log.write("warn", forged, { image: forged, stack: [forged] });
    const lines = text().trimEnd().split("\n");
    assert.equal(lines.length, format === "json" ? 1 : 2);
    assert.ok(!lines.slice(1).some((line) => !line.startsWith("    ")));
    // eslint-disable-next-line no-control-regex -- control characters are what this looks for
    assert.doesNotMatch(text().replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f\u2028]/);
    if (format === "json") {
      assert.equal((JSON.parse(text()) as { readonly level: string }).level, "warn");
    }
  });

  test(`a secret is masked wherever it stands: ${format}`, () => {
    const { log, text } = logIn(format);
    const secrets = [new Secret("pass"), new Secret("bob:pass-word")];
    const said = "bob:pass-word and pass";
    log.write("warn", said, { image: said, stack: [said] }, secrets);
    assert.doesNotMatch(text(), /pass|word/);
    assert.match(text(), /\[redacted\] and \[redacted\]/);
  });
}
