import { type } from 'arktype';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { exampleOf, shortSchema } from '../../lib/cli/schema.js';

const json = (schema: z.ZodType) => z.toJSONSchema(schema);

it.each([
  [z.string(), 'string', 'text'],
  [z.uuid(), 'string (uuid)', '3f1d7c1e-8f2b-4d6a-9c57-0a4b6e1d2c3f'],
  [z.int(), 'integer', 1],
  [z.int().min(2).max(9), 'integer >= 2 and <= 9', 2],
  [z.number().gt(0).lt(1), 'number > 0 and < 1', 0.5],
  [z.boolean().nullable(), 'boolean | null', true],
  [z.enum(['on', 'off']), '"on" | "off"', 'on'],
  [z.array(z.enum(['on', 'off'])), '("on" | "off")[]', ['on']],
  [z.tuple([z.string(), z.literal(7)]), '[string, 7]', ['text', 7]],
  [z.object({ a: z.string().min(6), 'b-c': z.null().optional() }), '{ a: string, "b-c"?: null }', { a: 'textxx' }],
  [z.record(z.string(), z.number()), '{ [name]: number }', {}],
  [z.object({ a: z.int() }).and(z.object({ b: z.int() })), '{ a: integer, b: integer }', { a: 1, b: 1 }],
  [z.unknown(), 'any', null],
])('shows a schema as a type, and what it takes: %#', (schema, short, example) => {
  expect(shortSchema(json(schema))).toBe(short);
  expect(exampleOf(json(schema))).toEqual(example);
  expect(schema.safeParse(exampleOf(json(schema))).success).toBe(true);
});

it('comes to an end of a schema that refers to itself', () => {
  const tree: z.ZodType = z.object({
    get kids() {
      return z.array(tree);
    },
  });
  expect(shortSchema(json(tree))).toMatch(/^\{ kids: \{ kids: .*…/);
  expect(exampleOf(json(tree))).toBeTypeOf('object');
});

it('reads parts and references', () => {
  const schema = {
    $defs: { A: { type: 'object', properties: { a: { const: 1 } }, required: ['a'] } },
    allOf: [{ $ref: '#/$defs/A' }],
  };
  expect(shortSchema({ ...schema, allOf: [...schema.allOf, { type: 'object' }] })).toBe('{ a: 1 } & object');
  expect(exampleOf(schema)).toEqual({ a: 1 });
});

it('reads what other libraries tell', () => {
  expect(shortSchema(type({ 'size?': 'number', image: 'string' }).toJsonSchema())).toBe('{ image: string, size?: number }');
});
