import type { Context } from '../core/context.js';
import { invalidArgument } from '../core/errors.js';
import { readSetting, type Settings, settingKinds, settingNames } from './settings.js';

/** Which directory finds the servers, and which network carries the messages. */
export type Scheme = 'zmq+local' | 'zmq+static' | 'zmq+memory' | 'sim';

/** A node's URL, taken apart: `SCHEME://PLACE?SETTING=VALUE&…`. */
export interface NodeUrl {
  readonly scheme: Scheme;
  /** The directory's own place: a folder, a file, or the name of a group within one process; empty for the default. */
  readonly place: string;
  readonly settings: Settings;
}

const places: Readonly<Record<Scheme, string>> = {
  'zmq+local': 'zmq+local:// or zmq+local:///FOLDER',
  'zmq+static': 'zmq+static:///PATH/ring.yaml',
  'zmq+memory': 'zmq+memory://NAME',
  sim: 'sim://HOST',
};

const shape = /^([a-z][a-z0-9+.-]*):\/\/([^?#]*)(?:\?([^#]*))?$/;

/** Throws `invalid-argument` with every problem listed; what it does not know, it names. */
export const parseNodeUrl = (text: string): NodeUrl => {
  const match = shape.exec(text);
  const scheme = match?.[1];
  if (!match || !isScheme(scheme) || !text.isWellFormed()) {
    throw invalidArgument(`"${text}" is no URL of a node: write one of ${Object.values(places).join(', ')}`);
  }
  const problems: string[] = [];
  const place = decode(match[2] ?? '', problems);
  problems.push(...placeProblems(scheme, place));
  const settings = readQuery(match[3] ?? '', problems);
  if (problems.length > 0) throw invalidArgument(...problems);
  return { scheme, place, settings };
};

/** The URL that {@link parseNodeUrl} reads as the same. */
export const formatNodeUrl = ({ scheme, place, settings }: NodeUrl): string => {
  const { labels = {}, ...rest } = settings;
  const query = [
    ...settingNames.flatMap((name) => {
      const value = name === 'labels' ? undefined : rest[name];
      return value === undefined ? [] : [`${name}=${encode(String(value))}`];
    }),
    ...Object.entries(labels).map(([key, value]) => `label.${encode(key)}=${encode(value)}`),
  ];
  return `${scheme}://${place.split('/').map(encodeURIComponent).join('/')}${query.length === 0 ? '' : `?${query.join('&')}`}`;
};

const isScheme = (scheme: string | undefined): scheme is Scheme => scheme !== undefined && Object.hasOwn(places, scheme);

const placeProblems = (scheme: Scheme, place: string): readonly string[] => {
  const isAbsolute = place.startsWith('/');
  const fits = {
    'zmq+local': place === '' || isAbsolute,
    'zmq+static': isAbsolute && place !== '/',
    'zmq+memory': !place.includes('/'),
    sim: place !== '' && !place.includes('/'),
  }[scheme];
  return fits ? [] : [`"${place}" is no place for ${scheme}: write ${places[scheme]}`];
};

const readQuery = (query: string, problems: string[]): Settings => {
  const settings: Record<string, unknown> = {};
  const labels: [name: string, value: string][] = [];
  for (const part of query === '' ? [] : query.split('&')) {
    const [rawKey = '', ...rest] = part.split('=');
    const key = decode(rawKey, problems);
    const value = decode(rest.join('='), problems);
    if (key.startsWith('label.') && key !== 'label.') labels.push([key.slice('label.'.length), value]);
    else if (key === 'labels' || !Object.hasOwn(settingKinds, key)) problems.push(unknownKey(key));
    else if (Object.hasOwn(settings, key)) problems.push(`${key} is there twice`);
    else {
      const read = readSetting(key as Exclude<keyof Settings, 'labels'>, value);
      if ('problem' in read) problems.push(read.problem);
      else settings[key] = read.value;
    }
  }
  problems.push(...twice(labels));
  // By entries, so that a label may have any name, that of a prototype too.
  return { ...settings, ...(labels.length > 0 && { labels: Object.fromEntries(labels) satisfies Context }) };
};

/** Labels of their own: `zone=a&rack=7`, percent-encoded as in a query. */
export const readLabels = (text: string): { readonly value: Context } | { readonly problem: string } => {
  const problems: string[] = [];
  const labels = text.split('&').map((part) => {
    const [name = '', ...rest] = part.split('=');
    if (rest.length === 0) problems.push(`"${part}" is no label: write NAME=VALUE, with & between two of them`);
    return [decode(name, problems), decode(rest.join('='), problems)] as const;
  });
  problems.push(...twice(labels));
  return problems.length > 0 ? { problem: problems.join('; ') } : { value: Object.fromEntries(labels) };
};

const twice = (labels: readonly (readonly [name: string, value: string])[]): readonly string[] => {
  const names = labels.map(([name]) => name);
  return [...new Set(names.filter((name, i) => names.indexOf(name) < i))].map((name) => `label ${name} is there twice`);
};

export const unknownKey = (key: string): string => `"${key}" is not known: the settings are ${settingNames.join(', ')}`;

/** A query's value with what URLs of a bind address need left readable. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%40', '@');

const decode = (text: string, problems: string[]): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    problems.push(`"${text}" is not percent-encoded UTF-8`);
    return text;
  }
};
