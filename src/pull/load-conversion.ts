/** What reads, converts and reuses layers. */
type ConversionParts = Pick<
  typeof import("./convert-image.ts"),
  "convertImage" | "requireRoomToConvert"
> &
  Pick<typeof import("./layer-reuse.ts"), "LayerReuse"> &
  Pick<typeof import("./verify-layers.ts"), "verifyLayers">;

/**
 * Loads the conversion: half of all modules, which a pull of an image that is present already does
 * without.
 */
export async function loadConversion(): Promise<ConversionParts> {
  const [{ convertImage, requireRoomToConvert }, { LayerReuse }, { verifyLayers }] =
    await Promise.all([
      import("./convert-image.ts"),
      import("./layer-reuse.ts"),
      import("./verify-layers.ts"),
    ]);
  return { convertImage, requireRoomToConvert, LayerReuse, verifyLayers };
}
