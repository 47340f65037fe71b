/** Makes `Date`, in this thread, say what a clock says, ms since the epoch, wherever no time is given to it. */
export function replaceDate(now: () => number): void {
  globalThis.Date = new Proxy(Date, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
}
