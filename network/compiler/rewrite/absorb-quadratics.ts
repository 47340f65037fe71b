import { NetworkError } from '#network/errors.ts';
import { type Graph, type Node, sizeOf, type Tensor } from '#network/model/graph.ts';
import { arithmetic } from '#network/model/operators/elementwise.ts';
import { Call } from '#network/model/operators/operator.ts';
import { dropDropout } from './drop-dropout.ts';
import { foldConstants } from './fold-constants.ts';
import { scalar } from './replace-nodes.ts';

/** Relative difference of b/a allowed if a value is read several times: rounding only. */
const ROUNDING = 1e-9;
/** A shift this many times larger than is typical for its layer would cost the others their precision. */
const MOST_SHIFT = 64;
const ONE = scalar(1);

type Arithmetic = keyof typeof arithmetic;

/** A value written as a·x² + b·x + c, with constants that broadcast; null: zero. */
type Quadratic = {
  /** The name of x. */
  readonly base: string;
  readonly a: Tensor | null;
  readonly b: Tensor | null;
  readonly c: Tensor | null;
  /** Its nodes are one square, scaled and shifted: nothing to gain. */
  readonly bare: boolean;
  /** Its nodes multiply two different values, such as a·x and x: a level more than a square of x takes. */
  readonly mixed: boolean;
};

/** Two constants together. */
function combine(operator: Arithmetic, left: Tensor, right: Tensor): Tensor {
  const node = { name: '', operator, inputs: [], outputs: [], attributes: new Map() };
  return arithmetic[operator].run(new Call(node, Number.MAX_SAFE_INTEGER, [left, right]))[0]!;
}

const times = (left: Tensor | null, right: Tensor | null): Tensor | null =>
  left === null || right === null ? null : combine('Mul', left, right);

function plus(left: Tensor | null, right: Tensor | null): Tensor | null {
  return left === null || right === null ? (left ?? right) : combine('Add', left, right);
}

function scaled(value: Quadratic, factor: Tensor): Quadratic {
  const { a, b, c } = value;
  return { ...value, a: times(a, factor), b: times(b, factor), c: times(c, factor) };
}

function added(left: Quadratic, right: Quadratic): Quadratic {
  return {
    base: left.base,
    a: plus(left.a, right.a),
    b: plus(left.b, right.b),
    c: plus(left.c, right.c),
    bare: false,
    mixed: left.mixed || right.mixed,
  };
}

/** The product of two values that are linear in the same x. */
function multiplied(left: Quadratic, right: Quadratic, square: boolean): Quadratic {
  return {
    base: left.base,
    a: times(left.b, right.b),
    b: plus(times(left.b, right.c), times(left.c, right.b)),
    c: times(left.c, right.c),
    bare: square,
    mixed: !square,
  };
}

/** b/a for every constant, 0 if both vanish; null if only a vanishes, or one is far larger than is typical. */
function shiftOf({ a, b }: Quadratic): Tensor | null {
  const ratio = combine('Div', b ?? scalar(0), a!);
  const squares = combine('Add', combine('Mul', b ?? scalar(0), scalar(0)), a!);
  const data = Float64Array.from(ratio.data, (value, i) =>
    Number.isNaN(value) && squares.data[i] === 0 ? 0 : value,
  );
  const sizes = data.map(Math.abs).sort();
  const typical = sizes[Math.floor(sizes.length / 2)]!;
  const largest = sizes.at(-1)!;
  return Number.isFinite(largest) && largest <= MOST_SHIFT * typical ? { ...ratio, data } : null;
}

function isSame(left: Tensor, right: Tensor): boolean {
  const size = combine('Add', combine('Mul', left, scalar(0)), right);
  return combine('Sub', left, right).data.every(
    (difference, i) => Math.abs(difference) <= ROUNDING * Math.abs(size.data[i]!),
  );
}

