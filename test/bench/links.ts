import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Registration } from 'skein';
import type { HubOrder, HubReport } from './links-contract.js';
import { nodeUrl, type Role } from './messages.js';
import { privateFolder, startProgram } from './programs.js';

/** What one node with links to many others costs, and does. */
export interface LinksRow {
  readonly bench: 'links';
  readonly network: Role['network'];
  readonly peers: number;
  /** From the first dial until all have answered. */
  readonly connectMs: number;
  /** From the last connection until all have answered, where Node makes them. */
  readonly readyMs: number;
  /** Of the node with all links, for each of them. */
  readonly kibPerPeer: number;
  readonly descriptorsPerPeer: number;
  /** While nothing is sent but the links' own heartbeats. */
  readonly idleCpuPercent: number;
  readonly deliveriesPerSecond: number;
  /** Of calls one after another to one peer, while the other links are idle. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** The same from when one in ten of the peers was killed. */
  readonly besideDeadP50Us: number;
  readonly besideDeadP99Us: number;
}

/** Processes that the peers are spread over: one of them is killed. */
const processes = 10;
const idleMs = 5_000;
const nodeArgs = ['--expose-gc'] as const;

const said = async (child: ChildProcess): Promise<unknown> => {
  const ended = new AbortController();
  const { signal } = ended;
  const [message] = (await Promise.race([
    once(child, 'message', { signal }),
    once(child, 'exit', { signal }).then(() => Promise.reject(new Error('a process ended too early'))),
  ]).finally(() => {
    ended.abort();
  })) as [unknown];
  return message;
};

export const links = async (network: Role['network'], peers: number, seconds: number): Promise<LinksRow> => {
  const folder = privateFolder();
  const url = nodeUrl({ network, folder });
  const each = Math.ceil(peers / processes);
  const children = Array.from({ length: processes }, (_, i) =>
    startProgram('links-peers.js', folder, [url, String(i * each), String(Math.min(each, peers - i * each))], nodeArgs),
  );
  const hub = startProgram('links-hub.js', folder, [url, String(peers)], nodeArgs);
  try {
    const [registrations] = await Promise.all([
      Promise.all(children.map((child) => said(child) as Promise<readonly Registration[]>)),
      said(hub),
    ]);
    return { bench: 'links', network, peers, ...(await measure(hub, children, registrations.flat(), seconds)) };
  } finally {
    const all = [hub, ...children].filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(
      all.map((child) => {
        child.disconnect();
        return once(child, 'exit');
      }),
    );
  }
};

const measure = async (
  hub: ChildProcess,
  children: readonly ChildProcess[],
  registrations: readonly Registration[],
  seconds: number,
): Promise<Omit<LinksRow, 'bench' | 'network' | 'peers'>> => {
  const order = async <D extends HubOrder['do']>(what: HubOrder & { readonly do: D }): Promise<HubReport[D]> => {
    hub.send(what);
    return (await said(hub)) as HubReport[D];
  };
  await order({ do: 'know', registrations });
  const before = await order({ do: 'usage' });
  const { ms, readyMs } = await order({ do: 'connect' });
  const connected = await order({ do: 'usage' });
  await wait(idleMs);
  const idle = await order({ do: 'usage' });
  const { deliveriesPerSecond, failed } = await order({ do: 'fanout', seconds });
  if (failed > 0) throw new Error(`${String(failed)} deliveries of fanouts failed`);
  const alone = await order({ do: 'call', seconds });
  const victim = children.at(-1) as ChildProcess;
  const gone = once(victim, 'exit');
  victim.kill('SIGKILL');
  await gone;
  const beside = await order({ do: 'call', seconds: Math.max(5, seconds) });
  const peers = registrations.length;
  return {
    connectMs: ms,
    readyMs,
    kibPerPeer: (connected.rssBytes - before.rssBytes) / 1_024 / peers,
    descriptorsPerPeer: (connected.descriptors - before.descriptors) / peers,
    // What looking costs is part of it, and nothing beside it.
    idleCpuPercent: ((idle.cpuUs - connected.cpuUs) / 1_000 / idleMs) * 100,
    deliveriesPerSecond,
    ...alone,
    besideDeadP50Us: beside.p50Us,
    besideDeadP99Us: beside.p99Us,
  };
};

export const showLinks = (row: LinksRow): void => {
  const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
  console.log(
    `${whole(row.peers)} peers, ${row.network}: all answered after ${whole(row.connectMs)} ms, ${whole(row.readyMs)} after the last connected; each ${row.kibPerPeer.toFixed(1)} KiB, ` +
      `${row.descriptorsPerPeer.toFixed(2)} descriptors; idle ${row.idleCpuPercent.toFixed(2)} % CPU; ` +
      `fanout ${whole(row.deliveriesPerSecond)} deliveries/s; calls p50 ${whole(row.p50Us)} µs, p99 ${whole(row.p99Us)} µs; ` +
      `beside 10 % that died p50 ${whole(row.besideDeadP50Us)} µs, p99 ${whole(row.besideDeadP99Us)} µs`,
  );
};
