/** What reads, converts and reuses layers. */
type ConversionParts = Pick<
  typeof import("./convert-image.ts"),
  "bytesToConvert" | "convertImage" | "requireRoomToConvert"
> &
  Pick<typeof import("./layer-reuse.ts"), "LayerReuse"> &
  Pick<typeof import("./verify-layers.ts"), "verifyLayers">;

/**
 * Loads the conversion: half of all modules, which a pull of an image that is present already does
 * without.
 */
export async function loadConversion(): Promise<ConversionParts> {
  const [{ bytesToConvert, convertImage, requireRoomToConvert }, { LayerReuse }, { verifyLayers }] =
    await Promise.all([
      import("./convert-image.ts"),
      import("./layer-reuse.ts"),
      import("./verify-layers.ts"),
    ]);
  return { bytesToConvert, convertImage, requireRoomToConvert, LayerReuse, verifyLayers };
}
