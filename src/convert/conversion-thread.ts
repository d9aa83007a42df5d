import { parentPort, workerData } from "node:worker_threads";
import { lowerPriority } from "../base/index.ts";
import { CODECS, CompressorPool } from "../codec/index.ts";
import type { ThreadSettings, ToThread } from "./messages.ts";

const port = parentPort;
if (port === null) throw new Error("conversion-thread runs as a worker");
lowerPriority();
const settings = workerData as ThreadSettings;
// First, for its threads start while all the rest is loaded.
const pool = new CompressorPool(
  { settings: CODECS[settings.compression], compressors: settings.compressors },
  { jobs: settings.jobs, checksCodec: settings.checksCodec },
);
const { LayerConverter } = await import("./layer-converter.ts");
const converter = new LayerConverter(settings, pool, (message, transfer) => {
  port.postMessage(message, transfer ?? []);
});
port.on("message", (message: ToThread) => {
  converter.receive(message);
});
