import type { StandardSchemaV1 as Schema } from '@standard-schema/spec';
import { SkeinError } from '../core/errors.js';

/** A value that its schema refuses: `invalid-argument` with the schema's issues. */
export class InvalidInput extends SkeinError<'invalid-argument'> {
  constructor(issues: readonly Schema.Issue[]) {
    super('invalid-argument', { issues: issues.map(plain) });
  }
}

/** Whether it is a schema, or none at all. */
export const isSchema = (schema: Schema | undefined): boolean =>
  schema === undefined || typeof (schema as Partial<Schema>)['~standard']?.validate === 'function';

/** The value as the schema yields it, at once where the schema can; throws or rejects with {@link InvalidInput}. */
export const validate = (schema: Schema | undefined, value: unknown): unknown => {
  if (!schema) return value;
  const result = schema['~standard'].validate(value);
  return 'then' in result ? Promise.resolve(result).then(accept) : accept(result);
};

const accept = (result: Schema.Result<unknown>): unknown => {
  if (!result.issues) return result.value;
  throw new InvalidInput(result.issues);
};

/** An issue as it can travel: its message, and its path as keys. */
const plain = ({ message, path }: Schema.Issue) => ({
  message,
  // Copied, for some libraries' paths are arrays with more to them.
  path: Array.from(path ?? [], (step) => {
    const key = typeof step === 'object' ? step.key : step;
    return typeof key === 'number' ? key : String(key);
  }),
});

/** The JSON Schema (draft 2020-12) of a schema, where its library can tell (the Standard JSON Schema interface). */
export const jsonSchemaOf = (schema: Schema | undefined, side: 'input' | 'output'): unknown => {
  const standard = schema?.['~standard'] as { readonly jsonSchema?: JsonSchemaConverter } | undefined;
  if (!standard?.jsonSchema) return undefined;
  try {
    return standard.jsonSchema[side]({ target: 'draft-2020-12' });
  } catch {
    // Some types have no JSON Schema, and libraries throw for them: there is then none to show.
    return undefined;
  }
};

type JsonSchemaConverter = Readonly<Record<'input' | 'output', (options: { readonly target: string }) => unknown>>;
