import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { NetworkError } from '#network/errors.ts';
import { type Attribute, type Graph, type Node, nodeTitle, type Tensor, type ValueInfo } from '../graph.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import { elementType, elementTypeNumber, readTensor, writeTensor } from './tensor-codec.ts';

/** Largest ONNX file that is read, in bytes. */
export const MAX_FILE_BYTES = 256 * 2 ** 20;
const MAX_NODES = 20_000;
/** Oldest version of the default operator set; earlier ones defined broadcasting differently. */
const MIN_OPSET = 5;
const MAX_OPSET = 30;

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

/** An int64 as a number. ONNX uses the extremes to mean "to the end"; they are clamped. */
function toNumber(value: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

function readAttribute(proto: AttributeProto, where: string): Attribute {
  const title = `${where}, attribute '${proto.name}'`;
  if (proto.refAttrName !== '') {
    throw new NetworkError(
      'NETWORK_FILE',
      `${title}: refers to a function attribute; inline functions on export`,
    );
  }
  switch (proto.type) {
    case 1:
      return { kind: 'float', value: proto.f ?? 0 };
    case 2:
      return { kind: 'int', value: toNumber(proto.i ?? 0n) };
    case 3:
      return { kind: 'string', value: decoder.decode(proto.s ?? new Uint8Array()) };
    case 4:
      if (proto.t === undefined) throw new NetworkError('NETWORK_FILE', `${title}: the tensor is missing`);
      return { kind: 'tensor', value: readTensor(proto.t, title) };
    case 6:
      return { kind: 'floats', value: [...proto.floats] };
    case 7:
      return { kind: 'ints', value: proto.ints.map(toNumber) };
    case 8:
      return { kind: 'strings', value: proto.strings.map((bytes) => decoder.decode(bytes)) };
    default:
      throw new NetworkError(
        'NETWORK_FILE',
        `${title}: attribute type ${proto.type} (sub-graphs, control flow) is not supported; export the network unrolled`,
      );
  }
}

function readValueInfo(proto: ValueInfoProto): ValueInfo {
  const where = `value '${proto.name}'`;
  const value = proto.type?.value;
  if (value === undefined || value.case !== 'tensorType') {
    throw new NetworkError(
      'NETWORK_FILE',
      `${where}: only tensors are supported, not ${value?.case ?? 'nothing'}`,
    );
  }
  const shape = value.value.shape?.dim.map((dim) =>
    dim.value.case === 'dimValue' && dim.value.value > 0n ? toNumber(dim.value.value) : -1,
  );
  return { name: proto.name, type: elementType(value.value.elemType, where), shape: shape ?? null };
}

function readNodes(proto: GraphProto, known: Set<string>): Node[] {
  const nodes: Node[] = [];
  for (const [i, node] of proto.node.entries()) {
    const place = node.name === '' ? { place: i + 1 } : {};
    const named = { name: node.name, operator: node.opType, inputs: node.input, outputs: node.output };
    const title = nodeTitle({ ...named, ...place, attributes: new Map() });
    if (node.domain !== '' && node.domain !== 'ai.onnx') {
      throw new NetworkError(
        'NETWORK_OPERATOR',
        `${title}: operator domain '${node.domain}' is not supported; export with standard ONNX operators`,
      );
    }
    for (const input of node.input) {
      if (input !== '' && !known.has(input)) {
        throw new NetworkError(
          'NETWORK_FILE',
          `${title}: input '${input}' is made by no earlier node (cyclic or unsorted graph)`,
        );
      }
    }
    for (const output of node.output) {
      if (output === '') continue;
      if (known.has(output)) throw new NetworkError('NETWORK_FILE', `${title}: '${output}' is written twice`);
      known.add(output);
    }
    const attributes = new Map<string, Attribute>();
    for (const attribute of node.attribute) {
      if (attributes.has(attribute.name)) {
        throw new NetworkError('NETWORK_FILE', `${title}: attribute '${attribute.name}' occurs twice`);
      }
      attributes.set(attribute.name, readAttribute(attribute, title));
    }
    nodes.push({
      ...named,
      attributes,
      ...place,
    });
  }
  return nodes;
}

function opsetOf(model: ModelProto): number {
  const imported = model.opsetImport.filter((entry) => entry.domain === '' || entry.domain === 'ai.onnx');
  const version = imported.length === 1 ? toNumber(imported[0]!.version) : NaN;
  if (!(version >= MIN_OPSET && version <= MAX_OPSET)) {
    throw new NetworkError(
      'NETWORK_FILE',
      `operator set ${imported.map((entry) => entry.version).join(', ') || 'none'}: expected one of ${MIN_OPSET} … ${MAX_OPSET}; export with opset 13 or later`,
    );
  }
  return version;
}

function parse(bytes: Uint8Array): ModelProto {
  if (bytes.length > MAX_FILE_BYTES) {
    throw new NetworkError('NETWORK_TOO_LARGE', `${bytes.length} bytes, at most ${MAX_FILE_BYTES} are read`);
  }
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new NetworkError('NETWORK_FILE', 'not an ONNX file, or cut off', { cause });
  }
}

