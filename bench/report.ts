import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { resolve } from "node:path";
import type { DaemonAnswers, DaemonFigures } from "./daemon-answers.ts";
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

/** All that was measured; `daemon` names its own machine, for it may be measured alone. */
interface Results {
  readonly machine: string;
  readonly rounds: number;
  readonly sections: readonly Section[];
  readonly facts: readonly Fact[];
  readonly daemon: DaemonAnswers & { readonly machine: string };
}

const root = resolve(import.meta.dirname, "..");
const RESULTS = resolve(root, "bench/results.json");

/** Writes `bench/results.json` and `docs/performance.md`; nothing in them is typed by hand. */
export async function writeReport(
  sections: readonly Section[],
  facts: readonly Fact[],
  daemon: DaemonAnswers,
  rounds: number,
): Promise<string> {
  const machine = await describeMachine();
  return await write({ machine, rounds, sections, facts, daemon: { machine, ...daemon } });
}

/** The same with new figures of the daemon and all others as they stand in `bench/results.json`. */
export async function updateDaemon(daemon: DaemonAnswers): Promise<string> {
  const before = JSON.parse(await readFile(RESULTS, "utf8")) as Results;
  return await write({ ...before, daemon: { machine: await describeMachine(), ...daemon } });
}

async function write(results: Results): Promise<string> {
  await writeFile(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  const text = formatReport(results);
  await writeFile(resolve(root, "docs/performance.md"), text);
  return text;
}

function formatReport({ machine, rounds, sections, facts, daemon }: Results): string {
  return [
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
    ...daemonTable(daemon),
    "",
    "## Other figures",
    "",
    ...rows([["what", "figure"], ...facts.map(({ name, value }) => [name, value])]),
    "",
  ].join("\n");
}

function daemonTable({ machine, idle, converting }: Results["daemon"]): string[] {
  const ms = (value: number): string => value.toFixed(1);
  const about = ({ load, loopDelayMs }: DaemonFigures): string =>
    `load ${load.toFixed(1)}, event loop ${ms(loopDelayMs)} ms at p99`;
  return [
    "## What a kubelet waits for",
    "",
    "A daemon with 10,000 images, asked at ten times a kubelet's rates by processes of their own: when it does",
    "nothing else, and while it converts one image after the other. Milliseconds; the budget is for p99 while",
    "converting. The daemon's clock of its event loop ticks once in 10 ms, which is part of its figure; a load",
    "above the number of processors tells that others used the machine, too.",
    "",
    `Machine: ${machine}. Idle: ${about(idle)}. Converting: ${about(converting)}, ${converting.pulls} images.`,
    "",
    ...rows([
      ["call", "idle p50", "idle p99", "converting p50", "converting p99", "budget", "calls"],
      ...converting.calls.map((figures, index) => [
        figures.call,
        ...[idle.calls[index], figures].flatMap((each) =>
          each === undefined ? ["–", "–"] : [ms(each.p50Ms), ms(each.p99Ms)],
        ),
        String(figures.budgetMs),
        String(figures.calls),
      ]),
    ]),
  ];
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
