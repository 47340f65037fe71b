export { multiply, multiplyTransposed } from './products';
export { combine, combineBack } from './combine';
export { gather, scatter } from './patches';
export { multiplyDouble } from './double-products';
export { convolve, slopes } from './convolutions';
export { fromLanes, packWeights, toLanes } from './picture-lanes';
export { clamp, clampBack, normalize, normalizeBack, quadratic, quadraticBack } from './channels';
export { change, changeBack } from './changing';
