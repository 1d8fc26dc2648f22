import { createInterface } from 'node:readline';
import { systemClock } from '../../node/system.js';
import { endGroup } from './groups.js';

/**
 * A process beside `skein up` that outlives it, whatever ends it, and then ends the process groups that it left. It is told of them
 * on its input, which closes with `skein up`: `+GROUP STOPMS` where one starts, `-GROUP` where one has ended.
 */
const groups = new Map<number, number>();

// It ends with its input, and not before.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const [, sign, group, stopMs] = /^([+-])(\d+)(?: (\d+))?$/.exec(line) ?? [];
  if (sign === '+') groups.set(Number(group), Number(stopMs));
  else groups.delete(Number(group));
}

const clock = systemClock();
await Promise.all([...groups].map(([group, stopMs]) => endGroup(group, stopMs, clock)));
