import type { StandardSchemaV1 as Schema } from '@standard-schema/spec';
import { invalidArgument, SkeinError } from '../core/errors.js';
import { checkTarget } from '../core/target.js';
import { isAbove, isVersion, parseVersion, type Version } from '../core/version.js';
import { type ErrorClass, errorsProblems } from './declared-error.js';
import { isSchema } from './schema.js';

declare const types: unique symbol;

export type Verb = 'call' | 'cast' | 'stream' | 'sink' | 'channel';

/** One method of a contract, a value; made by the function of its verb. */
export interface Method<V extends Verb = Verb, S = unknown> {
  readonly verb: V;
  readonly options: MethodOptions;
  readonly input: Schema | undefined;
  readonly output: Schema | undefined;
  /** Of what a sink or a channel is opened with. */
  readonly open: Schema | undefined;
  readonly confirm: 'accepted' | 'done';
  /** The errors that it is expected to fail with. */
  readonly errors: readonly ErrorClass[];
  readonly [types]: S;
}

/**
 * A method's types: what is sent and got back, what the handler sees once the input is parsed, the errors that are expected, and what it
 * is opened with, as it is sent and as the handler sees it. Of streams, input and output are those of each item.
 */
/* eslint-disable @typescript-eslint/no-explicit-any -- the neutral element of inference: `unknown` would refuse every shape */
export interface Shape<I = any, O = any, P = any, E = any, Open = any, Opened = any> {
  readonly input: I;
  readonly output: O;
  readonly parsed: P;
  readonly error: E;
  readonly open: Open;
  readonly opened: Opened;
}
/* eslint-enable @typescript-eslint/no-explicit-any */

export interface MethodOptions {
  /** Whether a request whose outcome is unknown may be repeated; default false. */
  readonly idempotent?: boolean;
  /** For the whole request, of a stream for its opening, in ms; default the node's; 0 fails at once, without sending. */
  readonly timeoutMs?: number;
  /** Requests at work at once on one server; default 64, and 1,024 of streams. */
  readonly concurrency?: number;
  /** Requests that wait for that; default 1,024. One more is `overloaded`. */
  readonly queue?: number;
  /**
   * The contract's version that brought the method as it is: its requests go to servers of that version and newer ones, also
   * where the contract has moved on. Default the contract's version.
   */
  readonly since?: Version;
}

export interface CallSpec<I, O, P, OI, Es = []> extends MethodOptions {
  /** Runs on the server; a violation is `invalid-argument`, and the handler never runs. */
  readonly input?: Schema<I, P>;
  /** Both ends see what it yields, so it must accept that again; runs on the client, and only if asked. */
  readonly output?: Schema<OI, O> & ([O] extends [OI] ? unknown : 'an output schema must accept what it yields');
  /** Expected errors: they arrive as their own class, and are logged at debug only. */
  readonly errors?: Es;
}

/** What a sink or a channel is opened with, before the first item; its handler reads it as `context.open`. */
export interface OpenSpec<Open, Opened> {
  /** Runs on the server; a violation is `invalid-argument`, and the handler never runs. */
  readonly open?: Schema<Open, Opened>;
}

type Errors = readonly ErrorClass[];
type Thrown<Es extends Errors> = InstanceType<Es[number]>;

export interface CastSpec<I, P> extends MethodOptions {
  /** Runs on the server; a violation is `invalid-argument`, and the handler never runs. */
  readonly input?: Schema<I, P>;
  /** What a receipt waits for; default `accepted`. */
  readonly confirm?: 'accepted' | 'done';
}

export type Methods = Readonly<Record<string, Method>>;

/** A versioned set of methods; its name is its topic. */
export interface Contract<Ms extends Methods = Methods> {
  readonly name: string;
  readonly version: Version;
  readonly namespace: string;
  readonly methods: Ms;
}

export type ShapeOf<M> = M extends Method<Verb, infer S extends Shape> ? S : never;
/** What a method of a contract is sent, and what it gives back. */
export type Input<C extends Contract, K extends keyof C['methods']> = ShapeOf<C['methods'][K]>['input'];
export type Output<C extends Contract, K extends keyof C['methods']> = ShapeOf<C['methods'][K]>['output'];

