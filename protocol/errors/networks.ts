/** Codes of `network/` (thrown as NetworkError; listed here for the page). */
export const NETWORK_ERRORS = {
  NETWORK_FILE: {
    meaning: 'A network file is not an ONNX model that can be read.',
    action: 'Export the network again as one ONNX file, opset 13 or later, without control flow.',
  },
  NETWORK_TOO_LARGE: {
    meaning: 'A network exceeds the limits of the importer or of the packing.',
    action: 'Use fewer channels or units, or a smaller picture.',
  },
  NETWORK_OPERATOR: {
    meaning: 'A network uses an operator, attribute or wiring that is not supported.',
    action: 'Replace the node that the message names.',
  },
  NETWORK_SHAPE: {
    meaning: 'The input or output of a network does not have the expected shape.',
    action: 'Export with one picture of fixed size as input and the logits as output.',
  },
  NETWORK_NOT_POLYNOMIAL: {
    meaning: 'A network has an activation that cannot be computed on encrypted values.',
    action: 'Approximate it with calibration data: `blindsight model import FILE --calibrate DATA`.',
  },
  NETWORK_TOO_DEEP: {
    meaning: 'A network has more layers than the largest ring can evaluate.',
    action: 'Use fewer layers, or activations of lower degree.',
  },
  NETWORK_LAYER: {
    meaning: 'A network has no layer of that number.',
    action: "Use a number that the message or `blindsight explain` lists, or 'slowest'.",
  },
  NETWORK_DATA: {
    meaning: 'Pictures, labels or calibrated ranges do not fit the network.',
    action: 'Check the files and values that the message names.',
  },
  NETWORK_BOXES: {
    meaning:
      'A file of boxes is not CSV with a heading, gt.txt of MOTChallenge or COCO JSON, or holds no box that is wanted.',
    action: 'Correct the line that the message names, or the options that say which labels are wanted.',
  },
  NETWORK_CLIP: {
    meaning:
      'Boxes and clip do not belong together: a box lies outside of the picture, or behind the last frame.',
    action: 'Give the boxes that were drawn on this clip, in its pixels, with frames counted from 0.',
  },
  NETWORK_ACCURACY: {
    meaning: 'A network loses too much accuracy once its activations are approximated.',
    action:
      'Recover accuracy with --fine-tune, on more pictures if need be, or accept the loss with --tolerance.',
  },
  NETWORK_TRAINING: {
    meaning: 'A network cannot be trained as asked.',
    action: 'Do what the message says.',
  },
  NETWORK_RESUME: {
    meaning:
      'The file given with --resume is not of the training that was asked for, is damaged, or cannot be read or written.',
    action:
      'Give the same recipe or network, pictures, settings and teacher as before, or another file; without the file, training starts anew. For what cannot be written: rights, and room on the disk.',
  },
  NETWORK_TEACHER: {
    meaning: 'The network given with --teacher does not fit what is to be trained.',
    action:
      'Give one that takes pictures of the same size and preparation, and answers with a logit for each of the same labels, in the same order.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;
