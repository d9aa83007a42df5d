import { textLines } from "./shell-word.ts";

/** An image from a registry names nothing to do for `instance start`. */
export const START_SCRIPT: string = textLines("#!/bin/sh");

/** Nor for `test`. */
export const TEST_SCRIPT: string = textLines("#!/bin/sh");
