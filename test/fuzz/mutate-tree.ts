import type { Dice } from './dice.ts';
import type { Format, Node } from './formats/node.ts';

type Place = { readonly node: Node; readonly replace: (by: readonly Node[]) => Node };

/** Every node below `root` and `root` itself, each with a way to make a tree in which others stand in its place. */
function places(root: Node): Place[] {
  const found: Place[] = [];
  const visit = (node: Node, replace: (by: readonly Node[]) => Node) => {
    found.push({ node, replace });
    node.children.forEach((child, i) => {
      visit(child, (by) =>
        replace([
          { ...node, children: [...node.children.slice(0, i), ...by, ...node.children.slice(i + 1)] },
        ]),
      );
    });
  };
  visit(root, (by) => by[0] ?? root);
  return found;
}

/** Wraps a node in copies of one of its ancestors' kind, to see how deep a parser goes. */
function nest(node: Node, outer: Node, depth: number): Node {
  let nested = node;
  for (let i = 0; i < depth; i++) nested = { ...outer, children: [nested] };
  return nested;
}

/**
 * One change of structure: a value, or parts left out, doubled, moved, nested or taken from another input.
 *
 * @param other where parts are taken from
 */
export function mutateTree(root: Node, other: Node, format: Format, dice: Dice): Node {
  const all = places(root);
  const { node, replace } = dice.pick(all);
  switch (dice.below(12)) {
    case 0:
      return replace([]);
    case 1:
      return replace([node, node]);
    case 2:
      return replace([dice.pick(places(other)).node]);
    case 3:
      return replace([node, dice.pick(places(other)).node]);
    case 4:
      return replace([dice.pick(all).node]);
    case 5: {
      const children = [...node.children];
      const [from, to] = [dice.below(children.length), dice.below(children.length)];
      if (children.length > 1) [children[from], children[to]] = [children[to]!, children[from]!];
      return replace([{ ...node, children }]);
    }
    case 6:
      return replace([nest(node, dice.pick(all).node, dice.once(50) ? 2_000 : 1 + dice.below(4))]);
    case 7:
      return replace(Array.from({ length: dice.once(20) ? 1_000 : 8 }, () => node));
    case 8:
      return replace([format.invent(node, dice)]);
    default:
      return replace([format.tweak(node, dice)]);
  }
}
