import { limits } from '../core/limits.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Draining } from '../rpc/drain.js';
import type { DrainReport } from '../rpc/drain-report.js';

/** Drains a node that nobody here waits for; resolves with what that says. */
export const drainQuietly = (
  node: Draining & { readonly report: Promise<DrainReport> },
  logger: Logger,
): Promise<DrainReport> => {
  node.drain().catch((error: unknown) => {
    logger.error('the node could not be drained', { error });
  });
  return node.report;
};

const signals = ['SIGTERM', 'SIGINT'] as const;

/**
 * Drains the node when the process is asked to end, and then lets it end by the signal. Who asks again does not want to wait; but what
 * comes at once is the same wish, that a terminal told the whole group of, and npm hands on. What comes back stops that.
 */
export const drainOnSignals = (node: Draining, logger: Logger, clock: Clock): (() => void) => {
  let askedAt: number | undefined;
  const leave = async (signal: NodeJS.Signals): Promise<void> => {
    if (askedAt !== undefined) {
      if (clock.now() - askedAt >= limits.signalEchoMs) await node.close();
      return;
    }
    askedAt = clock.now();
    const { unfinished } = await node.drain();
    if (unfinished.length > 0) logger.error(`the node had to leave behind ${String(unfinished.length)} requests`, { unfinished });
    // Other nodes of the process, or its owner, may have something to say yet.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    leave(signal).catch((error: unknown) => {
      logger.error('the node could not be drained', { error });
    });
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
};