const method = <V extends Verb, S>(
  verb: V,
  {
    input,
    output,
    open,
    confirm = 'accepted',
    errors = [],
    ...options
  }: MethodOptions & {
    readonly errors?: Errors;
    readonly input?: unknown;
    readonly output?: unknown;
    readonly open?: unknown;
    readonly confirm?: 'accepted' | 'done';
  },
): Method<V, S> => ({ verb, options, input, output, open, confirm, errors }) as unknown as Method<V, S>;

/** One request, one reply: `call({ input, output })`, or by types alone `call<In, Out>()`. */
export const call = <I = void, O = void, P = I, OI = O, const Es extends Errors = []>(
  spec: CallSpec<I, O, P, OI, Es> = {},
): Method<'call', Shape<I, O, P, Thrown<Es>, void, void>> => method('call', spec);

/** One request, no reply; its receipt waits for `confirm`. */
export const cast = <I = void, P = I>(spec: CastSpec<I, P> = {}): Method<'cast', Shape<I, void, P, never, void, void>> =>
  method('cast', spec);

/** One request, many replies. */
export const stream = <I = void, O = void, P = I, OI = O, const Es extends Errors = []>(
  spec: CallSpec<I, O, P, OI, Es> = {},
): Method<'stream', Shape<I, O, P, Thrown<Es>, void, void>> => method('stream', spec);

/** Many inputs, one reply. */
export const sink = <I = void, O = void, Open = void, P = I, OI = O, Opened = Open, const Es extends Errors = []>(
  spec: CallSpec<I, O, P, OI, Es> & OpenSpec<Open, Opened> = {},
): Method<'sink', Shape<I, O, P, Thrown<Es>, Open, Opened>> => method('sink', spec);

/** Many inputs, many replies; each way has its own demand, and the replies' end is the end of both. */
export const channel = <I = void, O = void, Open = void, P = I, OI = O, Opened = Open, const Es extends Errors = []>(
  spec: CallSpec<I, O, P, OI, Es> & OpenSpec<Open, Opened> = {},
): Method<'channel', Shape<I, O, P, Thrown<Es>, Open, Opened>> => method('channel', spec);

/** Whether its requests open streams, be it of what is sent, of what is given back, or of both. */
export const isStreaming = ({ verb }: Pick<Method, 'verb'>): boolean => verb !== 'call' && verb !== 'cast';

/** A schema that checks nothing: a type alone where the rest is inferred, as in `{ input: typed<In>(), output }`. */
export const typed = <T>(): Schema<T, T> => ({
  '~standard': { version: 1, vendor: 'skein', validate: (value) => ({ value: value as T }) },
});

/** Bytes of any origin, Buffers too. */
export const bytes = (): Schema<Uint8Array, Uint8Array> => ({
  '~standard': {
    version: 1,
    vendor: 'skein',
    validate: (value) => (value instanceof Uint8Array ? { value } : { issues: [{ message: 'expected a Uint8Array' }] }),
    ...{ jsonSchema: { input: () => bytesAsJson, output: () => bytesAsJson } },
  },
});

/** JSON has no bytes; what `$describe` tells of them is how JSON Schema says bytes in a string. */
const bytesAsJson = { type: 'string', contentEncoding: 'base64' };

