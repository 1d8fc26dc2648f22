import { existsSync } from 'node:fs';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { createNode } from '../node/create-node.js';
import type { Registration } from '../node/described.js';
import type { Node } from '../node/node.js';
import { parseNodeUrl } from '../node/node-url.js';
import { systemClock } from '../node/system.js';
import { limits } from '../core/limits.js';
import { asUsage, CommandError, exitCodes } from './exit.js';
import { messageOf } from './finding.js';

/** What all commands that talk to a cluster are told. */
export interface ClusterOptions {
  /** Default: the environment's `SKEIN_URL`, or `zmq+local://`. */
  readonly url?: string;
  /** For each request, and for the directory to tell of its servers, in ms. */
  readonly timeout?: number;
  readonly json?: boolean;
}

/** A node of the command's own, which serves nothing, and what it heard of its directory's troubles. */
export interface Session {
  readonly node: Node;
  readonly troubles: readonly string[];
}

/** Runs the work with a node that is closed after it. */
export const withSession = async <T>({ url }: ClusterOptions, work: (session: Session) => Promise<T>): Promise<T> => {
  const troubles: string[] = [];
  const note = (message: string, fields?: { readonly error?: unknown }): void => {
    troubles.push(fields?.error === undefined ? message : messageOf(fields.error));
  };
  const ignore = (): void => undefined;
  const logger = { debug: ignore, info: ignore, warn: note, error: note };
  const node = await asUsage(() => {
    if (url !== undefined) refuseOneProcess(url);
    refuseAbsent(url ?? process.env.SKEIN_URL ?? '');
    return createNode({ ...(url !== undefined && { url }), logger });
  });
  try {
    return await work({ node, troubles });
  } finally {
    await node.close();
  }
};

/** A URL of which only one process knows is of no use here. */
export const refuseOneProcess = (url: string): void => {
  const { scheme } = parseNodeUrl(url);
  if (scheme !== 'zmq+memory' && scheme !== 'sim') return;
  throw new CommandError({
    exitCode: exitCodes.usage,
    message: `${url} joins the nodes of one process only, which no other can reach`,
    advice: 'Use zmq+local:// for the processes of this host, or zmq+static:///PATH/ring.yaml.',
  });
};

/** A folder that nobody has made is a mistake, and looking must not make it. */
const refuseAbsent = (url: string): void => {
  if (url === '') return;
  const { scheme, place } = parseNodeUrl(url);
  if (scheme !== 'zmq+local' || place === '' || existsSync(place)) return;
  throw new CommandError({
    exitCode: exitCodes.usage,
    message: `there is no folder ${place}: nothing was ever started there`,
    advice: 'Look at the URL, --url or SKEIN_URL.',
  });
};

type Servers = readonly Registration[];

/** What the directory lists, once it fits. */
export const listServers = async (
  { node, troubles }: Session,
  {
    timeoutMs = limits.listMs,
    until = () => true,
  }: { readonly timeoutMs?: number | undefined; readonly until?: (servers: Servers) => boolean } = {},
): Promise<Servers> => {
  let told: Servers | undefined;
  const fits$ = node.servers$.pipe(filter((servers) => until((told = servers))));
  try {
    return await firstValueFrom(fits$.pipe(timeout({ first: timeoutMs, scheduler: systemClock() })), { defaultValue: [] });
  } catch (error) {
    if (told !== undefined) throw error;
    throw new CommandError(
      {
        exitCode: exitCodes.failed,
        message: [`the directory of ${node.url} told nothing within ${String(timeoutMs)} ms`, ...new Set(troubles)].join('; '),
        advice: 'Look at the URL, --url or SKEIN_URL; "skein doctor" checks the directory of this host.',
      },
      { cause: error },
    );
  }
};
