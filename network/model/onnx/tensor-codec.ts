import { create } from '@bufbuild/protobuf';
import { NetworkError } from '#network/errors.ts';
import { type ElementType, sizeOf, type Tensor } from '../graph.ts';
import { type TensorProto, TensorProtoSchema } from './generated/onnx_pb.ts';

/** ONNX's TensorProto.DataType numbers of the element types that are read. */
const TYPES: Readonly<Record<number, { readonly type: ElementType; readonly bytes: number }>> = {
  1: { type: 'float32', bytes: 4 },
  2: { type: 'uint8', bytes: 1 },
  3: { type: 'int8', bytes: 1 },
  4: { type: 'uint16', bytes: 2 },
  5: { type: 'int16', bytes: 2 },
  6: { type: 'int32', bytes: 4 },
  7: { type: 'int64', bytes: 8 },
  9: { type: 'bool', bytes: 1 },
  11: { type: 'float64', bytes: 8 },
  12: { type: 'uint32', bytes: 4 },
  13: { type: 'uint64', bytes: 8 },
};

/** Maximum number of elements of a tensor: 64 Mi, 256 MiB of float32. */
export const MAX_ELEMENTS = 2 ** 26;
/** Most dimensions of a tensor. */
export const MAX_RANK = 8;

/**
 * The element type of an ONNX number.
 *
 * @throws NetworkError NETWORK_FILE for unsupported types (strings, 16-bit floats, complex …).
 */
export function elementType(number: number, where: string): ElementType {
  const known = TYPES[number];
  if (known === undefined) {
    throw new NetworkError(
      'NETWORK_FILE',
      `${where}: element type ${number} is not supported; export as float32`,
    );
  }
  return known.type;
}

/** ONNX's number for an element type. */
export function elementTypeNumber(type: ElementType): number {
  for (const [number, known] of Object.entries(TYPES)) if (known.type === type) return Number(number);
  throw new NetworkError('NETWORK_FILE', `element type ${type} has no ONNX number`);
}

/**
 * A dimension as a number.
 *
 * @throws NetworkError NETWORK_FILE if it is negative or beyond {@link MAX_ELEMENTS}.
 */
function checkedShape(dims: readonly bigint[], where: string): number[] {
  if (dims.length > MAX_RANK) {
    throw new NetworkError('NETWORK_TOO_LARGE', `${where}: ${dims.length} dimensions, at most ${MAX_RANK}`);
  }
  const shape = dims.map((dim) => {
    if (dim < 0n || dim > BigInt(MAX_ELEMENTS)) {
      throw new NetworkError('NETWORK_FILE', `${where}: dimension ${dim} is outside 0 … ${MAX_ELEMENTS}`);
    }
    return Number(dim);
  });
  if (sizeOf(shape) > MAX_ELEMENTS) {
    throw new NetworkError(
      'NETWORK_TOO_LARGE',
      `${where}: shape ${shape.join('×')} exceeds ${MAX_ELEMENTS} elements`,
    );
  }
  return shape;
}

function readRaw(raw: Uint8Array, type: ElementType, size: number): Float32Array | Float64Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = type === 'float32' ? new Float32Array(size) : new Float64Array(size);
  for (let i = 0; i < size; i++) {
    switch (type) {
      case 'float32':
        data[i] = view.getFloat32(4 * i, true);
        break;
      case 'float64':
        data[i] = view.getFloat64(8 * i, true);
        break;
      case 'uint8':
      case 'bool':
        data[i] = view.getUint8(i);
        break;
      case 'int8':
        data[i] = view.getInt8(i);
        break;
      case 'uint16':
        data[i] = view.getUint16(2 * i, true);
        break;
      case 'int16':
        data[i] = view.getInt16(2 * i, true);
        break;
      case 'int32':
        data[i] = view.getInt32(4 * i, true);
        break;
      case 'uint32':
        data[i] = view.getUint32(4 * i, true);
        break;
      case 'int64':
        data[i] = Number(view.getBigInt64(8 * i, true));
        break;
      case 'uint64':
        data[i] = Number(view.getBigUint64(8 * i, true));
        break;
    }
  }
  return data;
}

/** The typed field that holds the elements if `raw_data` does not. */
function typedField(proto: TensorProto, type: ElementType): ArrayLike<number | bigint> {
  switch (type) {
    case 'float32':
      return proto.floatData;
    case 'float64':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
    case 'uint64':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

/**
 * Reads and checks a tensor.
 *
 * @param where names the tensor in messages.
 * @throws NetworkError NETWORK_FILE if type, shape and bytes disagree or data are external; NETWORK_TOO_LARGE beyond {@link MAX_ELEMENTS}.
 */
export function readTensor(proto: TensorProto, where: string): Tensor {
  if (proto.dataLocation !== 0) {
    throw new NetworkError('NETWORK_FILE', `${where}: data are in another file; save the model as one file`);
  }
  const type = elementType(proto.dataType, where);
  const shape = checkedShape(proto.dims, where);
  const size = sizeOf(shape);
  const expectedBytes = size * TYPES[proto.dataType]!.bytes;
  if (proto.rawData.length > 0 || typedField(proto, type).length === 0) {
    if (proto.rawData.length !== expectedBytes) {
      throw new NetworkError(
        'NETWORK_FILE',
        `${where}: shape ${shape.join('×')} needs ${expectedBytes} bytes, the file has ${proto.rawData.length}`,
      );
    }
    return { type, shape, data: readRaw(proto.rawData, type, size) };
  }
  const field = typedField(proto, type);
  if (field.length !== size) {
    throw new NetworkError(
      'NETWORK_FILE',
      `${where}: shape ${shape.join('×')} needs ${size} elements, the file has ${field.length}`,
    );
  }
  const data = type === 'float32' ? new Float32Array(size) : new Float64Array(size);
  for (let i = 0; i < size; i++) data[i] = Number(field[i]);
  return { type, shape, data };
}

/**
 * Writes a float32, float64 or int64 tensor as raw little-endian bytes.
 *
 * @throws NetworkError NETWORK_FILE for any other type: networks written here hold no others.
 */
export function writeTensor(name: string, tensor: Tensor): TensorProto {
  if (tensor.type !== 'float32' && tensor.type !== 'float64' && tensor.type !== 'int64') {
    throw new NetworkError(
      'NETWORK_FILE',
      `tensor '${name}': ${tensor.type} is not written; use float32 or int64`,
    );
  }
  const float = tensor.type === 'float32';
  const raw = new DataView(new ArrayBuffer(tensor.data.length * (float ? 4 : 8)));
  tensor.data.forEach((value, i) => {
    if (float) raw.setFloat32(4 * i, value, true);
    else if (tensor.type === 'float64') raw.setFloat64(8 * i, value, true);
    else raw.setBigInt64(8 * i, BigInt(value), true);
  });
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: elementTypeNumber(tensor.type),
    rawData: new Uint8Array(raw.buffer),
  });
}
