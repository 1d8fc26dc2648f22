import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { limits } from '../../core/limits.js';
import { CommandError, exitCodes } from '../exit.js';
import { messageOf } from '../finding.js';
import { refuseOneProcess } from '../session.js';

/** What `skein up` is to start. */
export interface UpFile {
  /** Where the services meet, if the file says so. */
  readonly url: string | undefined;
  readonly services: readonly ServicePlan[];
}

export interface ServicePlan {
  readonly name: string;
  /** A list is started as it is; a text is read by the shell. */
  readonly command: string | readonly [string, ...string[]];
  readonly replicas: number;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, as are the paths that are watched. */
  readonly cwd: string;
  readonly watch: readonly string[];
  /** Failures in a row after which it is not started again. */
  readonly restartsMax: number;
  readonly stopMs: number;
  /** Services that are to have ended before it is told to. */
  readonly stopAfter: readonly string[];
}

const topKeys = ['services', 'url', 'env'];
const serviceKeys = ['command', 'replicas', 'env', 'cwd', 'watch', 'restartsMax', 'stopMs', 'stopAfter'];

/** Reads and checks the file; throws a usage error that lists every problem with its place. */
export const readUpFile = (file: string): UpFile => {
  const problems: string[] = [];
  const plan = checkFile(parse(file, problems), dirname(resolve(file)), problems);
  if (problems.length === 0) return plan;
  throw new CommandError({
    exitCode: exitCodes.usage,
    message: `${file} cannot be used:${problems.map((problem) => `\n       - ${problem}`).join('')}`,
    advice: 'docs/cli.md of the package shows what may stand there.',
  });
};

const parse = (file: string, problems: string[]): unknown => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `${file} cannot be read: ${messageOf(error)}`;
    throw new CommandError({ exitCode: exitCodes.usage, message }, { cause: error });
  }
  const document = parseDocument(text);
  problems.push(...document.errors.map(({ message }) => message.trim()));
  return document.errors.length > 0 ? undefined : (document.toJS() as unknown);
};

type Fields = Readonly<Record<string, unknown>>;
type Tell = (path: string, problem: string) => void;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const checkFile = (content: unknown, folder: string, problems: string[]): UpFile => {
  if (problems.length > 0) return { url: undefined, services: [] };
  const tell: Tell = (path, problem) => problems.push(`${path} ${problem}`);
  const fields = isFields(content) ? content : {};
  refuseUnknown(fields, topKeys, '', tell);
  const { url, env, services } = fields;
  if (url !== undefined) checkUrl(url, tell);
  const shared = checkEnv(env, 'env', tell);
  const named = isFields(services) ? Object.entries(services) : [];
  if (named.length === 0) {
    tell('services', 'must map the name of each service to what it is, such as "api: { command: node api.js }"');
  }
  return {
    url: typeof url === 'string' ? url : undefined,
    services: named.map(([name, service], i) => {
      const above = named.slice(0, i).map(([one]) => one);
      return checkService(name, service, { folder, shared, above, tell });
    }),
  };
};

const checkUrl = (url: unknown, tell: Tell): void => {
  if (typeof url !== 'string') {
    tell('url', 'must be a text');
    return;
  }
  try {
    refuseOneProcess(url);
  } catch (error) {
    tell('url', `is wrong: ${messageOf(error)}`);
  }
};

interface Around {
  readonly folder: string;
  readonly shared: Readonly<Record<string, string>>;
  /** The services that stand before it. */
  readonly above: readonly string[];
  readonly tell: Tell;
}

