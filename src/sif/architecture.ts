import { SifError } from "./sif-error.ts";

const CODES = {
  "386": "01",
  amd64: "02",
  arm: "03",
  arm64: "04",
  ppc64: "05",
  ppc64le: "06",
  mips: "07",
  mipsle: "08",
  mips64: "09",
  mips64le: "10",
  s390x: "11",
  riscv64: "12",
  loong64: "13",
} as const;

/** An architecture as two ASCII digits; `00` where a file has no primary system partition. */
export type SifArchitecture = "00" | (typeof CODES)[keyof typeof CODES];

const BY_NAME: ReadonlyMap<string, SifArchitecture> = new Map(Object.entries(CODES));

/**
 * The code of an architecture in Go's words, as an OCI configuration names it. No code carries a
 * variant: every `arm` is the same, whichever `variant` the image was made for.
 *
 * @throws SifError `SIF_ARCHITECTURE` for one that the format has no code for
 * @see sif.md §1.2, arch codes
 */
export function goArchCode(architecture: string, variant: string): SifArchitecture {
  const code = BY_NAME.get(architecture);
  if (code !== undefined) return code;
  const name = variant === "" ? architecture : `${architecture}/${variant}`;
  throw new SifError(
    "SIF_ARCHITECTURE",
    `architecture ${JSON.stringify(name.slice(0, 100))}: expected one of ${[...BY_NAME.keys()].join(", ")}`,
  );
}

/**
 * The architecture in Go's words that a code stands for; undefined for `00` and codes that we do not
 * know.
 */
export function goArchName(code: string): string | undefined {
  return Object.entries(CODES).find(([, known]) => known === code)?.[0];
}
