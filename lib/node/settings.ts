import { isLoopback } from '../adapters/wires/loopback.js';
import type { Context } from '../core/context.js';
import { limits } from '../core/limits.js';

/** What text can say of a node: in a URL, in environment variables, or as options. Units are in the names; ms are whole numbers. */
export interface Settings {
  /** What others see of it, and the default name of its servers; default a unique id. */
  readonly name?: string;
  /** Where it listens once it serves; loopback unless said otherwise. Default: by the matchmaker. */
  readonly bind?: string;
  /** What others are told to dial, where that is not where it listens. */
  readonly advertise?: string;
  /**
   * What carries its messages: ZeroMQ's own library, or the same protocol in TypeScript; they talk to each other. Default: `zmtp` for what stays
   * on this host, `zmq` for all else, or `zmtp` where that library cannot be loaded.
   */
  readonly network?: 'zmq' | 'zmtp';
  /**
   * What nodes of one process pass to each other, over `zmq+memory://`: copies, as between processes, or the very objects, which both sides
   * then treat as read-only and nothing checks or weighs: bounds in bytes do not hold. All nodes of a hub say the same. Default `copy`.
   */
  readonly inProcess?: 'copy' | 'share';
  /** Lets it listen beyond this host without encryption; default false. */
  readonly insecure?: boolean;
  /** For a whole request, where neither call, client nor method says another; default 60,000; 0 fails at once. */
  readonly timeoutMs?: number;
  /** How long a request waits for a topic to have a server; default 2,000; 0 fails at once. */
  readonly noServerMs?: number;
  /** How often a quiet link proves that it lives; default 1,000. After 3 silent ones a peer is suspect, after 10 it is lost. */
  readonly heartbeatMs?: number;
  /** How long the directory keeps what is not renewed; default 10,000. */
  readonly leaseMs?: number;
  /** Links open at once; default 256. */
  readonly linksMax?: number;
  /** Requests that a peer may have in this node's mailboxes; default 4,096. */
  readonly linkCredit?: number;
  /** Whether callers get to see the stacks of handlers' errors; default false. */
  readonly sendStacks?: boolean;
  /** Whether SIGTERM and SIGINT drain the node before they end the process; default false: the signals are left alone. */
  readonly handleSignals?: boolean;
  /** Whether others may ask it to drain, as `skein drain` does; default true. */
  readonly remoteDrain?: boolean;
  /** Told to everyone who watches its servers. In URLs: `label.zone=a`. */
  readonly labels?: Context;
}

type Kinds = { readonly [K in keyof Required<Settings>]: 'text' | 'flag' | 'count' | 'labels' | readonly string[] };

/** How each setting is written as text, or one of which texts it is. */
export const settingKinds: Kinds = {
  name: 'text',
  bind: 'text',
  advertise: 'text',
  network: ['zmq', 'zmtp'],
  inProcess: ['copy', 'share'],
  insecure: 'flag',
  timeoutMs: 'count',
  noServerMs: 'count',
  heartbeatMs: 'count',
  leaseMs: 'count',
  linksMax: 'count',
  linkCredit: 'count',
  sendStacks: 'flag',
  handleSignals: 'flag',
  remoteDrain: 'flag',
  labels: 'labels',
};

/** The least that a count may be, where that is not 0. */
const least: { readonly [K in keyof Settings]?: number } = {
  heartbeatMs: 10,
  leaseMs: 100,
  linksMax: 1,
  linkCredit: 1,
};

export const settingNames = Object.keys(settingKinds) as readonly (keyof Settings)[];

export const defaults = {
  inProcess: 'copy',
  insecure: false,
  timeoutMs: limits.timeoutMs,
  noServerMs: limits.noServerMs,
  heartbeatMs: limits.heartbeatMs,
  leaseMs: limits.leaseMs,
  linksMax: limits.linksMax,
  linkCredit: limits.linkCredit,
  sendStacks: false,
  handleSignals: false,
  remoteDrain: true,
  labels: {},
} as const;

/** A setting as it was written, or a sentence that says what is wrong with it. */
export type Read = { readonly value: string | number | boolean } | { readonly problem: string };

/** Reads one setting's text. */
export const readSetting = (name: Exclude<keyof Settings, 'labels'>, text: string): Read => {
  const kind = settingKinds[name];
  if (kind === 'text' || typeof kind !== 'string') return { value: text };
  if (kind === 'flag') {
    if (text === 'true' || text === 'false') return { value: text === 'true' };
    return { problem: `${name} must be true or false, and is "${text}"` };
  }
  return /^\d{1,16}$/.test(text) ? { value: Number(text) } : { problem: `${name} must be a whole number, and is "${text}"` };
};

/** What is wrong with settings, each in a sentence. */
export const settingProblems = (settings: Settings): readonly string[] => [
  ...settingNames.flatMap((name) => valueProblems(name, settings[name])),
  ...bindProblems(settings),
];

const valueProblems = (name: keyof Settings, value: unknown): readonly string[] => {
  if (value === undefined) return [];
  const kind = settingKinds[name];
  switch (kind) {
    case 'text':
      return isText(value) && value !== '' ? [] : [`${name} must be a text that is not empty`];
    case 'flag':
      return typeof value === 'boolean' ? [] : [`${name} must be true or false`];
    case 'count': {
      const min = least[name] ?? 0;
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= min
        ? []
        : [`${name} must be a whole number of at least ${String(min)}, and is ${show(value)}`];
    }
    case 'labels':
      return isRecord(value) && Object.entries(value).every(([key, text]) => isText(key) && key !== '' && isText(text))
        ? []
        : ['labels must be texts by name'];
    default:
      return kind.some((choice) => choice === value) ? [] : [`${name} must be ${kind.join(' or ')}, and is ${show(value)}`];
  }
};

/** What can be written as UTF-8, and so in a URL. */
const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const show = (value: unknown): string => {
  if (isText(value)) return value;
  return typeof value === 'number' ? String(value) : typeof value;
};

const bindProblems = ({ bind, insecure }: Settings): readonly string[] => {
  if (typeof bind !== 'string' || !bind.startsWith('tcp://') || insecure === true) return [];
  const host = bind.slice('tcp://'.length).replace(/:[^:\]]*$/, '');
  if (isLoopback(host)) return [];
  return [`bind ${bind} reaches beyond this host without encryption: bind to 127.0.0.1, or say insecure=true`];
};
