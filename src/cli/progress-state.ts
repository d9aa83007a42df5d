import type { PullEvent } from "../pull/index.ts";

/** How far one layer is; counts are bytes. */
export interface LayerState {
  readonly size: number;
  readonly fetched: number;
  /** Decompressed bytes that were converted. */
  readonly converted: number;
  readonly done: boolean;
}

/** How far a pull is, from the events that it sent. */
export class ProgressState {
  #layers: LayerState[] = [];
  #written: { readonly bytes: number; readonly total: number } | undefined;
  #isResolved = false;

  get isResolved(): boolean {
    return this.#isResolved;
  }

  get layers(): readonly LayerState[] {
    return this.#layers;
  }

  get doneLayers(): number {
    return this.#layers.filter(({ done }) => done).length;
  }

  /** How much of the image file is written; undefined before that has begun. */
  get written(): { readonly bytes: number; readonly total: number } | undefined {
    return this.#written;
  }

  apply(event: PullEvent): void {
    switch (event.kind) {
      case "resolved":
        this.#isResolved = true;
        this.#layers = event.layers.map(({ size }) => ({
          size,
          fetched: 0,
          converted: 0,
          done: false,
        }));
        break;
      case "fetched":
        this.#change(event.layer, { fetched: event.bytes });
        break;
      case "converted":
        this.#change(event.layer, { converted: event.bytes });
        break;
      case "layer-done":
        this.#change(event.layer, { done: true });
        break;
      case "written":
        this.#written = { bytes: event.bytes, total: event.total };
        break;
      case "step":
      case "present":
      case "warning":
        break;
    }
  }

  #change(index: number, changes: Partial<LayerState>): void {
    const layer = this.#layers[index];
    if (layer !== undefined) this.#layers[index] = { ...layer, ...changes };
  }
}
