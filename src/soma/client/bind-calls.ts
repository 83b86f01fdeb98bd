import type { ClientContext } from './context.js';

// biome-ignore lint/suspicious/noExplicitAny: the one type that every parameter list is assignable to
type ContextCall = (context: ClientContext, ...rest: any[]) => unknown;

/** A call with its context bound. */
type Bound<F> = F extends (context: ClientContext, ...rest: infer A) => infer R ? (...rest: A) => R : never;

/** Calls as methods, with the types and docstrings of the table. */
export type BoundCalls<C> = { readonly [Name in keyof C]: Bound<C[Name]> };

/** Creates a base class with each call of a table as a method, bound to its `context`. */
export function classOf<C extends Readonly<Record<string, ContextCall>>>(calls: C) {
  class Calls {
    readonly context: ClientContext;
    constructor(context: ClientContext) {
      this.context = context;
    }
  }
  for (const [name, call] of Object.entries(calls)) {
    Object.defineProperty(Calls.prototype, name, {
      configurable: true,
      writable: true,
      value(this: Calls, ...rest: unknown[]) {
        return call(this.context, ...rest);
      },
    });
  }
  return Calls as unknown as new (
    context: ClientContext,
  ) => BoundCalls<C> & Calls;
}
