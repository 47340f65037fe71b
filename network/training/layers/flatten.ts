import type { Layer, LayerContext, LayerShape, Parameter } from './layer.ts';

/** [channels][batch][pixels] → [batch][channels · pixels], ONNX's order. */
export class FlattenLayer implements Layer {
  readonly output: Extract<LayerShape, { kind: 'vector' }>;
  readonly parameters: readonly Parameter[] = [];
  readonly #channels: number;
  readonly #pixels: number;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;

  constructor(context: LayerContext, input: Extract<LayerShape, { kind: 'maps' }>) {
    this.#channels = input.channels;
    this.#pixels = input.height * input.width;
    this.output = { kind: 'vector', units: this.#channels * this.#pixels };
    this.#values = context.workspace.allocate(context.batch * this.output.units);
    this.#inputGradient = context.workspace.allocate(context.batch * this.output.units);
  }

  forward(input: Float32Array, batch: number): Float32Array {
    for (let c = 0; c < this.#channels; c++) {
      for (let n = 0; n < batch; n++) {
        const from = (c * batch + n) * this.#pixels;
        this.#values.set(input.subarray(from, from + this.#pixels), n * this.output.units + c * this.#pixels);
      }
    }
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    for (let c = 0; c < this.#channels; c++) {
      for (let n = 0; n < batch; n++) {
        const from = n * this.output.units + c * this.#pixels;
        this.#inputGradient.set(gradient.subarray(from, from + this.#pixels), (c * batch + n) * this.#pixels);
      }
    }
    return this.#inputGradient;
  }
}
