import type { Point } from './shapes.ts';

/** How far an arrow key moves something: a hundredth of the picture, five with Shift, a thousandth with Alt. */
export function arrowStep(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'altKey'>): Point | null {
  const step = event.shiftKey ? 0.05 : event.altKey ? 0.001 : 0.01;
  switch (event.key) {
    case 'ArrowLeft':
      return [-step, 0];
    case 'ArrowRight':
      return [step, 0];
    case 'ArrowUp':
      return [0, -step];
    case 'ArrowDown':
      return [0, step];
    default:
      return null;
  }
}
