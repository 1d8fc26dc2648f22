import { expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.js';
import { snapshot } from '../../lib/adapters/msgpackr/snapshot.js';

class Sealed {
  toJSON(): number[] {
    return [1];
  }
}

class Point {
  readonly x: number;
  readonly #secret = 1;
  constructor(x: number) {
    this.x = x + this.#secret;
  }
}

it.each([null, undefined, 0, '', 1n, true])('of %o is itself', (value) => {
  expect(snapshot(value)).toBe(value);
});

it('shares nothing that can be changed', () => {
  const value = {
    list: [{ a: 1 }, [2]],
    date: new Date(5),
    bytes: new Uint8Array([1, 2]),
    bare: Object.assign(Object.create(null) as object, { b: { c: 3 } }),
    point: new Point(1),
    json: new Sealed(),
    constructor: 'a field',
  };
  const copy = snapshot(value) as typeof value;
  expect(copy).toEqual({ ...value, bare: { b: { c: 3 } }, point: { x: 2 }, json: [1] });
  value.date.setTime(6);
  value.bytes[0] = 9;
  (value.list[0] as { a: number }).a = 9;
  value.bare.b.c = 9;
  expect(copy).toMatchObject({ list: [{ a: 1 }, [2]], date: new Date(5), bytes: new Uint8Array([1, 2]), bare: { b: { c: 3 } } });
});

it('keeps holes as undefined, and does not copy a payload of bytes alone that travels by itself', () => {
  // eslint-disable-next-line no-sparse-arrays -- holes are what is tested
  expect(snapshot([1, , 3])).toEqual([1, undefined, 3]);
  const large = new Uint8Array(limits.framedBytesMin);
  expect(snapshot(large)).toBe(large);
  const nested = snapshot({ large }) as { large: Uint8Array };
  expect(nested.large).toEqual(large);
  expect(nested.large).not.toBe(large);
});
