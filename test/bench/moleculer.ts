import { Readable } from 'node:stream';
import { ServiceBroker } from 'moleculer';
import { itemsEach, measureCalls, promised, type Work } from './calls.js';
import { freePort } from './free-port.js';
import { callPayload, type Job, type Payload, type Role, type System } from './messages.js';

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
    actions: {
      echo: ({ params }: { readonly params: Payload }) => params,
      items: () => Readable.from(Array.from({ length: itemsEach }, () => callPayload)),
    },
    events: { 'bench.note': () => undefined },
  });
  await broker.start();
  return { address: `127.0.0.1:${String(port)}/server`, end: () => broker.stop() };
};

const connect = async (role: Role): Promise<Job> => {
  const { address } = role;
  // Another process is another node, which the server may have known.
  const broker = brokerOf(`client-${String(process.pid)}`, null, [address]);
  await broker.start();
  await broker.waitForServices('bench');
  const call = (payload: Payload): Promise<Payload> => broker.call('bench.echo', payload);
  const cast: Work = (done, fail) => {
    broker.emit('bench.note', callPayload).then(done, fail);
  };
  const stream: Work = (done, fail) => {
    let count = 0;
    broker.call<Readable, undefined>('bench.items', undefined).then((items) => {
      items
        .on('data', () => (count += 1))
        .on('error', fail)
        .on('end', () => {
          if (count === itemsEach) done();
          else fail(new Error(`${String(count)} items of a stream came`));
        });
    }, fail);
  };
  return { address, measure: measureCalls(role, promised(call), { cast, stream }), end: () => broker.stop() };
};

export const moleculer: System = { serve, connect };
