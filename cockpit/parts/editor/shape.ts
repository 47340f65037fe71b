import type { SettingPath } from '../../view/json-schema.ts';
import { asBox, asMask, type Box, type Mask } from '../../view/shapes.ts';
import type { Words } from '../../words/en.ts';

/** What is drawn on a picture, and where in the settings of its camera it stands. */
export type Shape =
  | { readonly kind: 'region'; readonly path: SettingPath; readonly name: string; readonly box: Box }
  | { readonly kind: 'mask'; readonly path: SettingPath; readonly name: string; readonly mask: Mask };

/** Which shape is selected: its path as text. */
export type Selection = string | null;

export function shapeKey({ path }: Pick<Shape, 'path'>): string {
  return path.join('/');
}

/** The regions and masks of a camera; what cannot be drawn, because somebody is typing it, is left out. */
export function shapesOf(camera: unknown, words: Words['editor']['shapes']): readonly Shape[] {
  const { region, regions, masks } = (camera ?? {}) as Record<string, unknown>;
  const shapes: Shape[] = [];
  const box = asBox(region);
  if (box !== null) shapes.push({ kind: 'region', path: ['region'], name: words.region, box });
  for (const [index, one] of listOf(regions).entries()) {
    const named = asBox(one);
    const { name } = one as { name?: unknown };
    if (named !== null)
      shapes.push({ kind: 'region', path: ['regions', index], name: String(name ?? ''), box: named });
  }
  for (const [index, one] of listOf(masks).entries()) {
    const mask = asMask(one);
    if (mask !== null)
      shapes.push({ kind: 'mask', path: ['masks', index], name: words.mask(index + 1), mask });
  }
  return shapes;
}

/** What stands in the settings for a shape; of a named region besides its name. */
export function settingOf(shape: Shape): unknown {
  if (shape.kind === 'mask') return shape.mask;
  return shape.path[0] === 'regions' ? { name: shape.name, ...shape.box } : shape.box;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.filter((one) => one !== null) : [];
}
