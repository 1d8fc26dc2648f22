import type { ContainerModule } from 'inversify';
import { invalidArgument, isSkeinError } from '../core/errors.js';
import type { Hub } from './hub.js';
import { formatNodeUrl, type NodeUrl, parseNodeUrl, readLabels, unknownKey } from './node-url.js';
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
}

/** A node's options, validated. */
export interface Plan extends NodeUrl, Pick<NodeOptions, 'logger' | 'hub' | 'overrides' | 'modules'> {
  readonly url: string;
}

const others = new Set<string>(['url', 'logger', 'hub', 'overrides', 'modules']);

/** All that was said, by whoever said it; throws one `invalid-argument` that lists every problem. */
export const planNode = (options: NodeOptions, environment: Readonly<Record<string, string | undefined>>): Plan => {
  const problems: string[] = Object.keys(options)
    .filter((key) => !others.has(key) && !Object.hasOwn(settingKinds, key))
    .map(unknownKey);
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
  const parsed = collect(() => parseNodeUrl(options.url ?? environment.SKEIN_URL ?? 'zmq+local://'), blank);
  const given: Settings = Object.fromEntries(
    settingNames.map((name) => [name, options[name]] as const).filter(([, value]) => value !== undefined),
  );
  const settings: Settings = { ...inEnvironment, ...parsed.settings, ...given };
  problems.push(...settingProblems(settings));
  if (problems.length > 0) throw invalidArgument(...problems);
  const { logger, hub, overrides, modules } = options;
  return {
    ...parsed,
    settings,
    url: formatNodeUrl({ ...parsed, settings }),
    ...(logger && { logger }),
    ...(hub && { hub }),
    ...(overrides && { overrides }),
    ...(modules && { modules }),
  };
};

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
