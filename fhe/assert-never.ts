/**
 * Ends a switch that has a case for every kind: the compiler refuses the call where one is missing.
 *
 * @throws Error where a value of another kind came all the same, from outside of what the compiler sees.
 */
export function assertNever(value: never): never {
  throw new Error(`no case for ${JSON.stringify(value)}`);
}
