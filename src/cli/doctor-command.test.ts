import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemHost, type Host } from "../doctor/index.ts";
import { openStore } from "../store/index.ts";
import { BARE_HOST, newDirectory, runHere, TEST_NOW, type CliResult } from "./cli-fixture.ts";

async function doctor(
  directory: string,
  host: Partial<Host>,
  ...args: readonly string[]
): Promise<CliResult> {
  const openHost = (): Promise<Host> => Promise.resolve({ ...BARE_HOST, ...host });
  return await runHere([...args, "doctor"], { directory, environment: { openHost } });
}

test("doctor prints topics, and a remedy below what is wrong; warnings leave the exit code 0", async (t) => {
  const directory = await newDirectory(t);
  const { exitCode, stdout, stderr } = await doctor(directory, {});
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: [] });
  assert.match(stdout, /^Configuration\n {2}ok {7}no configuration file/);
  assert.match(stdout, /\n\nNode\n {2}ok {7}Node 24\.21\.0\n {2}warning {2}MALLOC_ARENA_MAX=1/);
  assert.match(stdout, /\n {2}warning {2}no loop devices.*\n {11}→ as root: modprobe loop/);
  for (const title of ["Store", "Kernel", "Runtimes", "Registries"]) {
    assert.ok(stdout.includes(`\n\n${title}\n`), title);
  }
  assert.deepEqual(await readdir(directory), [], "nothing is made");
});

test("a problem is exit code 14, and --json has the same findings", async (t) => {
  const directory = await newDirectory(t);
  const host = {
    find: (name: string) => Promise.resolve(name === "apptainer" ? "/opt/apptainer" : undefined),
    versionOf: () => Promise.resolve("apptainer version 1.3.0\u001b[2J\n"),
  };
  await writeFile(join(directory, "c.yaml"), "compression: zstd\n");
  const text = await doctor(directory, host, "--config", "c.yaml");
  assert.equal(text.exitCode, 14);
  assert.match(text.stdout, /\n {2}PROBLEM {2}Apptainer 1\.3\.0 \(\/opt\/apptainer\) refuses zstd/);
  assert.ok(!text.stdout.includes("\u001b"));
  const openHost = (): Promise<Host> => Promise.resolve({ ...BARE_HOST, ...host });
  const args = ["--config", "c.yaml", "doctor", "--json"];
  const json = await runHere(args, { directory, environment: { openHost } });
  assert.equal(json.exitCode, 14);
  const { worst, findings } = JSON.parse(json.stdout) as {
    worst: string;
    findings: { check: string; status: string; facts?: object }[];
  };
  assert.equal(worst, "problem");
  const [problem, ...others] = findings.filter(({ status }) => status === "problem");
  assert.equal(problem?.check, "apptainer");
  assert.deepEqual(others, []);
  assert.deepEqual(problem.facts, {
    path: "/opt/apptainer",
    product: "Apptainer",
    version: "1.3.0",
    reads: ["gzip", "lzma", "lzo", "xz", "lz4"],
  });
});

test("text and --json tell the same findings, each with its remedy", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "c.yaml"), "jobs: 0\n");
  const text = await doctor(directory, {}, "--config", "c.yaml");
  const json = await runHere(["--config", "c.yaml", "doctor", "--json"], { directory });
  assert.deepEqual([text.exitCode, json.exitCode], [14, 14]);
  const { findings } = JSON.parse(json.stdout) as {
    findings: { status: string; text: string; remedy?: string }[];
  };
  const lines = findings.flatMap(({ status, text, remedy }) => {
    const shown = (status === "problem" ? "PROBLEM" : status).padEnd(7);
    return [`  ${shown}  ${text}`, ...(remedy === undefined ? [] : [`           → ${remedy}`])];
  });
  assert.deepEqual(
    text.stdout.split("\n").filter((line) => line.startsWith(" ")),
    lines,
  );
  assert.ok(findings.some(({ status, remedy }) => status === "problem" && remedy !== undefined));
  assert.ok(findings.some(({ status, remedy }) => status === "warning" && remedy !== undefined));
});

const broken = [
  { name: "wrong in two lines", text: "jobs: 0\nowner: me\n", lines: [1, 2] },
  { name: "no YAML", text: "\n\n'", lines: [3] },
  { name: "no text", text: Buffer.from([0xff]), lines: [1] },
] as const;

for (const { name, text, lines } of broken) {
  test(`a configuration that is ${name} is found, and the rest is looked at all the same`, async (t) => {
    const directory = await newDirectory(t);
    await writeFile(join(directory, "c.yaml"), text);
    const { exitCode, stdout, stderr } = await doctor(directory, {}, "--config", "c.yaml");
    assert.deepEqual({ exitCode, stderr }, { exitCode: 14, stderr: [] });
    assert.match(stdout, /\n\nStore\n/);
    const problems = stdout.matchAll(/^ {2}PROBLEM {2}.*c\.yaml:(\d+): /gm);
    assert.deepEqual(
      Array.from(problems, ([, line]) => Number(line)),
      lines,
    );
  });
}

test("a configuration that is named and not there is found", async (t) => {
  const directory = await newDirectory(t);
  const { exitCode, stdout } = await doctor(directory, {}, "--config", "no.yaml");
  assert.equal(exitCode, 14);
  assert.match(stdout, /PROBLEM {2}cannot read the configuration file .*no\.yaml/);
});

test("on a real machine the store is opened, and nothing in it changes", async (t) => {
  const directory = await newDirectory(t);
  const store = join(directory, "store");
  const options = { directory: store, host: "test", bootId: "1", now: () => TEST_NOW };
  await (await openStore(options))[Symbol.asyncDispose]();
  const before = await readdir(store);
  const { stdout } = await doctor(directory, systemHost({ ...BARE_HOST, variables: {} }));
  assert.match(stdout, /\n {2}ok {7}.*\/store is ours to write \(0700\)\n/);
  assert.match(stdout, /\n {2}ok {7}the database opens: journal mode (WAL|rollback), claims by /);
  // SQLite keeps its own files beside a database with a WAL that was read.
  const after = (await readdir(store)).filter((name) => !name.startsWith("siflet.db-"));
  assert.deepEqual(after, before);
});
