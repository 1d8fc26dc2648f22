import { ServiceBroker } from 'moleculer';
import { measureCalls, promised } from './calls.js';
import { freePort } from './free-port.js';
import type { Payload } from './messages.js';
import { type Job, type Role, type System } from './messages.js';

/** Its TCP transporter, which needs no broker, with its default serializer. */
const brokerOf = (nodeID: string, port: number | null, urls: readonly string[]): ServiceBroker =>
  new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'TCP', options: { udpDiscovery: false, port, urls } },
  });

const serve = async (): Promise<Job> => {
  const port = await freePort();
  const broker = brokerOf('server', port, []);
  broker.createService({
    name: 'bench',
    actions: { echo: ({ params }: { readonly params: Payload }) => params },
  });
  await broker.start();
  return { address: `127.0.0.1:${String(port)}/server`, end: () => broker.stop() };
};

const connect = async (role: Role): Promise<Job> => {
  const { address } = role;
  const broker = brokerOf('client', null, [address]);
  await broker.start();
  await broker.waitForServices('bench');
  const call = (payload: Payload): Promise<Payload> => broker.call('bench.echo', payload);
  return { address, measure: measureCalls(role, promised(call)), end: () => broker.stop() };
};

export const moleculer: System = { serve, connect };
