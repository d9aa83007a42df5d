export { Conversion, type ConversionOptions, type ConvertedImage } from "./conversion.ts";
export { ConvertError } from "./convert-error.ts";
export type { AssembleTask, LayerTask } from "./messages.ts";
