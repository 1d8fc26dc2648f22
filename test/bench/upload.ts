import type { Role } from './messages.js';
import { uploadBytes } from './messages.js';
import { Pair } from './pair.js';

/** What calls feel of uploads beside them, on the same link. */
export interface UploadRow {
  readonly bench: 'upload';
  readonly network: Role['network'];
  /** Of each item that an upload sends. */
  readonly payloadBytes: number;
  /** Each run's percentiles: without uploads; with one after the other; and those of two other processes meanwhile, who share nothing but the machine. */
  readonly runs: readonly {
    readonly idleP50Us: number;
    readonly idleP99Us: number;
    readonly besideP50Us: number;
    readonly besideP99Us: number;
    readonly elsewhereP99Us: number;
    readonly mibPerSecond: number;
  }[];
}

/** What one item holds: an upload in 1,024 chunks, and in one. */
export const uploadPayloads = [64 * 1_024, uploadBytes] as const;

export const upload = async (
  network: Role['network'],
  payloadBytes: number,
  { runs, seconds }: { readonly runs: number; readonly seconds: number },
): Promise<UploadRow> => {
  const work = { bench: 'upload', system: 'skein', network, payloadBytes, servers: 1 } as const;
  const [pair, other] = [await Pair.start(work), await Pair.start(work)];
  await Promise.all([pair.measure(1, 2), other.measure(0, 2)]);
  const measured = [];
  for (let run = 0; run < runs; run += 1) {
    const idle = await pair.measure(0, seconds);
    const [beside, elsewhere] = await Promise.all([pair.measure(1, seconds), other.measure(0, seconds)]);
    measured.push({
      idleP50Us: idle.p50Us,
      idleP99Us: idle.p99Us,
      besideP50Us: beside.p50Us,
      besideP99Us: beside.p99Us,
      elsewhereP99Us: elsewhere.p99Us,
      mibPerSecond: (beside.opsPerSecond * uploadBytes) / 2 ** 20,
    });
  }
  for (const one of [pair, other]) await one.end();
  return { bench: 'upload', network, payloadBytes, runs: measured };
};

export const showUpload = ({ network, payloadBytes, runs }: UploadRow): void => {
  console.log(`calls beside uploads of 64 MiB, ${network}, in items of ${String(payloadBytes / 1_024)} KiB`);
  for (const { idleP50Us, idleP99Us, besideP50Us, besideP99Us, elsewhereP99Us, mibPerSecond } of runs) {
    console.log(
      `  idle p50 ${us(idleP50Us)}, p99 ${us(idleP99Us)}; beside ${mibPerSecond.toFixed(0)} MiB/s p50 ${us(besideP50Us)}, ` +
        `p99 ${us(besideP99Us)} = ${(besideP99Us / idleP99Us).toFixed(1)} ×; of other processes p99 ${us(elsewhereP99Us)}`,
    );
  }
};

const us = (value: number): string => `${String(Math.round(value))} µs`;
