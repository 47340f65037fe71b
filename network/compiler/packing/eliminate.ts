/** A cost that depends on the choices of some variables. */
export type CostTable = {
  readonly scope: readonly number[];
  /** By the choices of the scope in mixed radix, the last variable fastest. */
  readonly values: Float64Array;
};

/** Sums of a table larger than this are not formed. */
const MOST_ENTRIES = 2 ** 24;

/** The best choice of a variable for each choice of its neighbors. */
type Eliminated = { readonly variable: number; readonly scope: readonly number[]; readonly best: Int32Array };

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/** Distance in `table` between neighboring choices of each variable; 0 where the table does not depend on it. */
function stridesOf(
  { scope }: CostTable,
  variables: readonly number[],
  size: (variable: number) => number,
): number[] {
  return variables.map((variable) => {
    const at = scope.indexOf(variable);
    return at < 0 ? 0 : product(scope.slice(at + 1).map(size));
  });
}

/**
 * Finds the choices with the least sum of all tables exactly, one variable after the other (bucket elimination, Dechter 1999): the tables of
 * the variable are added and minimized over it, which leaves a table of its neighbors. A chain of layers costs the product of two numbers of choices
 * a layer, a chain of residual blocks that of three. Where more tensors meet, the smallest tables are left out until the sum is small enough.
 *
 * @param sizes number of choices of each variable.
 * @param order variables in the order of elimination: all of them.
 * @param tables each with less weight than those before it: the last ones are left out first.
 * @returns the choice of each variable; null if no choice has a finite sum.
 */
export function eliminate(
  sizes: ReadonlyMap<number, number>,
  order: readonly number[],
  tables: readonly CostTable[],
): Map<number, number> | null {
  const size = (variable: number): number => sizes.get(variable)!;
  let left = [...tables];
  const eliminated: Eliminated[] = [];
  for (const variable of order) {
    const own = left.filter(({ scope }) => scope.includes(variable));
    left = left.filter((table) => !own.includes(table));
    let scope: number[] = [];
    for (;;) {
      scope = [...new Set(own.flatMap((table) => table.scope))].filter((one) => one !== variable);
      if (product([...scope, variable].map(size)) <= MOST_ENTRIES || own.length === 1) break;
      own.pop();
    }
    const { values, best } = minimize(own, scope, variable, size);
    // Messages weigh more than any table: they hold all that was eliminated.
    left.unshift({ scope, values });
    eliminated.push({ variable, scope, best });
  }
  if (left.some(({ values }) => values[0] === Number.POSITIVE_INFINITY)) return null;
  const chosen = new Map<number, number>();
  for (const { variable, scope, best } of eliminated.reverse()) {
    const index = scope.reduce((sum, one) => sum * size(one) + chosen.get(one)!, 0);
    chosen.set(variable, best[index]!);
  }
  return chosen;
}

/** The least sum of tables over the choices of a variable, for all choices of the scope. */
function minimize(
  tables: readonly CostTable[],
  scope: readonly number[],
  variable: number,
  size: (variable: number) => number,
): { values: Float64Array; best: Int32Array } {
  const count = product(scope.map(size));
  const values = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const best = new Int32Array(count);
  const choices = size(variable);
  const strides = tables.map((table) => stridesOf(table, scope, size));
  const own = tables.map((table) => stridesOf(table, [variable], size)[0]!);
  const digits = new Int32Array(scope.length);
  const base = new Int32Array(tables.length);
  for (let index = 0; index < count; index++) {
    for (let choice = 0; choice < choices; choice++) {
      let sum = 0;
      for (let t = 0; t < tables.length; t++) sum += tables[t]!.values[base[t]! + choice * own[t]!]!;
      if (sum >= values[index]!) continue;
      values[index] = sum;
      best[index] = choice;
    }
    // The next choice of the scope, last variable fastest.
    for (let v = scope.length - 1; v >= 0; v--) {
      const wraps = ++digits[v]! === size(scope[v]!);
      const steps = wraps ? 1 - size(scope[v]!) : 1;
      for (let t = 0; t < tables.length; t++) base[t] = base[t]! + steps * strides[t]![v]!;
      if (!wraps) break;
      digits[v] = 0;
    }
  }
  return { values, best };
}
