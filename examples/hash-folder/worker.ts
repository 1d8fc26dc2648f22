import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createNode } from 'skein';
import { type Hashed, Hasher } from './contract.js';
import { whatWentWrong } from './problem.js';

/** Reads the file piece by piece, so that its size does not matter, and stops where the caller no longer wants the answer. */
const hashFile = async (path: Uint8Array, worker: string, signal: AbortSignal): Promise<Hashed> => {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(Buffer.from(path), { signal }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return { problem: whatWentWrong(error) };
    throw error;
  }
  return { sha256: hash.digest('hex'), bytes, worker };
};

// Where to meet and what to be called stand in the environment: SKEIN_URL and SKEIN_NAME.
await using node = await createNode();
await using served = await node.serve(Hasher, { hash: (path, { signal }) => hashFile(path, node.name, signal) });
console.log(`${served.server} is ready`);

// A terminal's Ctrl-C reaches this process too; when to end is the coordinator's affair, whose end of this pipe closes then.
process.on('SIGINT', () => undefined);
await once(process.stdin.resume(), 'close');
