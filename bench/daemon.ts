import { startDockerRegistry } from "../test/real/index.ts";
import { measureDaemon } from "./daemon-answers.ts";
import { updateDaemon } from "./report.ts";

/** `npm run bench:daemon -- 3`: the part of the benchmark that measures the daemon; the rest stays as it was. */
const rounds = Number(process.argv[2] ?? 3);

await using registry = await startDockerRegistry();
console.log(await updateDaemon(await measureDaemon(registry.host, rounds)));