/** Follows element-wise arithmetic from each value x as long as the result is quadratic in x. */
function followQuadratics(graph: Graph): Map<string, Quadratic> {
  const quadratics = new Map<string, Quadratic>();
  const itself = (base: string): Quadratic => ({
    ...{ base, a: null, b: ONE, c: null, bare: false, mixed: false },
  });
  const of = (name: string): Quadratic => quadratics.get(name) ?? itself(name);
  const follow = ({ operator, inputs }: Node): Quadratic | null => {
    const [left = '', right = ''] = inputs;
    const [constant, other] = [graph.initializers.get(left), graph.initializers.get(right)];
    if (constant !== undefined) {
      const value = of(right);
      if (operator === 'Mul') return scaled(value, constant);
      if (operator === 'Add') return { ...value, c: plus(value.c, constant) };
      if (operator !== 'Sub') return null;
      const negated = scaled(value, scalar(-1));
      return { ...negated, c: plus(negated.c, constant) };
    }
    if (other !== undefined) {
      const value = of(left);
      if (operator === 'Mul') return scaled(value, other);
      if (operator === 'Div') return scaled(value, combine('Div', ONE, other));
      if (operator === 'Add') return { ...value, c: plus(value.c, other) };
      if (operator === 'Sub') return { ...value, c: plus(value.c, times(other, scalar(-1))) };
      if (operator !== 'Pow' || sizeOf(other.shape) !== 1 || other.data[0] !== 2) return null;
      const factor = value.a === null ? value : itself(left);
      return multiplied(factor, factor, true);
    }
    if (operator === 'Mul') {
      const linear = of(left).a === null && of(right).a === null && of(left).base === of(right).base;
      if (linear) return multiplied(of(left), of(right), left === right);
      return left === right ? multiplied(itself(left), itself(left), true) : null;
    }
    if (of(left).base !== of(right).base) return null;
    if (operator === 'Add') return added(of(left), of(right));
    return operator === 'Sub' ? added(of(left), scaled(of(right), scalar(-1))) : null;
  };
  const tryFollow = (node: Node): Quadratic | null => {
    try {
      return follow(node);
    } catch (error) {
      // Constants that do not fit each other do not fit x either: lowering will report the node.
      if (error instanceof NetworkError) return null;
      throw error;
    }
  };
  for (const node of graph.nodes) {
    // Before operator set 7, attributes define how constants broadcast.
    if (!(node.operator in arithmetic) || node.attributes.size > 0) continue;
    const quadratic = tryFollow(node);
    if (quadratic !== null) quadratics.set(node.outputs[0]!, quadratic);
  }
  return quadratics;
}

/** What is read of a value x outside its own arithmetic: its quadratics, by name, and whether x itself or something linear in it is. */
type Reading = { readonly exits: Set<string>; elsewhere: boolean };

function findReadings(graph: Graph, quadratics: ReadonlyMap<string, Quadratic>): Map<string, Reading> {
  const readings = new Map<string, Reading>();
  const bases = new Set([...quadratics.values()].map(({ base }) => base));
  for (const base of bases) readings.set(base, { exits: new Set(), elsewhere: false });
  const read = (name: string, reader: string | undefined): void => {
    const quadratic = quadratics.get(name);
    // Any such value may be the x of others.
    if (bases.has(name) && reader !== name) readings.get(name)!.elsewhere = true;
    if (quadratic === undefined || reader === quadratic.base) return;
    const reading = readings.get(quadratic.base)!;
    if (quadratic.a === null) reading.elsewhere = true;
    else reading.exits.add(name);
  };
  for (const node of graph.nodes) {
    const reader = quadratics.get(node.outputs[0]!)?.base;
    for (const name of node.inputs) read(name, reader);
  }
  for (const { name } of graph.outputs) read(name, undefined);
  return readings;
}

/** Adds nodes and constants under unique names. */
class Writer {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();

  apply(operator: Arithmetic, left: string, right: string | Tensor, output: string): string {
    const second = typeof right === 'string' ? right : `${output}:constant`;
    if (typeof right !== 'string') this.constants.set(second, right);
    this.nodes.push({
      name: output,
      operator,
      inputs: [left, second],
      outputs: [output],
      attributes: new Map(),
    });
    return output;
  }
}

