import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { resolve } from "node:path";
import type { Result } from "./rounds.ts";

/** One table of the report. */
export interface Section {
  readonly title: string;
  readonly text: string;
  readonly results: readonly Result[];
  /** Name of the contender that ratios are against; absent: none are shown. */
  readonly peer?: string;
}

/** Figures that are no contenders' costs. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

const root = resolve(import.meta.dirname, "..");

/** Writes `bench/results.json` and `docs/performance.md`; nothing in them is typed by hand. */
export async function writeReport(
  sections: readonly Section[],
  facts: readonly Fact[],
  rounds: number,
): Promise<string> {
  const machine = await describeMachine();
  const json = JSON.stringify({ machine, rounds, sections, facts }, undefined, 2);
  await writeFile(resolve(root, "bench/results.json"), `${json}\n`);
  const text = [
    "# Performance",
    "",
    "<!-- Written by `npm run bench`; do not edit. -->",
    "",
    `Medians of ${rounds} rounds, the contenders of a table in turn; peak memory is the largest of`,
    "one process in all rounds. Ratios hold when the machine's speed changes; seconds do not.",
    "",
    `Machine: ${machine}.`,
    ...sections.flatMap((section) => [
      "",
      `## ${section.title}`,
      "",
      section.text,
      "",
      ...table(section),
    ]),
    "",
    "## Other figures",
    "",
    ...rows([["what", "figure"], ...facts.map(({ name, value }) => [name, value])]),
    "",
  ].join("\n");
  await writeFile(resolve(root, "docs/performance.md"), text);
  return text;
}

function table({ results, peer }: Section): string[] {
  const other = results.find(({ name }) => name === peer);
  const ratio = (own: number, theirs: number | undefined): string =>
    theirs === undefined || theirs === 0 ? "" : ` (${(own / theirs).toFixed(3)}×)`;
  const head = ["", "wall s", "CPU s", "peak MB", "fetched MB", "written MB", "size MB"];
  return rows([
    head,
    ...results.map((r) => [
      r.name,
      `${r.wallSeconds.toFixed(2)}${ratio(r.wallSeconds, other?.wallSeconds)}`,
      `${r.cpuSeconds.toFixed(2)}${ratio(r.cpuSeconds, other?.cpuSeconds)}`,
      (r.peakBytes / 1e6).toFixed(0),
      (r.fetchedBytes / 1e6).toFixed(1),
      (r.writtenBytes / 1e6).toFixed(1),
      r.size === 0 ? "–" : `${(r.size / 1e6).toFixed(1)}${ratio(r.size, other?.size)}`,
    ]),
  ]);
}

function rows(lines: readonly (readonly string[])[]): string[] {
  const [head = [], ...rest] = lines;
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...rest.map(row)];
}

async function describeMachine(): Promise<string> {
  const kernel = (await readFile("/proc/sys/kernel/osrelease", "utf8")).trim();
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${cpu?.model.trim() ?? "unknown"}, ${memory}, Linux ${kernel}, Node ${process.version}`;
}
