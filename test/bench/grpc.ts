import { fileURLToPath } from 'node:url';
import {
  type ChannelCredentials,
  credentials,
  loadPackageDefinition,
  Server,
  type ServiceDefinition,
  type ServiceError,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { measureCalls, promised } from './calls.js';
import { listening } from './grpc-server.js';
import type { Payload } from './messages.js';
import { type Job, type Role, type System } from './messages.js';

type Reply = (error: ServiceError | null, reply: Payload) => void;

interface Client {
  echo(payload: Payload, reply: Reply): void;
  close(): void;
}

interface Bench {
  readonly Bench: { readonly service: ServiceDefinition } & (new (address: string, secrets: ChannelCredentials) => Client);
}

const load = (): Bench => {
  const file = fileURLToPath(new URL('../../test/bench/bench.proto', import.meta.url));
  return loadPackageDefinition(loadSync(file)).bench as unknown as Bench;
};

/** Unary calls, as the generator makes them of a definition. */
const serve = (role: Role): Promise<Job> => {
  const server = new Server();
  const echo = (({ request }: { readonly request: Payload }, reply: Reply): void => {
    reply(null, request);
  }) as UntypedHandleCall;
  server.addService(load().Bench.service, { echo });
  return listening(server, role);
};

const connect = (role: Role): Job => {
  const { address } = role;
  const { Bench } = load();
  const client = new Bench(address, credentials.createInsecure());
  const call = (payload: Payload): Promise<Payload> =>
    new Promise((resolve, reject) => {
      client.echo(payload, (error, reply) => {
        if (error) reject(error);
        else resolve(reply);
      });
    });
  return {
    address,
    measure: measureCalls(role, promised(call)),
    end: () => {
      client.close();
    },
  };
};

export const grpc: System = { serve, connect };
