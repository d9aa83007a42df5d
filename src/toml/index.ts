export { parseToml } from "./parse-toml.ts";
export { booleanIn, entriesIn, listIn, refusal, textIn } from "./toml-values.ts";