const checkService = (name: string, service: unknown, { folder, shared, above, tell }: Around): ServicePlan => {
  const at = (key: string) => `services.${name}.${key}`;
  if (!/^[\w.-]{1,200}$/.test(name)) {
    tell(`services.${name}`, 'must be named with letters, digits, dots, dashes and underlines only');
  }
  if (!isFields(service)) tell(`services.${name}`, `must have a command, such as { command: node ${name}.js }`);
  const fields = isFields(service) ? service : { command: '-' };
  refuseUnknown(fields, serviceKeys, `services.${name}.`, tell);
  const count = (key: string, fallback: number, min: number, max: number): number => {
    const value = fields[key] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    tell(at(key), `must be a whole number from ${String(min)} to ${String(max)}, and is ${JSON.stringify(value)}`);
    return fallback;
  };
  const cwd = resolve(folder, typeof fields.cwd === 'string' ? fields.cwd : '.');
  if (fields.cwd !== undefined && !isFolder(cwd)) tell(at('cwd'), `must be a folder that exists, and ${cwd} is none`);
  const command = checkCommand(fields.command, at('command'), tell);
  const watch = checkWatch(fields.watch, at('watch'), tell)?.map((path) => resolve(cwd, path));
  return {
    name,
    command,
    cwd,
    replicas: count('replicas', 1, 1, limits.replicasMax),
    env: { ...shared, ...checkEnv(fields.env, at('env'), tell) },
    watch: watch ?? watchedByDefault(command, cwd),
    restartsMax: count('restartsMax', limits.restartsMax, 0, Number.MAX_SAFE_INTEGER),
    stopMs: count('stopMs', limits.stopMs, 0, 86_400_000),
    stopAfter: checkStopAfter(fields.stopAfter, above, at('stopAfter'), tell),
  };
};

const refuseUnknown = (fields: Fields, known: readonly string[], where: string, tell: Tell): void => {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) tell(`${where}${key}`, `is not known; known are ${known.join(', ')}`);
  }
};

const checkCommand = (command: unknown, path: string, tell: Tell): ServicePlan['command'] => {
  if (typeof command === 'string' && command.trim() !== '') return command;
  if (Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === 'string' && word !== '')) {
    return command as [string, ...string[]];
  }
  tell(path, 'must be a text for the shell, or a list of texts: the program and its arguments');
  return '-';
};

/** A number or a flag is taken as it is written: YAML has them without quotes. */
const checkEnv = (env: unknown, path: string, tell: Tell): Readonly<Record<string, string>> => {
  if (env === undefined) return {};
  if (!isFields(env)) {
    tell(path, 'must map names to texts');
    return {};
  }
  const entries = Object.entries(env).flatMap(([name, value]): [string, string][] => {
    if (name === 'SKEIN_NAME') tell(`${path}.SKEIN_NAME`, 'is set by skein up, to a name of its own for each replica');
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [[name, String(value)]];
    else tell(`${path}.${name}`, 'must be a text');
    return [];
  });
  return Object.fromEntries(entries);
};

const checkWatch = (watch: unknown, path: string, tell: Tell): readonly string[] | undefined => {
  if (watch === undefined) return undefined;
  if (Array.isArray(watch) && watch.every((one) => typeof one === 'string' && one !== '')) return watch as string[];
  tell(path, 'must be a list of files and folders');
  return undefined;
};

/** Only what stands above may be named, so that no two services wait for each other. */
const checkStopAfter = (stopAfter: unknown, above: readonly string[], path: string, tell: Tell): readonly string[] => {
  if (stopAfter === undefined) return [];
  if (Array.isArray(stopAfter) && stopAfter.every((one) => above.includes(one as string))) return stopAfter as string[];
  tell(
    path,
    `must be a list of services that stand above it${above.length > 0 ? `: ${above.join(', ')}` : ', and there are none'}`,
  );
  return [];
};

/** The folders of the files that the command names, or else the folder in which it runs. */
const watchedByDefault = (command: ServicePlan['command'], cwd: string): readonly string[] => {
  const words = typeof command === 'string' ? command.split(/\s+/) : command.slice(1);
  const files = words.map((word) => resolve(cwd, word)).filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  const folders = new Set(files.map((path) => dirname(path)));
  return folders.size > 0 ? [...folders] : [cwd];
};

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
