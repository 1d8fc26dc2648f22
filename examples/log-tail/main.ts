import { appendFile, mkdtemp, open, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contract, createNode, stream } from 'skein';

/** A file's lines, those that are there and those that will be. */
const Logs = contract('logs', '1.0', { tail: stream<string, string>() });

/** Reads on each time that the file has grown; ends with its caller. */
async function* follow(path: string, signal: AbortSignal): AsyncGenerator<string> {
  // Before it is read, so that no change is missed in between.
  const changes = watch(path, { signal })[Symbol.asyncIterator]();
  const nextChange = () => {
    const next = changes.next();
    // It fails as its caller leaves, also while nobody waits for it.
    next.catch(() => undefined);
    return next;
  };
  let change = nextChange();
  const file = await open(path);
  try {
    let rest = '';
    for (;;) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(16 * 1024) });
      if (bytesRead === 0) {
        await change;
        change = nextChange();
      }
      const lines = (rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await file.close();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'log-tail-'));
const path = join(folder, 'service.log');
await writeFile(path, 'started\n');

await using server = await createNode('zmq+memory://log-tail');
await server.serve(Logs, { tail: (file, { signal }) => follow(file, signal) });

/** Grows while it is read. */
const write = async (): Promise<void> => {
  for (let request = 1; request <= 5; request += 1) {
    await sleep(20);
    await appendFile(path, `request ${String(request)} served\n`);
  }
  await appendFile(path, 'stopped\n');
};

await using client = await createNode('zmq+memory://log-tail');
const writing = write();
for await (const line of client.client(Logs).tail(path)) {
  console.log(line);
  if (line === 'stopped') break;
}
await writing;
await rm(folder, { recursive: true });
