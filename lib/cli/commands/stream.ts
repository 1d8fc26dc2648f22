import { createInterface } from 'node:readline';
import { channelDescribed, sinkDescribed, streamDescribed } from '../../node/described.js';
import { CommandError, exitCodes } from '../exit.js';
import { findMethod, type TopicOptions, withTopic } from '../find.js';
import { Output } from '../output.js';
import { readValue, writeValue } from '../values.js';
import { read, type Sent } from './send.js';

/**
 * `skein stream`: prints the items of a stream or a channel, each on a line as JSON, and the reply of a sink. What goes into a sink or a
 * channel is read from standard input, in the same form, as it is asked for.
 */
export const stream = ({ input, ...sent }: Sent, options: TopicOptions): Promise<void> =>
  withTopic(sent.topic, options, async (session) => {
    const method = await findMethod(['stream', 'sink', 'channel'], sent, session, options);
    // Standard input is what the others send.
    const given = method.verb === 'stream' || input !== '-' ? await read(input) : undefined;
    const { timeout: timeoutMs } = options;
    const opening = { timeoutMs, open: given };
    try {
      if (method.verb === 'stream') await print(streamDescribed(session.node, method, given, { timeoutMs }));
      else if (method.verb === 'channel') await print(channelDescribed(session.node, method, lines(), opening));
      else await print([await sinkDescribed(session.node, method, lines(), opening)]);
    } finally {
      // Who waits for a line that nobody will take would not end.
      process.stdin.destroy();
    }
  });

/** As fast as they are read, and until nobody reads them any more. */
const print = async (items: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> => {
  let isRead = true;
  const out = new Output(process.stdout, () => (isRead = false));
  for await (const item of items) {
    await out.write(writeValue(item, true));
    if (!isRead) break;
  }
};

/** What standard input says. */
async function* lines(): AsyncGenerator {
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number += 1;
    if (line.trim() !== '') yield readLine(line, number);
  }
}

const readLine = (line: string, number: number): unknown => {
  try {
    return readValue(line);
  } catch (error) {
    const { message } = error as CommandError;
    throw new CommandError({ exitCode: exitCodes.failed, message: `line ${String(number)} of standard input: ${message}` });
  }
};
