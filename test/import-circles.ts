import { dirname } from 'node:path';

/** For each file of ours the files of ours that it imports, types included. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Circles at every depth: in the repository and in each of its folders, the files and folders that stand side by side must not import each
 * other in a circle, whatever the single files inside them do. Files that import each other are the deepest case.
 *
 * @returns each circle by the names that take part, sorted: "fhe/engine: memory ⇄ threads"
 */
export function importCircles(graph: ImportGraph): string[] {
  const beside = new Map<string, Map<string, Set<string>>>();
  for (const [from, targets] of graph) {
    for (const to of targets) {
      if (from === to) continue;
      const folder = commonFolder(from, to);
      const nodes = entry(beside, folder, () => new Map<string, Set<string>>());
      entry(nodes, childOf(folder, from), () => new Set<string>()).add(childOf(folder, to));
    }
  }
  return [...beside]
    .flatMap(([folder, nodes]) =>
      stronglyConnected(nodes).map((names) => `${folder || '.'}: ${names.sort().join(' ⇄ ')}`),
    )
    .sort();
}

/** Sets of two or more nodes that all reach each other (Tarjan 1972). */
export function stronglyConnected(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    const index = order.size;
    order.set(node, index);
    lowest.set(node, index);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) !== index) return;
    const component = stack.splice(stack.indexOf(node));
    if (component.length > 1) found.push(component);
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** The deepest folder that holds both; '' for the repository. */
function commonFolder(a: string, b: string): string {
  for (let folder = dirname(a); folder !== '.'; folder = dirname(folder)) {
    if (b.startsWith(`${folder}/`)) return folder;
  }
  return '';
}

/** The file or folder directly in `folder` that leads to `file`. */
function childOf(folder: string, file: string): string {
  const rest = folder === '' ? file : file.slice(folder.length + 1);
  return rest.split('/')[0]!;
}
