import type { ByteSource } from "../base/index.ts";
import type { SifPlan } from "./plan-sif.ts";

/** A SIF in memory: the plan's head and `payloads` where the plan puts them. */
export function assemble(plan: SifPlan, payloads: readonly Uint8Array[] = []): Uint8Array {
  const bytes = new Uint8Array(plan.size);
  bytes.set(plan.head);
  plan.objects.forEach(({ offset }, at) => {
    bytes.set(payloads[at] ?? new Uint8Array(0), offset);
  });
  return bytes;
}

/** A source that refuses what `ByteSource` says that callers never ask. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (position, length) => {
      if (position < 0 || length < 0 || position + length > bytes.length) {
        throw new RangeError(`read of ${length} bytes at ${position} of ${bytes.length}`);
      }
      return await Promise.resolve(bytes.slice(position, position + length));
    },
  };
}

export const never: AbortSignal = new AbortController().signal;
