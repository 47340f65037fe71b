import {
  drawParameter,
  fillParameter,
  type Layer,
  type LayerContext,
  type LayerShape,
  type Parameter,
} from './layer.ts';

/** Fully connected layer with bias over [batch][units]; the weight is stored inputs × units. */
export class DenseLayer implements Layer {
  readonly output: Extract<LayerShape, { kind: 'vector' }>;
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly inputs: number;
  readonly #context: LayerContext;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  #last: Float32Array = new Float32Array();

  constructor(context: LayerContext, inputs: number, units: number) {
    this.#context = context;
    this.inputs = inputs;
    this.output = { kind: 'vector', units };
    this.weight = drawParameter(context, inputs * units, Math.sqrt(1 / inputs));
    this.bias = fillParameter(context, units, 0);
    this.#values = context.workspace.allocate(context.batch * units);
    this.#inputGradient = context.workspace.allocate(context.batch * inputs);
  }

  get products(): number {
    return this.weight.values.length;
  }

  get parameters(): readonly Parameter[] {
    return [this.weight, this.bias];
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const { units } = this.output;
    this.#last = input;
    for (let n = 0; n < batch; n++) this.#values.set(this.bias.values, n * units);
    this.#context.workspace.multiply(
      this.#values,
      input,
      this.weight.values,
      batch,
      this.inputs,
      units,
      true,
    );
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number, wanted: boolean): Float32Array {
    const { workspace } = this.#context;
    const { units } = this.output;
    for (let n = 0; n < batch; n++) {
      for (let u = 0; u < units; u++) this.bias.gradients[u]! += gradient[n * units + u]!;
    }
    workspace.multiplyLeftTransposed(
      this.weight.gradients,
      this.#last,
      gradient,
      this.inputs,
      batch,
      units,
      true,
    );
    if (wanted) {
      workspace.multiplyRightTransposed(
        this.#inputGradient,
        gradient,
        this.weight.values,
        batch,
        units,
        this.inputs,
      );
    }
    return this.#inputGradient;
  }
}
