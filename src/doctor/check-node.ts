import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";

/** The oldest Node that has all that siflet uses. */
const LEAST = { major: 24, minor: 15 } as const;

const START_REMEDY = "start siflet by its own command or by ./siflet, which set it";

/** The Node that runs us, and what holds its memory down. */
export function checkNode({ nodeVersion, nodeFlags, variables }: Host): Finding[] {
  return [
    versionFinding(nodeVersion),
    settingFinding({
      check: "malloc-arenas",
      name: "MALLOC_ARENA_MAX=1",
      isSet: variables["MALLOC_ARENA_MAX"] === "1",
    }),
    settingFinding({
      check: "semi-space",
      name: "--max-semi-space-size=1",
      isSet: nodeFlags.some((flag) => flag.replaceAll("_", "-") === "--max-semi-space-size=1"),
    }),
  ];
}

function versionFinding(version: string): Finding {
  const base = { topic: "node", check: "version", facts: { version } } as const;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > LEAST.major || (major === LEAST.major && minor >= LEAST.minor)) {
    return { ...base, status: "ok", text: `Node ${version}` };
  }
  return {
    ...base,
    status: "problem",
    text: `Node ${version} is too old`,
    remedy: `use Node ${LEAST.major}.${LEAST.minor} or later`,
  };
}

interface MemorySetting {
  readonly check: string;
  readonly name: string;
  readonly isSet: boolean;
}

function settingFinding({ check, name, isSet }: MemorySetting): Finding {
  const base = { topic: "node", check, facts: { isSet } } as const;
  if (isSet) return { ...base, status: "ok", text: `${name} is set` };
  return {
    ...base,
    status: "warning",
    text: `${name} is not set: a pull takes up to a third more memory`,
    remedy: START_REMEDY,
  };
}
