import { inspect } from 'node:util';
import { ContainerModule } from 'inversify';
import { invalidArgument, isSkeinError } from '../core/errors.js';
import { Hub } from './hub.js';
import { formatNodeUrl, type NodeUrl, parseNodeUrl, readLabels, unknownKey } from './node-url.js';
import { type Interceptor, interceptorProblems, type Interceptors } from '../rpc/interceptor.js';
import type { Override } from './override.js';
import { readSetting, type Settings, settingKinds, settingNames, settingProblems } from './settings.js';

/** Settings, and what text cannot say. Options win over the URL, and the URL over the environment. */
export interface NodeOptions extends Settings {
  /** Default: the environment's `SKEIN_URL`, or `zmq+local://`. */
  readonly url?: string;
  /** Default: warnings and errors, to the console. */
  readonly logger?: Pick<Console, 'debug' | 'info' | 'warn' | 'error'>;
  /** Where the nodes of one process meet; needed by `zmq+memory://` without a name only. */
  readonly hub?: Hub;
  /** Typed replacements of single ports. */
  readonly overrides?: readonly Override[];
  /** Whole Inversify modules, loaded behind Skein's own. */
  readonly modules?: readonly ContainerModule[];
  /** Around each request that leaves (`client`) or arrives (`server`); the first is the outermost. */
  readonly interceptors?: { readonly client?: readonly Interceptor[]; readonly server?: readonly Interceptor[] };
}

/** A node's options, validated. */
export interface Plan extends NodeUrl, Pick<NodeOptions, 'logger' | 'hub' | 'overrides' | 'modules'> {
  readonly url: string;
  readonly interceptors?: Interceptors;
}

const others = new Set<string>(['url', 'logger', 'hub', 'overrides', 'modules', 'interceptors']);

/** All that was said, by whoever said it; throws one `invalid-argument` that lists every problem. */
export const planNode = (options: NodeOptions, environment: Readonly<Record<string, string | undefined>>): Plan => {
  if (typeof options !== 'object' || (options as unknown) === null || Array.isArray(options)) {
    throw invalidArgument(`a node is made from a URL, as a string, or from options, not from ${inspect(options)}`);
  }
  const problems: string[] = Object.keys(options)
    .filter((key) => !others.has(key) && !Object.hasOwn(settingKinds, key))
    .map(unknownKey);
  problems.push(...partProblems(options));
  const collect = <T>(read: () => T, fallback: T): T => {
    try {
      return read();
    } catch (error) {
      if (!isSkeinError(error, 'invalid-argument')) throw error;
      problems.push(...error.details.issues.map(({ message }) => message));
      return fallback;
    }
  };
  const inEnvironment = readEnvironment(environment, problems);
  const blank: NodeUrl = { scheme: 'zmq+local', place: '', settings: {} };
  const parsed = collect(() => parseNodeUrl(textOf(options.url) ?? urlIn(environment)), blank);
  const given: Settings = Object.fromEntries(
    settingNames.map((name) => [name, options[name]] as const).filter(([, value]) => value !== undefined),
  );
  const { inProcess, ...anywhere } = inEnvironment;
  // Of the environment what is of no use to a node is not for it.
  const settings: Settings = {
    ...anywhere,
    ...(parsed.scheme === 'zmq+memory' && inProcess !== undefined && { inProcess }),
    ...parsed.settings,
    ...given,
  };
  problems.push(...settingProblems(settings));
  if (settings.inProcess === 'share' && parsed.scheme !== 'zmq+memory') {
    problems.push('inProcess=share is for zmq+memory://, whose nodes are in one process: what leaves it has to be copied');
  }
  if (problems.length > 0) throw invalidArgument(...problems);
  const { logger, hub, overrides, modules, interceptors } = options;
  return {
    ...parsed,
    settings,
    url: formatNodeUrl({ ...parsed, settings }),
    ...(logger && { logger }),
    ...(hub && { hub }),
    ...(overrides && { overrides }),
    ...(modules && { modules }),
    ...(interceptors && {
      interceptors: { client: [...(interceptors.client ?? [])], server: [...(interceptors.server ?? [])] },
    }),
  };
};

/** A URL may well be given as an object. */
const textOf = (url: unknown): string | undefined => (typeof url === 'string' ? url : url instanceof URL ? url.href : undefined);

/** An empty variable says nothing. */
const urlIn = ({ SKEIN_URL: url = '' }: Readonly<Record<string, string | undefined>>): string =>
  url === '' ? 'zmq+local://' : url;

/** What is wrong with the options that text cannot say. */
const partProblems = ({ url, logger, hub, overrides, modules, interceptors }: NodeOptions): readonly string[] => [
  ...(url === undefined || typeof url === 'string' || (url as unknown) instanceof URL ? [] : ['url must be a string']),
  ...(logger === undefined || isLogger(logger) ? [] : ['logger must have the functions debug, info, warn and error']),
  ...(hub === undefined || hub instanceof Hub ? [] : ['hub must be a Hub: new Hub()']),
  ...(isListOf(overrides, (one) => typeof one === 'object') ? [] : ['overrides must be a list, each made by override(…)']),
  ...(isListOf(modules, (one) => one instanceof ContainerModule) ? [] : ['modules must be a list of ContainerModules']),
  ...interceptorProblems(interceptors),
];

const isLogger = (logger: unknown): boolean =>
  typeof logger === 'object' &&
  logger !== null &&
  ['debug', 'info', 'warn', 'error'].every((level) => typeof (logger as Record<string, unknown>)[level] === 'function');

const isListOf = (list: unknown, isOne: (one: unknown) => boolean): boolean =>
  list === undefined || (Array.isArray(list) && list.every((one) => one !== null && isOne(one)));

/** `SKEIN_TIMEOUT_MS` mirrors `timeoutMs`, and so on; `SKEIN_LABELS` is like the labels' part of a query: `zone=a&rack=7`. */
const variableOf = (name: string): string => `SKEIN_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** All environment variables that mean something. */
export const variables: readonly string[] = ['SKEIN_URL', ...settingNames.map(variableOf)];

const readEnvironment = (environment: Readonly<Record<string, string | undefined>>, problems: string[]): Settings => {
  const settings: Record<string, unknown> = {};
  for (const name of settingNames) {
    const variable = variableOf(name);
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    const read = name === 'labels' ? readLabels(text) : readSetting(name, text);
    if ('problem' in read) problems.push(`${variable}: ${read.problem}`);
    else settings[name] = read.value;
  }
  return settings;
};
