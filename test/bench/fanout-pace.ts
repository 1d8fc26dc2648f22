import type { Figures, Role } from './messages.js';

/** Whether a message came as it was sent. */
export const isWhole = (payload: Uint8Array, { payloadBytes }: Pick<Role, 'payloadBytes'>): boolean =>
  payload.byteLength === payloadBytes && payload[0] === 7;

/** As many fanouts as are sent within the time, `window` of them under way at once; `send` resolves once a fanout is confirmed. */
export const fanOutFor = async (
  seconds: number,
  { window, servers, send }: { readonly window: number; readonly servers: number; readonly send: () => Promise<void> },
): Promise<{ readonly sent: number; readonly figures: Figures }> => {
  const startedAt = performance.now();
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - startedAt < seconds * 1_000) {
      sent += 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  const opsPerSecond = (sent * servers) / ((performance.now() - startedAt) / 1_000);
  return { sent, figures: { opsPerSecond, p50Us: 0, p99Us: 0 } };
};

/** Fails where one of the servers did not get each message. */
export const check = (counts: readonly number[], expected: number): void => {
  const wrong = counts.filter((count) => count !== expected);
  if (wrong.length > 0) {
    throw new Error(
      `${String(wrong.length)} of ${String(counts.length)} servers did not get all: ${wrong.slice(0, 3).join()} of ${String(expected)}`,
    );
  }
};