/**
 * Reads an ONNX model. Checks only the form of the graph; operators are checked when it runs or is compiled.
 *
 * @throws NetworkError NETWORK_FILE, NETWORK_OPERATOR or NETWORK_TOO_LARGE; never anything else, whatever the bytes.
 */
export function readOnnx(bytes: Uint8Array): Graph {
  const model = parse(bytes);
  const proto = model.graph;
  if (proto === undefined)
    throw new NetworkError('NETWORK_FILE', 'the file holds no graph: not an ONNX model');
  const opset = opsetOf(model);
  if (model.functions.length > 0 || proto.sparseInitializer.length > 0) {
    throw new NetworkError(
      'NETWORK_FILE',
      'local functions and sparse initializers are not supported; inline them',
    );
  }
  if (proto.node.length > MAX_NODES) {
    throw new NetworkError('NETWORK_TOO_LARGE', `${proto.node.length} nodes, at most ${MAX_NODES}`);
  }
  try {
    const initializers = new Map<string, Tensor>();
    for (const tensor of proto.initializer) {
      if (initializers.has(tensor.name)) {
        throw new NetworkError('NETWORK_FILE', `initializer '${tensor.name}' occurs twice`);
      }
      initializers.set(tensor.name, readTensor(tensor, `initializer '${tensor.name}'`));
    }
    const inputs = proto.input.filter((input) => !initializers.has(input.name)).map(readValueInfo);
    const known = new Set([...initializers.keys(), ...inputs.map((input) => input.name)]);
    const nodes = readNodes(proto, known);
    const outputs = proto.output.map(readValueInfo);
    for (const output of outputs) {
      if (!known.has(output.name)) {
        throw new NetworkError('NETWORK_FILE', `output '${output.name}' is made by no node`);
      }
    }
    return { name: proto.name, opset, inputs, outputs, initializers, nodes };
  } catch (cause) {
    if (cause instanceof NetworkError) throw cause;
    throw new NetworkError('NETWORK_FILE', 'the file holds text that is not UTF-8', { cause });
  }
}

function writeAttribute(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.kind) {
    case 'float':
      return create(AttributeProtoSchema, { name, type: 1, f: attribute.value });
    case 'int':
      return create(AttributeProtoSchema, { name, type: 2, i: BigInt(attribute.value) });
    case 'string':
      return create(AttributeProtoSchema, { name, type: 3, s: encoder.encode(attribute.value) });
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: 4, t: writeTensor('', attribute.value) });
    case 'floats':
      return create(AttributeProtoSchema, { name, type: 6, floats: [...attribute.value] });
    case 'ints':
      return create(AttributeProtoSchema, { name, type: 7, ints: attribute.value.map(BigInt) });
    case 'strings':
      return create(AttributeProtoSchema, {
        name,
        type: 8,
        strings: attribute.value.map((text) => encoder.encode(text)),
      });
  }
}

function writeValueInfo(info: ValueInfo): ValueInfoProto {
  const dim = info.shape?.map((extent) =>
    create(TensorShapeProto_DimensionSchema, {
      value: extent < 0 ? { case: 'dimParam', value: 'N' } : { case: 'dimValue', value: BigInt(extent) },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: elementTypeNumber(info.type),
    ...(dim === undefined ? {} : { shape: create(TensorShapeProtoSchema, { dim }) }),
  });
  return create(ValueInfoProtoSchema, {
    name: info.name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}

/** Writes a graph as an ONNX model (IR version 8); the same graph gives the same bytes. */
export function writeOnnx(graph: Graph): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'blindsight',
    opsetImport: [create(OperatorSetIdProtoSchema, { version: BigInt(graph.opset) })],
    graph: create(GraphProtoSchema, {
      name: graph.name,
      input: graph.inputs.map(writeValueInfo),
      output: graph.outputs.map(writeValueInfo),
      initializer: [...graph.initializers].map(([name, tensor]) => writeTensor(name, tensor)),
      node: graph.nodes.map((node) =>
        create(NodeProtoSchema, {
          name: node.name,
          opType: node.operator,
          input: [...node.inputs],
          output: [...node.outputs],
          attribute: [...node.attributes].map(([name, attribute]) => writeAttribute(name, attribute)),
        }),
      ),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}
