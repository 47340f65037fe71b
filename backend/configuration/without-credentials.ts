import { isMap, isSeq, parseDocument } from 'yaml';

/** Settings (YAML) in which no camera names credentials any more, with comments and everything else as it was, and which cameras did. */
export function withoutCredentials(settings: string): {
  readonly text: string;
  readonly cameras: readonly string[];
} {
  const document = parseDocument(settings);
  const list = document.get('cameras');
  const cameras: string[] = [];
  for (const camera of isSeq(list) ? list.items : []) {
    if (isMap(camera) && camera.delete('credentials')) cameras.push(String(camera.get('name')));
  }
  return { text: cameras.length === 0 ? settings : document.toString(), cameras };
}
