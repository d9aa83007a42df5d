import { findPartition } from "../pull/index.ts";
import { imageJson, type InspectedImage } from "./image-json.ts";
import { inspectText } from "./inspect-text.ts";
import { jsonText } from "./json-text.ts";
import { findImageToUse, openStoreToLookInto } from "./session-store.ts";
import type { Session } from "./session.ts";

export interface InspectFlags {
  readonly json?: boolean;
}

/** `siflet inspect`: all that is known of one image. */
export async function inspectCommand(
  text: string,
  flags: InspectFlags,
  session: Session,
): Promise<void> {
  await using store = await openStoreToLookInto(text, session);
  const { image } = await findImageToUse(store, text, session);
  const partition = await findPartition(image.path, session.signal);
  const { pins } = (await session.config()).values;
  const inspected: InspectedImage = { ...imageJson(image, pins), partition: partition ?? null };
  await session.print(
    flags.json === true
      ? `${jsonText(inspected)}\n`
      : inspectText(inspected, session.environment.now()),
  );
}
