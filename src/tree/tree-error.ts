import { CodedError } from "../base/index.ts";

/** Layers that do not make a tree together: a bad whiteout, a link to nothing, a link loop. */
export class TreeError extends CodedError<
  "TREE_WHITEOUT" | "TREE_LINK_TARGET" | "TREE_LINK_LOOP" | "TREE_PARENT"
> {}