/** a·(x + b/2a)² + (c − b²/4a) for each of these, of one square. */
function writeCompleted(
  base: string,
  exits: readonly (readonly [string, Quadratic])[],
  ratio: Tensor,
): Writer {
  const writer = new Writer();
  const half = combine('Mul', ratio, scalar(0.5));
  const shifted = writer.apply('Add', base, half, `${base}:shifted`);
  const square = writer.apply('Mul', shifted, shifted, `${base}:square`);
  for (const [output, { a, c }] of exits) {
    const rest = times(times(half, half), times(a, scalar(-1)));
    writer.apply('Mul', square, a!, `${output}:scaled`);
    writer.apply('Add', `${output}:scaled`, plus(c, rest)!, output);
  }
  return writer;
}

/** a·(x·x) + b·x + c for each of these. */
function writePlain(base: string, exits: readonly (readonly [string, Quadratic])[]): Writer {
  const writer = new Writer();
  const square = writer.apply('Mul', base, base, `${base}:square`);
  for (const [output, { a, b, c }] of exits) {
    writer.apply('Mul', square, a!, `${output}:scaled`);
    writer.apply('Mul', base, b ?? scalar(0), `${output}:linear`);
    writer.apply('Add', `${output}:scaled`, `${output}:linear`, `${output}:sum`);
    writer.apply('Add', `${output}:sum`, c ?? scalar(0), output);
  }
  return writer;
}

/** The quadratics of one x, rewritten; null if nothing needs to change. */
function rewrite(
  base: string,
  { exits, elsewhere }: Reading,
  all: ReadonlyMap<string, Quadratic>,
): Writer | null {
  const values = [...exits].map((name) => [name, all.get(name)!] as const);
  if (values.every(([, { bare }]) => bare)) return null;
  const ratio = elsewhere ? null : shiftOf(values[0]![1]);
  const complete =
    ratio !== null &&
    values.every(([, value]) => {
      const own = shiftOf(value);
      return own !== null && isSame(ratio, own);
    });
  if (complete) return writeCompleted(base, values, ratio);
  const mixed = values.filter(([, value]) => value.mixed);
  return mixed.length > 0 ? writePlain(base, mixed) : null;
}

/** Nodes that an output needs. */
function withoutUnused(graph: Graph): Graph {
  const used = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.toReversed().filter((node) => {
    const needed = node.outputs.some((name) => used.has(name));
    if (needed) for (const name of node.inputs) used.add(name);
    return needed;
  });
  return { ...graph, nodes: nodes.toReversed() };
}

/**
 * Completes the square wherever a network computes a·x² + b·x + c, a quadratic activation trained with a coefficient for each channel, in
 * whatever order and with whatever brackets it is written (a·x·x + b·x, x·(a·x + b), Pow …): it becomes a·(x + b/2a)² + (c − b²/4a), one
 * bare square between linear nodes. Those merge with the layers before and after, so it costs what x² costs: CryptoNets' shape takes 52
 * encrypted constants instead of 94. Exact; a network of bare squares stays unchanged, node by node.
 *
 * If x is also used elsewhere (a shortcut), if a vanishes in a channel but b does not, or if some shift is far larger than is typical
 * for the layer (squares of large numbers would drown the others in noise), a·(x·x) + b·x + c is computed directly.
 *
 * @throws NetworkError NETWORK_OPERATOR if a constant is computed by an unsupported operator.
 */
export function absorbQuadratics(given: Graph): Graph {
  const graph = foldConstants(dropDropout(given));
  const quadratics = followQuadratics(graph);
  const written = [...findReadings(graph, quadratics)].flatMap(([base, reading]) => {
    const writer = rewrite(base, reading, quadratics);
    return writer === null ? [] : [{ base, writer }];
  });
  if (written.length === 0) return graph;
  const replaced = new Set(written.flatMap(({ writer }) => writer.nodes.map(({ outputs }) => outputs[0]!)));
  // Right after x: none of their readers comes earlier.
  const behind = (name: string): Node[] =>
    written.flatMap(({ base, writer }) => (base === name ? writer.nodes : []));
  const nodes = [
    ...graph.inputs.flatMap(({ name }) => behind(name)),
    ...graph.nodes.flatMap((node) => [
      ...(replaced.has(node.outputs[0]!) ? [] : [node]),
      ...node.outputs.flatMap(behind),
    ]),
  ];
  const initializers = new Map([
    ...graph.initializers,
    ...written.flatMap(({ writer }) => [...writer.constants]),
  ]);
  return withoutUnused({ ...graph, nodes, initializers });
}
