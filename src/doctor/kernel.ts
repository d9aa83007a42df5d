import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { readText, type Host } from "./host.ts";

/** Compressors of squashfs, as people name them. */
export type SquashfsCompressor = "gzip" | "lzma" | "lzo" | "xz" | "lz4" | "zstd";

/** What the running kernel can do with squashfs. */
export interface KernelSquashfs {
  /** `module`: loaded when root mounts one; `unknown`: neither there nor known to be missing. */
  readonly driver: "ready" | "module" | "missing" | "unknown";
  /** Undefined where the kernel's configuration cannot be read. */
  readonly compressors: readonly SquashfsCompressor[] | undefined;
}

/** Configuration options of the kernel, and what they let it read. No kernel reads lzma. */
const OPTIONS = [
  ["CONFIG_SQUASHFS_ZLIB", "gzip"],
  ["CONFIG_SQUASHFS_LZO", "lzo"],
  ["CONFIG_SQUASHFS_XZ", "xz"],
  ["CONFIG_SQUASHFS_LZ4", "lz4"],
  ["CONFIG_SQUASHFS_ZSTD", "zstd"],
] as const;

/** A hostile answer is no concern here, a slip is: configurations have 200 to 300 KiB. */
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

/** Looks at what the running kernel has and how it was configured. */
export async function probeKernel(host: Host): Promise<KernelSquashfs> {
  const config = await kernelConfig(host);
  return {
    driver: await driverOf(host, config),
    compressors:
      config === undefined
        ? undefined
        : OPTIONS.filter(([option]) => isSet(config, option)).map(([, compressor]) => compressor),
  };
}

async function driverOf(host: Host, config: string | undefined): Promise<KernelSquashfs["driver"]> {
  const ready = (await readText(host, "/proc/filesystems")) ?? "";
  if (/^\s*squashfs$/m.test(ready)) return "ready";
  const directory = join("/lib/modules", host.kernelRelease);
  const modules = await readText(host, join(directory, "modules.dep"));
  if (modules !== undefined && /\/squashfs\.ko(\.\w+)?:/.test(modules)) return "module";
  if (config !== undefined && !isSet(config, "CONFIG_SQUASHFS")) return "missing";
  return modules === undefined ? "unknown" : "missing";
}

async function kernelConfig(host: Host): Promise<string | undefined> {
  const { kernelRelease: release } = host;
  for (const path of [`/boot/config-${release}`, `/lib/modules/${release}/config`]) {
    const text = await readText(host, path);
    if (text !== undefined) return text;
  }
  const packed = await host.read("/proc/config.gz");
  if (packed === undefined) return undefined;
  try {
    const bytes = await promisify(gunzip)(packed, { maxOutputLength: MAX_CONFIG_BYTES });
    return bytes.toString();
  } catch {
    return undefined;
  }
}

function isSet(config: string, option: string): boolean {
  return new RegExp(`^${option}=[ym]$`, "m").test(config);
}
