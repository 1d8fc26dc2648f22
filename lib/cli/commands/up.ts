import { createNode } from '../../node/create-node.js';
import { limits } from '../../core/limits.js';
import { systemClock, systemRandom } from '../../node/system.js';
import { wantsColour } from '../colours.js';
import { asUsage, CommandError, exitCodes } from '../exit.js';
import { messageOf } from '../finding.js';
import { refuseOneProcess } from '../session.js';
import { watchChanges } from '../up/changes.js';
import { makePrinter, type Printer, type UpEvent } from '../up/events.js';
import { Guard } from '../up/guard.js';
import { Listed } from '../up/listed.js';
import { replicaNames, Supervisor } from '../up/supervisor.js';
import { readUpFile, type ServicePlan } from '../up/up-file.js';

export interface UpOptions {
  /** Wins over the file's, which wins over the environment's. */
  readonly url?: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `skein up FILE`: gives the exit code, once all has ended. */
export const up = async (file: string, { url, watch = false, json = false }: UpOptions): Promise<number> => {
  if (process.platform === 'win32') {
    throw new CommandError({ exitCode: exitCodes.failed, message: 'skein up needs process groups, which Windows lacks' });
  }
  const plan = readUpFile(file);
  const meetAt = url ?? plan.url ?? nonEmpty(process.env.SKEIN_URL) ?? 'zmq+local://';
  await asUsage(() => {
    refuseOneProcess(meetAt);
  });
  const [clock, random] = [systemClock(), systemRandom()];
  const colour = !json && wantsColour(process.env, process.stdout.isTTY);
  const replicas = plan.services.flatMap(replicaNames);
  const guard = new Guard();
  let end: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const printer: Printer = makePrinter(
    { json, colour, replicas, onBroken: () => supervisor.stop('no one reads what is printed') },
    clock,
  );
  const ports = { clock, random, guard, print: (event: UpEvent) => printer.print(event), envOf: environmentOf(meetAt, colour) };
  const supervisor = new Supervisor(plan.services, ports, () => {
    // While files are watched, what has ended may start again.
    if (!watch || supervisor.isStopping) end?.();
  });
  let askedAt = -Infinity;
  const stop = (signal: NodeJS.Signals): void => {
    // What comes at once is the same wish, that a terminal told the whole group of, and who started this hands on.
    if (clock.now() - askedAt < limits.signalEchoMs) return;
    askedAt = clock.now();
    supervisor.stop(signal);
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    const endWatching = watch ? await watchAll(plan.services, meetAt, supervisor, printer) : undefined;
    supervisor.start();
    await ended;
    await endWatching?.();
  } finally {
    await guard.close();
    for (const signal of signals) process.off(signal, stop);
  }
  void printer.print({ event: 'ended', failed: supervisor.failed });
  return supervisor.failed.length === 0 ? exitCodes.ok : exitCodes.failed;
};

/** An empty variable says nothing. */
const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** Restarts what changed; resolves once all is watched, with what ends it. */
const watchAll = async (
  services: readonly ServicePlan[],
  url: string,
  supervisor: Supervisor,
  printer: Printer,
): Promise<() => Promise<void>> => {
  const clock = systemClock();
  const node = await asUsage(() => createNode({ url }));
  const listed = new Listed(node, clock);
  const watchers = await Promise.all(
    services.map(({ name, watch }) =>
      watchChanges(watch, clock, {
        changed: (path) => {
          if (supervisor.isStopping) return;
          void printer.print({ event: 'changed', service: name, path });
          void supervisor.roll(name, listed);
        },
        failed: (error) => void printer.print({ event: 'unwatched', service: name, error: messageOf(error) }),
      }),
    ),
  );
  return async () => {
    await Promise.all(watchers.map((close) => close()));
    await node.close();
  };
};

/** What a replica's program finds around it. */
const environmentOf =
  (url: string, colour: boolean) =>
  ({ env }: ServicePlan, name: string): NodeJS.ProcessEnv => {
    const all: NodeJS.ProcessEnv = { SKEIN_HANDLE_SIGNALS: 'true', ...process.env, SKEIN_URL: url, ...env, SKEIN_NAME: name };
    // Programs see no terminal, and would not colour what one shows in the end.
    if (colour && all.NO_COLOR === undefined && all.FORCE_COLOR === undefined) all.FORCE_COLOR = '1';
    return all;
  };