/** Throws `invalid-argument` for a version that is none, for methods that are none, and for reserved method names: `$…`, `then`. */
export const contract = <Ms extends Methods>(
  name: string,
  version: Version,
  methods: Ms & { readonly [K in keyof Ms & (`$${string}` | 'then')]: 'a reserved name' },
  { namespace = '' }: { readonly namespace?: string } = {},
): Contract<Ms> => {
  if (!isRecord(methods)) throw invalidArgument('the methods of a contract must be an object: { name: call(…) }');
  const problems = [
    ...checkName(name),
    ...editionProblems({ version, namespace }),
    ...Object.keys(methods).flatMap((key) => checkMethod(key, methods[key], version)),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
  return { name, version, namespace, methods };
};

const checkName = (name: string): string[] => problemsOf(() => checkTarget({ exchange: 'default', topic: name }));

/** Throws `invalid-argument` or `invalid-target` for what is no contract, be it one that was put together by hand. */
export const checkContract = (contract: unknown): void => {
  if (!isRecord(contract) || !isRecord(contract.methods)) {
    throw invalidArgument('what is served and called is a contract: contract(name, version, { method: call(…) })');
  }
  const problems = editionProblems(contract as unknown as Contract);
  if (problems.length > 0) throw invalidArgument(...problems);
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

const editionProblems = ({ version, namespace }: Pick<Contract, 'version' | 'namespace'>): string[] => [
  ...problemsOf(() => parseVersion(version)),
  ...(typeof namespace === 'string' ? [] : [`the namespace must be a string, and is ${String(namespace)}`]),
];

const problemsOf = (check: () => unknown): string[] => {
  try {
    check();
    return [];
  } catch (error) {
    return [error instanceof SkeinError ? error.message.replace(/^\[[a-z-]+\] /, '') : String(error)];
  }
};

/** What is wrong with how much a method may take on. */
export const boundProblems = (key: string, { concurrency = 1, queue = 0 }: MethodOptions): string[] => [
  ...(Number.isSafeInteger(concurrency) && concurrency >= 1
    ? []
    : [`concurrency of "${key}" must be a whole number of at least 1, and is ${String(concurrency)}`]),
  ...(Number.isSafeInteger(queue) && queue >= 0
    ? []
    : [`queue of "${key}" must be a whole number of at least 0, and is ${String(queue)}`]),
];

const verbs: readonly unknown[] = ['call', 'cast', 'stream', 'sink', 'channel'] satisfies readonly Verb[];

const checkMethod = (key: string, value: unknown, version: Version): string[] => {
  if (key.startsWith('$') || key === 'then') {
    return [`"${key}" is a reserved name: methods start with no $ and are not called then`];
  }
  const verb = typeof value === 'object' && value !== null && 'verb' in value ? value.verb : undefined;
  if (!verbs.includes(verb)) return [`"${key}" is no method: make it with call(…), cast(…), stream(…), sink(…) or channel(…)`];
  const { options, input, output, open, confirm, errors } = value as Method;
  const { timeoutMs = 0, since } = options;
  return [
    ...(timeoutMs >= 0 ? [] : [`timeoutMs of "${key}" must be 0 or more, and is ${String(timeoutMs)}`]),
    ...boundProblems(key, options),
    ...(since === undefined ? [] : sinceProblems(key, since, version)),
    ...errorsProblems(key, errors),
    ...(isSchema(input) ? [] : [`the input of "${key}" is no Standard Schema`]),
    ...(isSchema(output) ? [] : [`the output of "${key}" is no Standard Schema`]),
    ...(isSchema(open) ? [] : [`what "${key}" is opened with is no Standard Schema`]),
    ...(isStreaming(value as Method) && options.idempotent === true
      ? [`"${key}" cannot be idempotent: what has come of a stream is not sent anew`]
      : []),
    ...(confirm === 'accepted' || confirm === 'done'
      ? []
      : [`confirm of "${key}" must be accepted or done, and is ${String(confirm)}`]),
  ];
};

/** A method cannot be newer than its contract, and what came with another major is another method. */
const sinceProblems = (key: string, since: Version, version: Version): string[] => {
  if (!isVersion(since)) return [`since of "${key}" is no version: write major, major.minor or major.minor.patch`];
  if (!isVersion(version)) return [];
  const [brought, current] = [parseVersion(since), parseVersion(version)];
  return brought[0] === current[0] && !isAbove(brought, current)
    ? []
    : [`since of "${key}" must be of the contract's major and at most ${version}, and is ${since}`];
};

/** The version that a method's requests ask for at the least. */
export const versionOf = (contract: Pick<Contract, 'version'>, { options }: Pick<Method, 'options'>): Version =>
  options.since ?? contract.version;
