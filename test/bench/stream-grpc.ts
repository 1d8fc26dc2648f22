import { Client, credentials, type handleServerStreamingCall, Server, type ServerWritableStream } from '@grpc/grpc-js';
import type { Figures, Job, Role, System } from './messages.js';
import { listening } from './grpc-server.js';
import { streamFor } from './stream-pace.js';

const path = '/bench.Streamed/items';
const same = (payload: Buffer): Buffer => payload;

/** Server streaming, bytes as they are; each write that says so waits until the stream has drained. gRPC has its own windows, and no credit. */
const serve = (role: Role): Promise<Job> => {
  const payload = Buffer.alloc(role.payloadBytes, 7);
  const items: handleServerStreamingCall<Buffer, Buffer> = (call: ServerWritableStream<Buffer, Buffer>) => {
    const write = (): void => {
      while (!call.cancelled && call.write(payload));
    };
    call.on('drain', write);
    // Whoever has enough cancels.
    call.on('error', () => undefined);
    write();
  };
  const server = new Server();
  server.addService(
    {
      items: {
        path,
        requestStream: false,
        responseStream: true,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    { items },
  );
  return listening(server, role);
};

const connect = (role: Role): Job => {
  const client = new Client(role.address, credentials.createInsecure());
  const measure = (_credit: number, seconds: number): Promise<Figures> =>
    streamFor(seconds, role, (take, fail) => {
      const call = client.makeServerStreamRequest(path, same, same, Buffer.alloc(0));
      let isOver = false;
      call.on('data', take);
      call.on('error', (error) => {
        if (!isOver) fail(error);
      });
      return () => {
        isOver = true;
        call.cancel();
      };
    });
  return { address: role.address, measure, end: () => client.close() };
};

export const streamGrpc: System = { serve, connect };
