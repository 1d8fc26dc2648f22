/** The class of a port, which is its token. */
export type Port<T extends object> = abstract new (...args: never[]) => T;

/** One port's replacement. */
export interface Override {
  readonly port: Port<object>;
  readonly dependencies: readonly Port<object>[];
  readonly make: (...made: never[]) => object;
}

/** Binds one's own to a port; the factory gets the dependencies that it names, type-checked. */
export const override = <T extends object, const D extends readonly Port<object>[]>(
  port: Port<T>,
  dependencies: D,
  make: (...made: { -readonly [K in keyof D]: D[K] extends Port<infer P> ? P : never }) => T,
): Override => ({ port, dependencies, make: make as unknown as Override['make'] });
