/** Element types that a network may hold; numbers are those of ONNX's TensorProto.DataType. */
export type ElementType =
  | 'float32'
  | 'float64'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'bool';

/** A dense array in row-major order. Integers are held as exact float64 values. */
export type Tensor = {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
};

/** An attribute of a node, as ONNX types it. */
export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] };

/** One operator of ONNX's default domain. An empty input name means: omitted. */
export type Node = {
  readonly name: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Position of a node without a name in its file, from 1. */
  readonly place?: number;
};

/** A named input or output of a graph; a dimension is −1 if the file leaves it open. */
export type ValueInfo = {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[] | null;
};

/** A network: ONNX names and semantics, nodes in topological order. */
export type Graph = {
  readonly name: string;
  /** Version of ONNX's default operator set that defines the nodes. */
  readonly opset: number;
  /** Inputs that are not initializers. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
};

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

function ordinal(place: number): string {
  const [tens, ones] = [place % 100, place % 10];
  const ending = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][ones] ?? 'th');
  return `${place}${ending}`;
}

/** A node's name, or else its position: "conv1", "3rd node". */
export function nodeLabel({ name, place, outputs }: Node): string {
  if (name !== '') return name;
  return place === undefined ? `of output ${outputs[0] ?? '?'}` : `${ordinal(place)} node`;
}

/** "node 'conv1' (Conv)", or "Conv, the 3rd node" of one without a name: how error messages name a node. */
export function nodeTitle(node: Node): string {
  if (node.name === '' && node.place !== undefined) return `${node.operator}, the ${nodeLabel(node)}`;
  return `node '${nodeLabel(node)}' (${node.operator})`;
}

/** "Conv 'conv1'", or "Conv, the 3rd node": how reports name a node. */
export function nodeCaption(node: Node): string {
  const placed = node.name === '' && node.place !== undefined;
  return placed ? nodeTitle(node) : `${node.operator} '${nodeLabel(node)}'`;
}
