/** What is read of a JSON Schema (draft 2020-12). */
interface JsonSchema {
  readonly [key: string]: unknown;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: boolean | JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly $ref?: string;
}

/** Deeper than this a schema is not shown: one that refers to itself has no end. */
const depthMax = 6;

/** A JSON Schema in one line, written like a TypeScript type: `{ image: string, size?: integer >= 1 }`. */
export const shortSchema = (schema: unknown): string => short(asSchema(schema), asSchema(schema), 0);

/** A value that the schema takes, as far as can be told without knowing patterns. */
export const exampleOf = (schema: unknown): unknown => example(asSchema(schema), asSchema(schema), 0);

const asSchema = (schema: unknown): JsonSchema => (typeof schema === 'object' && schema !== null ? (schema as JsonSchema) : {});

const isSchema = (schema: unknown): schema is JsonSchema => typeof schema === 'object' && schema !== null;

const resolve = (schema: JsonSchema, root: JsonSchema): JsonSchema => {
  if (schema.$ref === undefined) return schema;
  if (schema.$ref === '#') return root;
  return root.$defs?.[schema.$ref.replace(/^#\/\$defs\//, '')] ?? {};
};

const short = (given: JsonSchema, root: JsonSchema, depth: number): string => {
  if (depth > depthMax) return '…';
  const schema = resolve(given, root);
  const inner = (one: JsonSchema) => short(one, root, depth + 1);
  const join = (list: readonly JsonSchema[], by: string) => list.map(inner).join(by);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return join(either, ' | ');
  if (schema.allOf) return join(schema.allOf, ' & ');
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return types.length === 0 ? 'any' : types.map((type) => shortType(type, schema, inner)).join(' | ');
};

const shortType = (type: string, schema: JsonSchema, inner: (schema: JsonSchema) => string): string => {
  switch (type) {
    case 'object':
      return shortObject(schema, inner);
    case 'array': {
      if (schema.prefixItems) return `[${schema.prefixItems.map(inner).join(', ')}]`;
      const item = isSchema(schema.items) ? inner(schema.items) : 'any';
      return / [|&] /.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'string':
      if (schema.contentEncoding === 'base64') return 'bytes';
      return `string${typeof schema.format === 'string' ? ` (${schema.format})` : ''}`;
    case 'number':
    case 'integer':
      return `${type}${bounds(schema)}`;
    default:
      return type;
  }
};

const shortObject = (
  { properties = {}, required = [], additionalProperties }: JsonSchema,
  inner: (one: JsonSchema) => string,
) => {
  const fields = Object.entries(properties).map(
    ([name, field]) =>
      `${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}${required.includes(name) ? '' : '?'}: ${inner(field)}`,
  );
  if (isSchema(additionalProperties) && Object.keys(additionalProperties).length > 0) {
    fields.push(`[name]: ${inner(additionalProperties)}`);
  }
  if (fields.length === 0) return Object.keys(properties).length === 0 && additionalProperties === false ? '{}' : 'object';
  return `{ ${fields.join(', ')} }`;
};

/** Bounds that say no more than that a number is safe say nothing. */
const bounds = (schema: JsonSchema): string => {
  const bound = (sign: string, key: string) => {
    const value = schema[key];
    return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? [`${sign} ${String(value)}`] : [];
  };
  const all = [
    ...bound('>', 'exclusiveMinimum'),
    ...bound('>=', 'minimum'),
    ...bound('<', 'exclusiveMaximum'),
    ...bound('<=', 'maximum'),
  ];
  return all.length === 0 ? '' : ` ${all.join(' and ')}`;
};

const example = (given: JsonSchema, root: JsonSchema, depth: number): unknown => {
  if (depth > depthMax) return null;
  const schema = resolve(given, root);
  const inner = (one: JsonSchema) => example(one, root, depth + 1);
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0] as unknown;
  for (const key of ['const', 'default']) if (key in schema) return schema[key];
  if (schema.enum) return schema.enum[0];
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either[0] && inner(either[0]);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map(inner)) as unknown;
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'object': {
      const { properties = {}, required = [] } = schema;
      return Object.fromEntries(required.map((name) => [name, inner(properties[name] ?? {})]));
    }
    case 'array': {
      if (schema.prefixItems) return schema.prefixItems.map(inner);
      return isSchema(schema.items) ? [inner(schema.items)] : [];
    }
    case 'string':
      return exampleText(schema);
    case 'number':
    case 'integer':
      return exampleNumber(schema, type === 'integer');
    case 'boolean':
      return true;
    default:
      return null;
  }
};

const formats: Readonly<Record<string, string>> = {
  'date-time': '2030-01-31T12:00:00Z',
  date: '2030-01-31',
  time: '12:00:00Z',
  email: 'ada@example.org',
  uuid: '3f1d7c1e-8f2b-4d6a-9c57-0a4b6e1d2c3f',
  uri: 'https://example.org',
  hostname: 'example.org',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
};

const exampleText = ({ contentEncoding, format, minLength, maxLength }: JsonSchema): unknown => {
  if (contentEncoding === 'base64') return { $bytes: 'aGVsbG8=' };
  const text = (typeof format === 'string' ? formats[format] : undefined) ?? 'text';
  if (typeof minLength === 'number' && text.length < minLength) return text.padEnd(minLength, 'x');
  return typeof maxLength === 'number' ? text.slice(0, maxLength) : text;
};

/** 1, or the number next to it that the bounds allow. */
const exampleNumber = (schema: JsonSchema, isInteger: boolean): number => {
  const step = isInteger ? 1 : 0.5;
  const numberOf = (key: string) => (typeof schema[key] === 'number' ? schema[key] : undefined);
  const above = numberOf('exclusiveMinimum');
  const below = numberOf('exclusiveMaximum');
  const least = Math.max(numberOf('minimum') ?? -Infinity, above === undefined ? -Infinity : above + step);
  const most = Math.min(numberOf('maximum') ?? Infinity, below === undefined ? Infinity : below - step);
  return Math.min(Math.max(1, least), most);
};
